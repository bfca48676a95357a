/** A value that reached a client with a class. Only its keyed print is kept, never the value. */
export interface FollowedValue {
  /** The class. */
  readonly name: string;
  /** A keyed print of the value, `BEGIN-LENGTH-DIGEST`: see `following/prints.ts`. */
  readonly print: string;
  /** The record of the answer in which the value came first, `LOG/INDEX`. */
  readonly record: string;
  /** Where the value came from: `TARGET/SCHEMA.TABLE.COLUMN`, `TARGET:/MEMBER/*`, or the name of the target. */
  readonly source: string;
}

/** Most values that are followed in one session. */
export const followedMax = 20_000;
/** Hexadecimal digits of `BEGIN`, and of the hash of the whole value with which `DIGEST` begins: each a number of 32 bits. */
export const hashDigits = 8;

const none: readonly never[] = [];

/**
 * The values that reached the client of a session. A value that comes again with the same class keeps its first source, unless that said only the target: where in an
 * answer a value stands may be known only at its end.
 */
export class FollowedValues implements Iterable<FollowedValue> {
  readonly #byPrint = new Map<string, readonly FollowedValue[]>();
  /** The lengths of the values that begin alike. */
  readonly #lengths = new Map<number, readonly number[]>();
  readonly #hashes = new Set<number>();
  #size = 0;
  /** True if more values came than are followed. */
  isCut = false;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Returns true if the value was not followed before, or not from this place, and is from now on. */
  add(value: FollowedValue): boolean {
    const { name, print, source } = value;
    const known = this.#byPrint.get(print) ?? none;
    const same = known.find((each) => each.name === name);
    if (same !== undefined) {
      const isMore = source.startsWith(`${same.source}:/`);
      if (isMore) {
        this.#byPrint.set(
          print,
          known.map((each) => (each === same ? value : each)),
        );
      }
      return isMore;
    }
    if (this.#size >= followedMax) {
      this.isCut = true;
      return false;
    }
    this.#size += 1;
    this.#byPrint.set(print, [...known, value]);
    if (known.length === 0) {
      this.#index(print);
    }
    return true;
  }

  /** True if a value with this print is followed as one of this class. */
  has(name: string, print: string): boolean {
    return this.of(print).some((each) => each.name === name);
  }

  /** Returns the lengths of the values that begin with this number. */
  lengthsAt(begin: number): readonly number[] {
    return this.#lengths.get(begin) ?? none;
  }

  /** False if no value has this hash. */
  mayHave(hash: number): boolean {
    return this.#hashes.has(hash);
  }

  of(print: string): readonly FollowedValue[] {
    return this.#byPrint.get(print) ?? none;
  }

  /** Yields all values, in the order in which they came first. */
  *[Symbol.iterator](): Generator<FollowedValue> {
    for (const values of this.#byPrint.values()) {
      yield* values;
    }
  }

  #index(print: string): void {
    const [begin = '', length = '', digest = ''] = print.split('-');
    const lengths = this.#lengths.get(Number.parseInt(begin, 16)) ?? none;
    if (!lengths.includes(Number(length))) {
      this.#lengths.set(Number.parseInt(begin, 16), [...lengths, Number(length)]);
    }
    this.#hashes.add(Number.parseInt(digest.slice(0, hashDigits), 16));
  }
}

/** Returns a value as an attribute of a record has it: `CLASS PRINT LOG/INDEX SOURCE`. */
export function printFollowed({ name, print, record, source }: FollowedValue): string {
  return `${name} ${print} ${record} ${source}`;
}

/** Reads what `printFollowed` made; null if it is something else. */
export function readFollowed(text: string): FollowedValue | null {
  const [, name = '', print = '', record = '', source = ''] = /^(\S+) (\S+) (\S+) (.+)$/s.exec(text) ?? [];
  return source === '' ? null : { name, print, record, source };
}
