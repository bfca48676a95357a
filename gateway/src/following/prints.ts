import { createHmac, type KeyObject } from 'node:crypto';
import { kinds, wordKinds } from '../classes/characters.ts';
import { readingsOf } from '../classes/readings.ts';
import { beginDigits, type FollowedValue, type FollowedValues } from '../domain/followed-values.ts';

/** A value with fewer letters and digits is not followed: too much text has it by chance. So is one that repeats fewer than `distinctMin` characters, like 10000. */
const unitsMin = 5;
const distinctMin = 3;
/** A value with more letters and digits is not followed: nobody repeats all of it. */
const unitsMax = 1024;
/** Most other characters between two of a value, as in `+49 (30) 123`. */
const gapMax = 3;
const none: readonly number[] = [];
/** Hexadecimal digits of the digest: 64 bits. */
const digestDigits = 16;

/**
 * Makes keyed prints of values, and finds values in texts by them. A value is known again by its letters and digits, in any case, with other characters between them,
 * and in the encodings of `classes/readings.ts`.
 *
 * A print is `BEGIN-LENGTH-DIGEST`: a hash of the first letters and digits, by which most places of a text are known to hold no value, how many there are, and a keyed digest of all.
 */
export class Prints {
  readonly #key: KeyObject;
  readonly #seed: number;

  constructor(key: KeyObject) {
    this.#key = key;
    this.#seed = createHmac('sha256', key).update('begin').digest().readUInt32LE(0);
  }

  /** Returns the print of a value; null if it is too short, too long or too plain to be followed. */
  of(value: string): string | null {
    const { units, length } = read(value);
    if (length < unitsMin || length > unitsMax || new Set(units.subarray(0, length)).size < distinctMin) {
      return null;
    }
    return this.#print(units, 0, length);
  }

  /** Returns those of the values that are in a text. */
  *find(text: string, values: FollowedValues): Generator<FollowedValue> {
    for (const reading of readingsOf(text)) {
      yield* this.#findIn(read(reading), values);
    }
  }

  *#findIn({ units, marks, length }: ReadText, values: FollowedValues): Generator<FollowedValue> {
    for (let start = 0; start + unitsMin <= length; start += 1) {
      if (((marks[start] ?? 0) & begins) === 0) {
        continue;
      }
      const prints = values.beginningWith(this.#begin(units, start));
      const counts = prints.length === 0 ? none : new Set(prints.map((print) => Number(print.split('-')[1])));
      for (const count of counts) {
        const end = start + count;
        if (end <= length && ((marks[end - 1] ?? 0) & ends) !== 0 && isJoined(marks, start, end)) {
          yield* values.of(this.#print(units, start, end));
        }
      }
    }
  }

  #print(units: Uint16Array, start: number, end: number): string {
    const begin = this.#begin(units, start).toString(16).padStart(beginDigits, '0');
    const digest = createHmac('sha256', this.#key).update(units.subarray(start, end)).digest('hex').slice(0, digestDigits);
    return `${begin}-${end - start}-${digest}`;
  }

  #begin(units: Uint16Array, start: number): number {
    let hash = this.#seed;
    for (let i = start; i < start + unitsMin; i += 1) {
      hash = Math.imul(hash ^ (units[i] ?? 0), 0x01000193);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }
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
  const plain = text.normalize('NFKC').toLowerCase();
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
