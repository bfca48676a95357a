import type { Query } from '../query/query.ts';
import { Turn } from '../recording/turn.ts';
import type { Block } from './block.ts';
import { blockCost, findRows } from './find-rows.ts';
import type { RowSet } from './row-set.ts';

/** A block, the latest time in it and in those before it, and the earliest in it and in those after it. */
export interface ReachedBlock {
  readonly block: Block;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Returns blocks, which come the newest first, the oldest first. A session that was opened after `toMs` of a block, or closed before its `fromMs`, has no record in it, also where the clock was
 * set back or forwards meanwhile.
 */
export function withReach(blocks: Iterable<Block>): ReachedBlock[] {
  let fromMs = Infinity;
  const reached = Array.from(blocks, (block) => {
    fromMs = Math.min(fromMs, block.firstMs);
    return { block, fromMs };
  });
  let toMs = -Infinity;
  return reached.toReversed().map((each) => {
    toMs = Math.max(toMs, each.block.lastMs);
    return { ...each, toMs };
  });
}

/** A block, and those of its rows for which the query of a pass may hold. */
interface FoundRows extends ReachedBlock {
  readonly rows: RowSet;
}

/** Looks once into each block for the rows for which a query may hold, and counts them. Who stops taking them may go on later, so lines of an answer wait for no more blocks than they need. */
export class Pass implements AsyncIterable<FoundRows> {
  readonly #found: AsyncGenerator<FoundRows>;
  #count = 0;

  /** `blocks` come the newest first. Those with records before the index `before` are looked into before the others. */
  constructor(query: Query, blocks: Iterable<Block>, before = Infinity) {
    this.#found = this.#look(query, blocks, before);
  }

  [Symbol.asyncIterator](): AsyncIterator<FoundRows> {
    return { next: async () => this.#found.next() };
  }

  /** Looks into the blocks that are left, and returns how many rows there are in all blocks. */
  async count(): Promise<number> {
    while ((await this.#found.next()).done !== true);
    return this.#count;
  }

  async *#look(query: Query, blocks: Iterable<Block>, before: number): AsyncGenerator<FoundRows> {
    const turn = new Turn();
    const waiting = withReach(blocks).toSorted((a, b) => Number(a.block.first < before) - Number(b.block.first < before));
    // A block that was looked into is let go, with what was opened of it.
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const rows = findRows(query, next.block, 'most');
      this.#count += rows.count;
      yield { ...next, rows };
      await turn.spend(blockCost);
    }
  }
}
