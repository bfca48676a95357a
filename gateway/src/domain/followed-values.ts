/** A value that reached a client with a class. Only its keyed print is kept, never the value. */
export interface FollowedValue {
  /** The class. */
  readonly name: string;
  /** A keyed print of the value: see `following/prints.ts`. It begins with a number of `beginDigits` hexadecimal digits, by which values are looked up that begin alike. */
  readonly print: string;
  /** The record of the answer in which the value came first, `LOG/INDEX`. */
  readonly record: string;
  /** Where the value came from: `TARGET/SCHEMA.TABLE.COLUMN`, `TARGET:/MEMBER/*`, or the name of the target. */
  readonly source: string;
}

/** Most values that are followed in one session. */
const followedMax = 20_000;
export const beginDigits = 8;

const none: readonly never[] = [];

/** The values that reached the client of a session. A value that comes again with the same class keeps its first source. */
export class FollowedValues implements Iterable<FollowedValue> {
  readonly #byPrint = new Map<string, readonly FollowedValue[]>();
  readonly #byBegin = new Map<number, readonly string[]>();
  #size = 0;
  /** True if more values came than are followed. */
  isCut = false;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Returns true if the value was not followed before, and is from now on. */
  add(value: FollowedValue): boolean {
    const { name, print } = value;
    const known = this.#byPrint.get(print) ?? none;
    if (known.some((each) => each.name === name)) {
      return false;
    }
    if (this.#size >= followedMax) {
      this.isCut = true;
      return false;
    }
    this.#size += 1;
    this.#byPrint.set(print, [...known, value]);
    if (known.length === 0) {
      const begin = Number.parseInt(print.slice(0, beginDigits), 16);
      this.#byBegin.set(begin, [...(this.#byBegin.get(begin) ?? none), print]);
    }
    return true;
  }

  /** Returns the prints that begin with this number. */
  beginningWith(begin: number): readonly string[] {
    return this.#byBegin.get(begin) ?? none;
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
