import type { Leaf } from '@countersign/ledger/format';
import type { ClassDay } from '../recording/key-store.ts';
import { noClass } from '../recording/retention.ts';
import { printBucket } from './block-store.ts';

/** Most parts of requests and answers of a session that are remembered until the last part comes. The oldest are forgotten first. */
const partsMax = 10_000;

/** Where the facts and the text of a record are kept. */
interface KeptAt {
  readonly facts: ClassDay;
  readonly text: ClassDay;
}

/**
 * Says of the records of one session, in order, in which buckets their facts and texts belong. A record has the text, and some facts, of earlier parts that it ends or breaks off: then these are
 * gone from the index when the first of their keys is, so that nothing is found by what was erased.
 */
export class RecordBuckets {
  /** The parts whose last one is still to come, by their indexes in the log. */
  readonly #parts = new Map<number, KeptAt>();

  of(leaf: Leaf, { joins, continues }: { readonly joins: readonly number[]; readonly continues: boolean }): { readonly facts: string; readonly text: string } {
    const kept: KeptAt[] = [];
    for (const index of joins) {
      const part = this.#parts.get(index);
      kept.push(...(part === undefined ? [] : [part]));
      this.#parts.delete(index);
    }
    const facts = earliest(
      { class: leaf.metaClass, day: leaf.metaExpiryDay },
      kept.map((part) => part.facts),
    );
    const text = earliest(
      { class: leaf.contentClass, day: leaf.contentExpiryDay },
      kept.map((part) => part.text),
    );
    if (continues) {
      this.#parts.set(leaf.logIndex, { facts, text });
      const [oldest = leaf.logIndex] = this.#parts.keys();
      if (this.#parts.size > partsMax) {
        this.#parts.delete(oldest);
      }
    }
    return { facts: printBucket(facts), text: printBucket(text) };
  }
}

function earliest(own: ClassDay, others: readonly ClassDay[]): ClassDay {
  const sealed = others.filter((each) => each.class !== noClass);
  return sealed.reduce((first, each) => (first.class === noClass || each.day < first.day ? each : first), own);
}
