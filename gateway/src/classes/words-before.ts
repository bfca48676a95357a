import { contextUnits } from './view.ts';

/** Matches what stands between the words of names. Digits in a name are no value. */
const noLetters = /[^\p{L}\p{M}]+/gu;
/** Matches where a word begins in `dateOfBirth` and in `SSNOfOwner`. */
const innerWord = /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu;
/** Matches the name of a member that says only that it has a number or a text: what it is says the name of what it is in. */
const general = /^(?:numbers?|num|nr|no|values?|codes?|text)$/i;
/** Matches an index, and `*` for any member or column. */
const unnamed = /^(?:\d+|\*|)$/;
/** Matches the name of a person or a thing, or of the number by which it is stored: it names no class, although the words of one are in it. */
const ofRecord = /(?:^| )(?:drivers?(?: ids?)?|(?:run|ci|insurance|social) ids?)$/i;

/** Most sources of which the words are remembered, and the length of the longest: members and columns are the same in each answer. */
const rememberedMax = 512;
const rememberedUnitsMax = 256;

/** Tells the words that stand before values. */
export class WordsBefore {
  readonly #remembered = new Map<string, string>();

  /** Returns the names that sources of a value tell as words, the nearest last. They are letters and spaces; empty if there are none. See `TextChange`. */
  of(sources: readonly string[] = []): string {
    if (sources.length === 0) {
      return '';
    }
    const key = keyOf(sources);
    const known = this.#remembered.get(key);
    if (known !== undefined) {
      return known;
    }
    const words = readWords(sources);
    if (key !== '' && key.length <= rememberedUnitsMax) {
      if (this.#remembered.size >= rememberedMax) {
        this.#remembered.clear();
      }
      // A text that is cut out of a longer one would keep the whole of it.
      this.#remembered.set(key.split('').join(''), words);
    }
    return words;
  }
}

/** Returns the text by which the words of sources are remembered. Empty: it could be that of others too. */
function keyOf(sources: readonly string[]): string {
  const [first = ''] = sources;
  return sources.some((source) => source.includes('\n')) ? '' : sources.length === 1 ? first : sources.join('\n');
}

function readWords(sources: readonly string[]): string {
  const names = sources.flatMap(namesIn);
  // The name of a member says what its value is, and not the names around it.
  const own = names.findLastIndex(({ isMember, name }) => isMember && !general.test(name));
  const words = names.slice(Math.max(0, own)).map(({ name }) => name.replaceAll(innerWord, ' ').replaceAll(noLetters, ' ').trim());
  return words
    .filter((each) => each !== '' && !ofRecord.test(each))
    .join(' ')
    .slice(-contextUnits);
}

function namesIn(source: string): readonly { readonly name: string; readonly isMember: boolean }[] {
  if (source.startsWith('!')) {
    return [];
  }
  const isMember = source.startsWith('/');
  const names = isMember ? source.split('/') : [source.startsWith('=') ? source.slice(1) : source.slice(source.lastIndexOf('.') + 1)];
  return names.filter((name) => !unnamed.test(name)).map((name) => ({ name, isMember }));
}
