/** Most records in a block. A row is the number of a record in its block. */
export const blockRowsMax = 65_536;

const wordBits = 32;
const wordCount = blockRowsMax / wordBits;
const topBit = 0x8000_0000;

/** A set of rows of one block. */
export class RowSet {
  readonly #words = new Uint32Array(wordCount);

  /** Returns the rows from 0 to `count`, without it. */
  static first(count: number): RowSet {
    const set = new RowSet();
    set.#words.fill(0xffff_ffff, 0, Math.floor(count / wordBits));
    if (count % wordBits !== 0) {
      set.#words[Math.floor(count / wordBits)] = 2 ** (count % wordBits) - 1;
    }
    return set;
  }

  add(row: number): void {
    const at = row >>> 5;
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (row & 31));
  }

  has(row: number): boolean {
    return row >= 0 && row < blockRowsMax && ((this.#words[row >>> 5] ?? 0) & (1 << (row & 31))) !== 0;
  }

  /** Adds the rows of a bitmap, of which each byte has eight rows, the lowest bit first. `bitmap` begins at a multiple of 4 bytes in its memory. */
  addBitmap(bitmap: Uint8Array): void {
    const words = new Uint32Array(bitmap.buffer, bitmap.byteOffset, wordCount);
    for (const [at, word] of words.entries()) {
      this.#words[at] = (this.#words[at] ?? 0) | word;
    }
  }

  addAll(other: RowSet): void {
    this.#combine(other, (mine, theirs) => mine | theirs);
  }

  keep(other: RowSet): void {
    this.#combine(other, (mine, theirs) => mine & theirs);
  }

  remove(other: RowSet): void {
    this.#combine(other, (mine, theirs) => mine & ~theirs);
  }

  get count(): number {
    let count = 0;
    for (const word of this.#words) {
      let bits = word - ((word >>> 1) & 0x5555_5555);
      bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
      count += Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
    }
    return count;
  }

  get isEmpty(): boolean {
    return this.#words.every((word) => word === 0);
  }

  /** Yields the rows, the newest first. */
  *newestFirst(): Generator<number> {
    for (let at = wordCount - 1; at >= 0; at--) {
      for (let word = this.#words[at] ?? 0; word !== 0;) {
        const bit = wordBits - 1 - Math.clz32(word);
        yield at * wordBits + bit;
        word &= ~(topBit >>> (wordBits - 1 - bit));
      }
    }
  }

  #combine(other: RowSet, combine: (mine: number, theirs: number) => number): void {
    for (const [at, word] of this.#words.entries()) {
      this.#words[at] = combine(word, other.#words[at] ?? 0);
    }
  }
}
