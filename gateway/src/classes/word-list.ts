import { kinds, wordKinds } from './characters.ts';

/** A word or phrase of a list has at most so many UTF-16 units. */
const listedUnitsMax = 128;

/** Finds words and phrases of a list, whole and in any case. */
export class WordList {
  readonly #listed: ReadonlySet<string>;
  /** Phrases up to each character that ends a word. */
  readonly #begun: ReadonlySet<string>;

  constructor(words: Iterable<string>) {
    const listed = new Set<string>();
    const begun = new Set<string>();
    for (const word of words) {
      const small = word.trim().toLowerCase();
      if (small !== '' && small.length <= listedUnitsMax) {
        listed.add(small);
        for (let i = 1; i < small.length; i += 1) {
          if (!isWordAt(small, i)) {
            begun.add(small.slice(0, i + 1));
          }
        }
      }
    }
    this.#listed = listed;
    this.#begun = begun;
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
    for (let i = start + 1; i <= text.length && i - start <= listedUnitsMax; i += 1) {
      if (i < text.length && isWordAt(text, i)) {
        continue;
      }
      const begun = text.slice(start, i).toLowerCase();
      if (this.#listed.has(begun)) {
        found = i;
      }
      if (i === text.length || !this.#begun.has(begun + text[i])) {
        break;
      }
    }
    return found;
  }

  /** True if a phrase may have begun between `start` and `at` and go on behind the character at `at`. */
  mayCross(text: string, start: number, at: number): boolean {
    for (let begin = Math.max(start, at + 1 - listedUnitsMax); begin < at; begin += 1) {
      if (isWordAt(text, begin) && (begin === start || !isWordAt(text, begin - 1)) && this.#begun.has(text.slice(begin, at + 1).toLowerCase())) {
        return true;
      }
    }
    return false;
  }
}

export function isWordAt(text: string, position: number): boolean {
  return ((kinds[text.charCodeAt(position)] ?? 0) & wordKinds) !== 0;
}
