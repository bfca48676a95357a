import { kinds, wordKinds } from './characters.ts';

/** A word or phrase of a list has at most so many UTF-16 units. */
const listedUnitsMax = 128;
/** In a text it may have more white space between its words, and accents that are characters of their own: up to so many UTF-16 units together. */
const foundUnitsMax = 512;

/** Finds words and phrases of a list, whole and in any case, with any white space between the words. */
export class WordList {
  readonly #listed: ReadonlySet<string>;
  /** Phrases up to each character that ends a word. */
  readonly #begun: ReadonlySet<string>;
  /** The length of the longest of them. */
  readonly #longest: number;

  constructor(words: Iterable<string>) {
    const listed = new Set<string>();
    const begun = new Set<string>();
    for (const word of words) {
      const plain = plainOf(word.trim());
      if (plain !== '' && plain.length <= listedUnitsMax) {
        listed.add(plain);
        for (let i = 1; i < plain.length; i += 1) {
          if (!isWordAt(plain, i)) {
            begun.add(plain.slice(0, i + 1));
          }
        }
      }
    }
    this.#listed = listed;
    this.#begun = begun;
    this.#longest = begun.values().reduce((longest, { length }) => Math.max(longest, length), 0);
  }

  /** Calls `take` with each word of the list in a text, the longest first where several begin at one place. */
  find(text: string, take: (start: number, end: number) => void): void {
    for (let start = 0; start < text.length; start += 1) {
      const end = isWordAt(text, start) && (start === 0 || !isWordAt(text, start - 1)) ? this.#endOf(text, start) : -1;
      if (end !== -1) {
        take(start, end);
        start = end - 1;
      }
    }
  }

  #endOf(text: string, start: number): number {
    let found = -1;
    let plain = '';
    let from = start;
    for (let i = start + 1; i <= text.length && i - start <= foundUnitsMax; i += 1) {
      if (i < text.length && (isWordAt(text, i) || isWithinSpace(text, i))) {
        continue;
      }
      plain += plainOf(text.slice(from, i));
      from = i;
      if (this.#listed.has(plain)) {
        found = i;
      }
      if (i === text.length || !this.#begun.has(plain + plainOf(text.charAt(i)))) {
        break;
      }
    }
    return found;
  }

  /** True if a phrase may have begun between `start` and `at` and go on behind the character at `at`, which ends a word. */
  mayCross(text: string, start: number, at: number): boolean {
    const first = Math.max(start, at + 1 - foundUnitsMax);
    let units = 1;
    for (let begin = at - 1; begin >= first && units < this.#longest; begin -= 1) {
      units += isWithinSpace(text, begin + 1) || isAccent(text, begin) ? 0 : 1;
      const isBegin = isWordAt(text, begin) && (begin === start || !isWordAt(text, begin - 1));
      if (isBegin && !isWordAt(text, at) && this.#begun.has(plainOf(text.slice(begin, at + 1)))) {
        return true;
      }
    }
    return false;
  }
}

export function isWordAt(text: string, position: number): boolean {
  return ((kinds[text.charCodeAt(position)] ?? 0) & wordKinds) !== 0;
}

/** White space, without the mark of an order of bytes: that is as if it were not there. */
const spaces = /[^\S\ufeff]+/g;
const isSpace = (unit: number): boolean =>
  unit < 0x80 ? unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) : unit !== 0xfeff && String.fromCharCode(unit).trim() === '';

/** True behind the first character of a run of white space. */
function isWithinSpace(text: string, position: number): boolean {
  return position > 0 && isSpace(text.charCodeAt(position)) && isSpace(text.charCodeAt(position - 1));
}

/** True for a unit that may become one with the letter before it. */
const isAccent = (text: string, position: number): boolean => text.charCodeAt(position) >= 0x300 && /\p{M}/u.test(text[position] ?? '');

/** Matches what another text may stand for: white space but one space, and what may have an accent that is a character of its own. */
const mayDiffer = /[^ -~\u00a1-\u02ff]| {2}/;

/** Returns what is the same for all ways to write a phrase: in small letters, with accents on their letters (NFC) and one space for each white space. */
function plainOf(text: string): string {
  const small = text.toLowerCase();
  return mayDiffer.test(small) ? small.replaceAll(spaces, ' ').normalize('NFC') : small;
}
