import { decodeLeaf, entryAt, entryPlaces, type Leaf } from '@countersign/ledger/format';
import type { FindProtocol } from '../feed/timeline.ts';
import { FrameFinder } from '../recording/journal-reader.ts';
import type { ClassDay, KeyStore } from '../recording/key-store.ts';
import type { SecretName } from '../recording/wraps.ts';
import { firstSecrets, SessionOpener, type RawRecord } from '../recording/session-reader.ts';
import type { PlacedRecords } from './block.ts';
import { FactReader, type ReadRecord } from './record-facts.ts';

/** Most earlier records that are read for one. */
const needsMax = 2000;
/** Most records that are kept, as they are in the journal, because another one may need them too, and most bytes of them. */
const keptMax = 2000;
const keptBytesMax = 16 * 1024 * 1024;

/** Most blocks that are looked into at a time: each has some megabytes of what was opened of it. */
const blocksMax = 4;

export interface RecordOpenerParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly findProtocol: FindProtocol;
  /** Returns the block that has a record; null if none has it. */
  readonly blockOf: (index: number) => PlacedRecords | null;
  /** Returns the number of the key of a session; null: it has none. */
  readonly keyOf: (session: string) => number | null | Promise<number | null>;
}

/** A record that was opened by itself, and its leaf as it is in the journal. */
export interface OpenedAlone {
  readonly read: ReadRecord;
  readonly leaf: Uint8Array;
}

/** A secret, and the class and day that the leaves of its bodies name. */
export interface SealingSecret extends SecretName {
  readonly under: ClassDay;
}

/** The secrets that seal a record itself, and those that open it with all that must be read before it. */
export interface SealingSecrets {
  readonly leaf: Leaf;
  readonly own: readonly SealingSecret[];
  readonly secrets: readonly SealingSecret[];
}

/** Opens records by their index in the log, each with those earlier ones that it needs and without the rest of its session. The index of records says where they are. */
export class RecordOpener implements Disposable {
  readonly #parts: RecordOpenerParts;
  readonly #frames: FrameFinder;
  readonly #blocks = new Map<number, PlacedRecords>();
  readonly #found = new Map<number, RawRecord>();
  #foundBytes = 0;

  constructor(parts: RecordOpenerParts) {
    this.#parts = parts;
    this.#frames = new FrameFinder(parts.data);
  }

  [Symbol.dispose](): void {
    this.#frames[Symbol.dispose]();
  }

  /** Resolves with null if the indexes do not know all that is needed, or what is in the journal is not that. */
  async open(index: number): Promise<OpenedAlone | null> {
    const needed = await this.#readWithNeeds(index);
    if (needed === null) {
      return null;
    }
    const facts = new FactReader(this.#parts.findProtocol);
    let read: ReadRecord | null = null;
    for (const raw of needed.raws) {
      read = facts.read(needed.opener.open(raw), needed.opener.needed);
    }
    return read === null ? null : { read, leaf: needed.last.leafBytes };
  }

  /** Returns the secrets that open a record, and those that open what must be read before it. Resolves with null as `open` does. */
  async secretsOf(index: number): Promise<SealingSecrets | null> {
    const needed = await this.#readWithNeeds(index);
    const each = needed?.raws.map((raw) => needed.opener.secretsOf(raw)) ?? [];
    return needed === null ? null : { leaf: needed.last.leaf, own: each.at(-1) ?? [], secrets: each.flat() };
  }

  /** Reads a record and all that must be read before it, in order. `opener` opens them. */
  async #readWithNeeds(index: number): Promise<{ readonly raws: readonly RawRecord[]; readonly last: RawRecord; readonly opener: SessionOpener } | null> {
    const needed = this.#neededBy(index);
    const raws: RawRecord[] = [];
    for (const each of needed ?? []) {
      const raw = await this.#find(each);
      if (raw === null || raw.leaf.session !== (raws[0] ?? raw).leaf.session) {
        return null;
      }
      raws.push(raw);
    }
    const last = raws.at(-1);
    if (last === undefined) {
      return null;
    }
    const key = await this.#parts.keyOf(last.leaf.session);
    if (key === null) {
      // The index of sessions does not have the session yet.
      return null;
    }
    return { raws, last, opener: new SessionOpener(this.#parts.keys, firstSecrets(key)) };
  }

  /** Returns the leaf of a record; null if it is not where the index says. */
  async leafOf(index: number): Promise<Leaf | null> {
    return (await this.#find(index))?.leaf ?? null;
  }

  /** Returns the indexes of a record and of all that must be read before it, in order; null if they are not known or too many. */
  #neededBy(index: number): readonly number[] | null {
    const needed = new Set<number>([index]);
    for (const each of needed) {
      const block = this.#blockOf(each);
      if (block === null || needed.size > needsMax) {
        return null;
      }
      for (const other of block.find(each - block.first)?.needs ?? []) {
        needed.add(other);
      }
    }
    return [...needed].toSorted((a, b) => a - b);
  }

  async #find(index: number): Promise<RawRecord | null> {
    const block = this.#blockOf(index);
    const where = block?.find(index - block.first);
    const known = this.#found.get(index);
    const found = known ?? (where === undefined ? null : await this.#read(where.place, index));
    if (known === undefined && found !== null && this.#found.size < keptMax && this.#foundBytes < keptBytesMax) {
      this.#found.set(index, found);
      this.#foundBytes += found.entry.storedMeta.length + found.entry.storedContent.length;
    }
    return found;
  }

  /** Reads the record with an index from the frame at a place, `SEGMENT/OFFSET/END`; null if it is not there. */
  async #read(place: string, index: number): Promise<RawRecord | null> {
    const [segment = 0, offset = 0, end = 0] = place.split('/').map(Number);
    const frame = await this.#frames.find({ segment, offset }, end);
    if (frame?.header.type !== 'batch') {
      return null;
    }
    const [at, next = frame.body.length] = entryPlaces(frame).slice(index - frame.header.index);
    if (at === undefined) {
      return null;
    }
    // A copy: who keeps the record does not keep the whole frame in memory.
    const body = frame.body.slice(at, next);
    const entry = entryAt(body, new DataView(body.buffer), 0);
    const { leaf: leafBytes } = entry;
    const leaf = decodeLeaf(leafBytes);
    return leaf.logIndex === index ? { leaf, leafBytes, entry } : null;
  }

  #blockOf(index: number): PlacedRecords | null {
    for (const block of this.#blocks.values()) {
      if (index >= block.first && index < block.next) {
        return block;
      }
    }
    const block = this.#parts.blockOf(index);
    if (block !== null) {
      this.#blocks.set(block.first, block);
    }
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > blocksMax && oldest !== undefined) {
      this.#blocks.delete(oldest);
    }
    return block;
  }
}
