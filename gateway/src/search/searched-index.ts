import type { Block } from './block.ts';
import type { BlockStore } from './block-store.ts';
import type { RecordIndex } from './record-index.ts';

/** The maker of the index of records, in this thread or another. */
export type IndexMaker = Pick<RecordIndex, 'catchUp' | 'rebuild'>;

/** The index of records as a search sees it: what is stored. */
export class SearchedIndex {
  readonly #open: () => BlockStore;
  readonly #maker: IndexMaker;
  #store: BlockStore;

  /** `open` opens the store of what the maker writes. */
  constructor(open: () => BlockStore, maker: IndexMaker) {
    this.#open = open;
    this.#maker = maker;
    this.#store = open();
  }

  /** Opens the store again, because another file may have its place. Who looks into the old one goes on with it. */
  reopen(): void {
    this.#store = this.#open();
  }

  /** Resolves when everything that was recorded before the call is in the index. */
  async catchUp(): Promise<void> {
    await this.#maker.catchUp();
    this.#store.refresh();
  }

  /** Makes the index again from the journal. */
  async rebuild(): Promise<void> {
    await this.#maker.rebuild();
  }

  /** Yields the blocks that there are now, the newest first. */
  blocks(): Iterable<Block> {
    this.#store.refresh();
    return this.#store.blocks();
  }

  /** Returns the block that has a record of the log; null if none has it. */
  blockOf(index: number): Block | null {
    return this.#store.blockOf(index);
  }

  /** True unless a block lacks records that are to be taken up again. */
  get isComplete(): boolean {
    return this.#store.heads.every(({ lacking }) => lacking.length === 0);
  }

  /** The number of records that are in the index. Those that are to be taken up again, because other keys keep some of them, are not. */
  get size(): number {
    const lacking = this.#store.heads.filter((head) => head.lacking.length > 0);
    return lacking.reduce((size, { next, lackingFrom }) => size - (next - lackingFrom), this.#store.last?.next ?? 0);
  }
}
