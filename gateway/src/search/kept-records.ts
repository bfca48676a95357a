import type { KeyStore } from '../recording/key-store.ts';
import { noClass } from '../recording/retention.ts';
import type { RawRecord } from '../recording/session-reader.ts';
import type { Buckets } from './block.ts';
import { printBucket } from './block-store.ts';
import type { RecordOpener, SealingSecret } from './record-opener.ts';
import type { RowSet } from './row-set.ts';

interface KeptRecordsOptions {
  /** The buckets that are gone, of which other keys keep something. */
  readonly lacking: readonly string[];
  /** The rows of the block whose facts are indexed, and the index in the log of its row 0. */
  readonly indexed: RowSet;
  readonly first: number;
  /** Returns the secrets that seal a record which needs more than can be read for it alone, or of which not all that it needs is known. */
  readonly readAlong: (raw: RawRecord) => Promise<readonly SealingSecret[]>;
}

/** Says of the records of a block, in order, which of them are kept by another key than that of their class and day. */
export class KeptRecords {
  readonly #keys: Pick<KeyStore, 'keeperOf' | 'indexKey'>;
  readonly #opener: Pick<RecordOpener, 'secretsOf'>;
  readonly #lacking: ReadonlySet<string>;
  readonly #options: KeptRecordsOptions;
  /** The buckets that were found, by session and the buckets of the leaf: between two announcements of a session one secret seals what is under a class and day. */
  readonly #known = new Map<string, Map<string, Buckets>>();

  constructor(keys: Pick<KeyStore, 'keeperOf' | 'indexKey'>, opener: Pick<RecordOpener, 'secretsOf'>, options: KeptRecordsOptions) {
    this.#keys = keys;
    this.#opener = opener;
    this.#options = options;
    this.#lacking = new Set(options.lacking);
  }

  /** Returns the buckets by whose keys the facts and the text of a record are kept, as far as they are gone from the block; null: none of it is kept, or nothing is gone. */
  async keptBy(raw: RawRecord): Promise<Buckets | null> {
    const { leaf } = raw;
    const { session, logIndex, kind } = leaf;
    if (kind === 'secrets') {
      this.#known.delete(session);
    }
    const isIndexed = this.#options.indexed.has(logIndex - this.#options.first);
    const facts = printBucket({ class: leaf.metaClass, day: leaf.metaExpiryDay });
    const text = printBucket({ class: leaf.contentClass, day: leaf.contentExpiryDay });
    const isOfOthers = leaf.metaClass === noClass && !isIndexed;
    if (!this.#lacking.has(facts) && !this.#lacking.has(text) && !isOfOthers) {
      return null;
    }
    const known = this.#known.get(session) ?? new Map<string, Buckets>();
    this.#known.set(session, known);
    const name = `${facts} ${text}`;
    // One without facts of its own went with those of the parts that it breaks off.
    const kept = isOfOthers ? await this.#findOfAll(logIndex) : (known.get(name) ?? (await this.#find(raw, { facts, text })));
    if (!isOfOthers) {
      known.set(name, kept);
    }
    const buckets = isIndexed ? { ...kept, facts: null } : kept;
    return buckets.facts === null && buckets.text === null ? null : buckets;
  }

  async #find(raw: RawRecord, { facts, text }: { readonly facts: string; readonly text: string }): Promise<Buckets> {
    const own = (await this.#opener.secretsOf(raw.leaf.logIndex))?.own ?? (await this.#options.readAlong(raw));
    const isUnder =
      (bucket: string) =>
      (secret: SealingSecret): boolean =>
        this.#lacking.has(bucket) && printBucket(secret.under) === bucket;
    // The secrets of the meta come before those of the content.
    return { facts: this.#firstOf([own.find(isUnder(facts))]), text: this.#firstOf([own.findLast(isUnder(text))]) };
  }

  async #findOfAll(index: number): Promise<Buckets> {
    const all = (await this.#opener.secretsOf(index))?.secrets ?? [];
    return { facts: this.#firstOf(all.filter(({ slot }) => slot === 'meta')), text: this.#firstOf(all.filter(({ slot }) => slot === 'content')) };
  }

  /** Returns the bucket of the key that ends first of those that keep some secrets; null if one of these is not kept, or there is none. */
  #firstOf(secrets: readonly (SealingSecret | undefined)[]): string | null {
    const kept = secrets.map((secret) =>
      secret === undefined ? null : this.#keys.indexKey(secret.under) === null ? this.#keys.keeperOf(secret) : secret.under,
    );
    const [first = null] = kept.toSorted((a, b) => (a?.day ?? 0) - (b?.day ?? 0));
    return first === null ? null : printBucket(first);
  }
}
