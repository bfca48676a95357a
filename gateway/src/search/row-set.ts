/** Most records in a block. A row is the number of a record in its block. */
export const blockRowsMax = 65_536;

const wordBits = 32;
const wordCount = blockRowsMax / wordBits;
const topBit = 0x8000_0000;

/** A set of rows of one block. It has bits only for the range of rows that were added, because most values are had by few rows, which are near to one another. */
export class RowSet {
  /** The bits of the rows from `#from * wordBits` on. */
  #words: Uint32Array = new Uint32Array(0);
  #from = 0;

  /** Returns the rows from 0 to `count`, without it. */
  static first(count: number): RowSet {
    const set = new RowSet();
    set.#cover(0, wordCount);
    set.#words.fill(0xffff_ffff, 0, Math.floor(count / wordBits));
    if (count % wordBits !== 0) {
      set.#words[Math.floor(count / wordBits)] = 2 ** (count % wordBits) - 1;
    }
    return set;
  }

  /** Makes room for the rows between two, with both, so that adding each of them makes none. */
  reserve(first: number, last: number): void {
    this.#cover(first >>> 5, (last >>> 5) + 1);
  }

  add(row: number): void {
    const word = row >>> 5;
    if (word < this.#from || word >= this.#to) {
      this.#cover(word, word + 1);
    }
    const at = word - this.#from;
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (row & 31));
  }

  has(row: number): boolean {
    return row >= 0 && row < blockRowsMax && (this.#wordAt(row >>> 5) & (1 << (row & 31))) !== 0;
  }

  /** Adds the rows of a bitmap, of which each byte has eight rows, the lowest bit first. `bitmap` begins at a multiple of 4 bytes in its memory. */
  addBitmap(bitmap: Uint8Array): void {
    const all = new RowSet();
    all.#words = new Uint32Array(bitmap.buffer, bitmap.byteOffset, wordCount);
    this.addAll(all);
  }

  addAll(other: RowSet): void {
    if (other.#words.length > 0) {
      this.#cover(other.#from, other.#to);
    }
    const shift = other.#from - this.#from;
    for (let at = 0; at < other.#words.length; at += 1) {
      this.#words[at + shift] = (this.#words[at + shift] ?? 0) | (other.#words[at] ?? 0);
    }
  }

  keep(other: RowSet): void {
    for (let at = 0; at < this.#words.length; at += 1) {
      this.#words[at] = (this.#words[at] ?? 0) & other.#wordAt(at + this.#from);
    }
  }

  remove(other: RowSet): void {
    for (let at = 0; at < this.#words.length; at += 1) {
      this.#words[at] = (this.#words[at] ?? 0) & ~other.#wordAt(at + this.#from);
    }
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
    for (let at = this.#words.length - 1; at >= 0; at--) {
      for (let word = this.#words[at] ?? 0; word !== 0;) {
        const bit = wordBits - 1 - Math.clz32(word);
        yield (at + this.#from) * wordBits + bit;
        word &= ~(topBit >>> (wordBits - 1 - bit));
      }
    }
  }

  get #to(): number {
    return this.#from + this.#words.length;
  }

  #wordAt(word: number): number {
    return this.#words[word - this.#from] ?? 0;
  }

  /** Makes room for these words. A set that has others already gets room for all rows. */
  #cover(from: number, to: number): void {
    if (from >= this.#from && to <= this.#to) {
      return;
    }
    const [words, at] = [this.#words, this.#from];
    this.#from = words.length === 0 ? from : 0;
    this.#words = new Uint32Array(words.length === 0 ? to - from : wordCount);
    this.#words.set(words, words.length === 0 ? 0 : at);
  }
}
