/** Most records in a block. A row is the number of a record in its block. */
export const blockRowsMax = 65_536;
/** Bytes of a step in a list of rows. */
export const stepBytes = 2;

const wordBits = 32;
const wordCount = blockRowsMax / wordBits;
/** To find the last row of a longer list takes more than room for all rows. */
const wideBytesMin = 512 * stepBytes;
const topBit = 0x8000_0000;

/** A set of rows of one block. It has bits only for the range of rows that were added, because most values are had by few rows, which are near to one another. */
export class RowSet {
  /** The bits of the rows from `#from * wordBits` on. */
  #words: Uint32Array;
  #from: number;

  constructor() {
    this.#words = new Uint32Array(0);
    this.#from = 0;
  }

  /** Returns the rows of a bitmap of all rows, of which each byte has eight, the lowest bit first. */
  static ofBitmap(bitmap: Uint8Array): RowSet {
    const set = new RowSet();
    // The copy begins where its memory begins, as arrays of longer numbers must.
    set.#words = new Uint32Array(new Uint8Array(bitmap).buffer);
    return set;
  }

  /** Returns the rows of a list of steps, as `stepsOf` makes it. */
  static ofSteps(steps: Uint8Array): RowSet {
    const set = new RowSet();
    if (steps.length > 0) {
      const from = stepAt(steps, 0) >>> 5;
      const words = new Uint32Array(steps.length > wideBytesMin ? wordCount - from : (lastOf(steps) >>> 5) - from + 1);
      let row = 0;
      for (let at = 0; at < steps.length; at += stepBytes) {
        row += stepAt(steps, at);
        const word = (row >>> 5) - from;
        words[word] = (words[word] ?? 0) | (1 << (row & 31));
      }
      set.#words = words;
      set.#from = from;
    }
    return set;
  }

  add(row: number): void {
    const word = row >>> 5;
    this.#cover(word, word + 1);
    const at = word - this.#from;
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (row & 31));
  }

  has(row: number): boolean {
    const word = (row >>> 5) - this.#from;
    return row >= 0 && word >= 0 && word < this.#words.length && ((this.#words[word] ?? 0) & (1 << (row & 31))) !== 0;
  }

  addAll(other: RowSet): void {
    const { length } = other.#words;
    if (length > 0) {
      this.#cover(other.#from, other.#from + length);
    }
    const [words, others, by] = [this.#words, other.#words, other.#from - this.#from];
    for (let at = 0; at < length; at += 1) {
      words[at + by] = (words[at + by] ?? 0) | (others[at] ?? 0);
    }
  }

  keep(other: RowSet): void {
    const { from, to, words, others, by } = this.#overlap(other);
    words.fill(0, 0, from);
    for (let at = from; at < to; at += 1) {
      words[at] = (words[at] ?? 0) & (others[at + by] ?? 0);
    }
    words.fill(0, to);
  }

  remove(other: RowSet): void {
    const { from, to, words, others, by } = this.#overlap(other);
    for (let at = from; at < to; at += 1) {
      words[at] = (words[at] ?? 0) & ~(others[at + by] ?? 0);
    }
  }

  get count(): number {
    const words = this.#words;
    let count = 0;
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? 0;
      let bits = word - ((word >>> 1) & 0x5555_5555);
      bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
      count += Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
    }
    return count;
  }

  get isEmpty(): boolean {
    const words = this.#words;
    let at = 0;
    while (at < words.length && words[at] === 0) {
      at += 1;
    }
    return at === words.length;
  }

  /** Yields the rows, the newest first. */
  *newestFirst(): Generator<number> {
    for (let at = this.#words.length - 1; at >= 0; at--) {
      for (let word = this.#words[at] ?? 0; word !== 0;) {
        const bit = wordBits - 1 - Math.clz32(word);
        yield (at + this.#from) * wordBits + bit;
        word &= ~(topBit >>> (wordBits - 1 - bit));
      }
    }
  }

  /** Returns the words, and which of them another set has too: those from `from` on and before `to`, which it has `by` further on. */
  #overlap(other: RowSet) {
    const [words, others, by] = [this.#words, other.#words, this.#from - other.#from];
    const from = Math.min(words.length, Math.max(0, -by));
    return { words, others, by, from, to: Math.max(from, Math.min(words.length, others.length - by)) };
  }

  /** Makes room for these words. A set that has others already gets room for all rows. */
  #cover(from: number, to: number): void {
    const [words, at] = [this.#words, this.#from];
    if (from >= at && to <= at + words.length) {
      return;
    }
    this.#from = words.length === 0 ? from : 0;
    this.#words = new Uint32Array(words.length === 0 ? to - from : wordCount);
    this.#words.set(words, words.length === 0 ? 0 : at);
  }
}

/** Returns rows, which come in ascending order, as a list of steps: how much higher each is than the one before, and the first than row 0, the lower byte first. They are much alike, so they pack well. */
export function stepsOf(rows: readonly number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(rows, (row, at) => row - (rows[at - 1] ?? 0)).buffer);
}

/** Returns the rows of a list of steps. */
export function rowsOfSteps(steps: Uint8Array): number[] {
  const rows: number[] = [];
  let row = 0;
  for (let at = 0; at < steps.length; at += stepBytes) {
    row += stepAt(steps, at);
    rows.push(row);
  }
  return rows;
}

function lastOf(steps: Uint8Array): number {
  let last = 0;
  for (let at = 0; at < steps.length; at += stepBytes) {
    last += stepAt(steps, at);
  }
  return last;
}

function stepAt(steps: Uint8Array, at: number): number {
  return (steps[at] ?? 0) | ((steps[at + 1] ?? 0) << 8);
}
