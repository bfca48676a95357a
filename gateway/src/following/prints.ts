import { createHmac, type KeyObject } from 'node:crypto';
import { kinds, wordKinds } from '../classes/characters.ts';
import { readingsOf } from '../classes/readings.ts';
import { hashDigits, type FollowedValue, type FollowedValues } from '../domain/followed-values.ts';
import { quickHash } from './quick-hash.ts';

/** A value with fewer letters and digits is not followed: too much text has it by chance. So is one that repeats fewer than `distinctMin` characters, like 10000. */
const unitsMin = 5;
const distinctMin = 3;
/** A value with more letters and digits is not followed: nobody repeats all of it. */
const unitsMax = 1024;
/** Most other characters between two of a value, as in `+49 (30) 123`. */
const gapMax = 3;
/** A value with so many letters and digits is found within a word too: no text has it by chance. Binary forms write the length of a text before it, which may be a letter. */
const gluedMin = 12;
/** Most letters and digits that are compared for each character of a text, and `comparedMin` more. A hostile text begins like many values at each of its places. */
const comparedMax = 64;
const comparedMin = 1_000_000;
/** Hexadecimal digits of the keyed digest: 64 bits. */
const digestDigits = 16;

/** The values that are in a text. */
export interface FoundValues {
  readonly values: ReadonlySet<FollowedValue>;
  /** False if not all encodings in the text were undone, or not all of its places compared: it may have others. */
  readonly isWhole: boolean;
}

/**
 * Makes keyed prints of values, and finds values in texts by them. A value is known again by its letters and digits, in any case, with other characters between them,
 * and in the encodings of `classes/readings.ts`.
 *
 * A print is `BEGIN-LENGTH-DIGEST`: a keyed hash of the first letters and digits, by which most places of a text are known to hold no value; how many letters and digits
 * there are; and a keyed hash and a digest of all of them. Two prints tell whether two values are the same, whether they begin alike, and how long they are, and
 * nothing else to who does not have the key.
 */
export class Prints {
  readonly #key: KeyObject;
  readonly #beginKey: readonly [number, number];
  readonly #hashKey: readonly [number, number];

  constructor(key: KeyObject) {
    this.#key = key;
    const keyOf = (use: string): readonly [number, number] => {
      const bytes = createHmac('sha256', key).update(use).digest();
      return [bytes.readInt32LE(0), bytes.readInt32LE(4)];
    };
    this.#beginKey = keyOf('begin');
    this.#hashKey = keyOf('hash');
  }

  /** Returns the print of a value; null if it is too short, too long or too plain to be followed. */
  of(value: string): string | null {
    const { units, length } = read(value);
    if (length < unitsMin || length > unitsMax || new Set(units.subarray(0, length)).size < distinctMin) {
      return null;
    }
    return this.#print(this.#begin(units, 0), quickHash(this.#hashKey, units, 0, length), units.subarray(0, length));
  }

  /** Finds values in a text. `isCut`: the text is the end of a longer one. */
  find(text: string, values: FollowedValues, isCut = false): FoundValues {
    const { texts, isWhole } = readingsOf(text, isCut);
    const found = new Set<FollowedValue>();
    let left = text.length * comparedMax + comparedMin;
    for (const each of texts) {
      left = this.#findIn(read(each), { values, left }, found);
    }
    return { values: found, isWhole: isWhole && left > 0 };
  }

  /** `left`: how many letters and digits are compared at most. Returns how many of them are left. */
  #findIn({ units, marks, length }: ReadText, { values, left }: { readonly values: FollowedValues; readonly left: number }, found: Set<FollowedValue>): number {
    let unitsLeft = left;
    for (let start = 0; start + unitsMin <= length && unitsLeft > 0; start += 1) {
      const isWord = ((marks[start] ?? 0) & begins) !== 0;
      const begin = this.#begin(units, start);
      for (const count of values.lengthsAt(begin)) {
        const end = start + count;
        unitsLeft -= 1;
        if (end > length || (count < gluedMin && !(isWord && ((marks[end - 1] ?? 0) & ends) !== 0)) || unitsLeft <= 0) {
          continue;
        }
        unitsLeft -= count;
        if (!isJoined(marks, start, end)) {
          continue;
        }
        const hash = quickHash(this.#hashKey, units, start, end);
        if (values.mayHave(hash)) {
          for (const value of values.of(this.#print(begin, hash, units.subarray(start, end)))) {
            found.add(value);
          }
        }
      }
    }
    return unitsLeft;
  }

  #print(begin: number, hash: number, units: Uint16Array): string {
    const digest = createHmac('sha256', this.#key).update(units).digest('hex').slice(0, digestDigits);
    return `${hex(begin)}-${units.length}-${hex(hash)}${digest}`;
  }

  #begin(units: Uint16Array, start: number): number {
    return quickHash(this.#beginKey, units, start, start + unitsMin);
  }
}

function hex(hash: number): string {
  return hash.toString(16).padStart(hashDigits, '0');
}

/** The letters and digits of a text, in lower case. */
interface ReadText {
  readonly units: Uint16Array;
  /** For each of them, bits that say where words begin and end. */
  readonly marks: Uint8Array;
  readonly length: number;
}

const begins = 1;
const ends = 2;
/** More than `gapMax` other characters are before it. */
const isFar = 4;

function read(text: string): ReadText {
  const plain = (/[^\0-\x7f]/.test(text) ? text.normalize('NFKC') : text).toLowerCase();
  const units = new Uint16Array(plain.length);
  const marks = new Uint8Array(plain.length);
  let length = 0;
  let gap = 1;
  for (let i = 0; i < plain.length; i += 1) {
    const unit = plain.charCodeAt(i);
    // Chinese and Japanese have no spaces between words.
    const isWord = unit >= 0x2e80 && unit < 0xd800;
    if (!isWord && ((kinds[unit] ?? 0) & wordKinds) === 0) {
      gap += 1;
      continue;
    }
    if (length > 0 && (gap > 0 || isWord)) {
      marks[length - 1] = (marks[length - 1] ?? 0) | ends;
    }
    marks[length] = (gap > 0 || isWord ? begins : 0) | (isWord ? ends : 0) | (gap > gapMax ? isFar : 0);
    units[length] = unit;
    length += 1;
    gap = 0;
  }
  if (length > 0) {
    marks[length - 1] = (marks[length - 1] ?? 0) | ends;
  }
  return { units, marks, length };
}

function isJoined(marks: Uint8Array, start: number, end: number): boolean {
  for (let i = start + 1; i < end; i += 1) {
    if (((marks[i] ?? 0) & isFar) !== 0) {
      return false;
    }
  }
  return true;
}
