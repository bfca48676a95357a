import { setTimeout as delay } from 'node:timers/promises';
import { decodeHex, decodeLeaf, encodeHex, frameEntries, type Entry, type Leaf } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { FindProtocol } from '../feed/timeline.ts';
import { IndexState } from '../feed/index-state.ts';
import { IndexDiffers } from '../feed/row-seals.ts';
import { chainAt, isPlacedFrame, journalStart, readJournalRuns, type JournalPlace, type PlacedFrame } from '../recording/journal-reader.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { LargeBuffers } from '../recording/large-buffers.ts';
import { firstSecrets, readSession, SessionOpener, SessionWalk, type AnnouncedPair, type SessionPart } from '../recording/session-reader.ts';
import { Turn } from '../recording/turn.ts';
import { isUnreadable } from '../store/sqlite.ts';
import { allRows, GrowingBlock, valuesMax, type PlacedRecords } from './block.ts';
import { youngRowsMin, type BlockStore } from './block-store.ts';
import { KeptRecords } from './kept-records.ts';
import { RecordBuckets } from './record-buckets.ts';
import { FactReader, type ReadRecord } from './record-facts.ts';
import { RecordOpener } from './record-opener.ts';
import { blockRowsMax } from './row-set.ts';

const remade = 'The index of records was changed from outside, and is being made again. Ask again in a moment.';
/** Time between two looks at the journal when nobody asks for one. */
const followMs = 500;
/** So long somebody waits for the index at most: what is recorded meanwhile would make the wait endless. */
const awaitedMs = 3000;
/** It is looked this often whether somebody waits, and a rest is due after so much work. */
const restStepMs = 20;
/** Most sessions that are read at a time of which something is taken up again. One that gives way is read again from its beginning. */
const followedMax = 1000;

export interface RecordIndexParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly store: BlockStore;
  readonly findProtocol: FindProtocol;
  /** Returns what is known of a session whose first records are not read along the journal; null if it is not known. */
  readonly recall: (session: string) => Promise<RecalledSession | null>;
  /** Where other threads see how far the index is. */
  readonly state?: IndexState;
  readonly followers?: readonly RecordFollower[];
  /** Most records in a block; `blockRowsMax` by default. */
  readonly rowsMax?: number;
  /** While nobody waits for the index, making it rests so many times as long as it works, as this says at that time. By default it does not rest. */
  readonly restPerWork?: () => number;
}

/** The place of a frame, the offset of its end, and both as text, `SEGMENT/OFFSET/END`. */
interface FramePlace extends JournalPlace {
  readonly end: number;
  readonly text: string;
}

/** A record as the journal has it. */
interface RecordPlace {
  readonly leaf: Leaf;
  /** The frame with the record. */
  readonly place: FramePlace;
}

/** Is shown each record of the log once, in order. */
export interface RecordFollower {
  /** The index in the log of the next record that is to be shown. After a start, records that the index has already and that were not shown are read again. */
  readonly next: number;
  see(index: number, read: ReadRecord, where: RecordPlace): void;
  /** Drops the contents of records that are kept in memory. They can be read again if their keys are there. */
  dropErased?(): void;
}

/** A session of which the index goes on reading. */
export interface RecalledSession {
  /** The number of its first secrets. */
  readonly key: number | null;
  /** The secrets that it announced, in order. For its own session alone it is all that count. */
  readonly secrets: readonly AnnouncedPair[];
  /** True for the gateway's own session, whose records need none of its earlier ones. */
  readonly isOwn: boolean;
  readonly parts: readonly SessionPart[];
}

/** A session that is read along the journal. */
interface Followed {
  readonly opener: SessionOpener;
  readonly facts: FactReader;
  readonly buckets: RecordBuckets;
}

/**
 * Makes the index of records: blocks of facts and words, in the order of the log. It follows the journal, from which the index can be made again at any time. What was read is stored when there is
 * much of it, and when somebody asks.
 */
export class RecordIndex {
  readonly #parts: RecordIndexParts;
  readonly #live = new Map<string, Followed>();
  readonly #buffers = new LargeBuffers();
  readonly #turn = new Turn();
  #growing = new GrowingBlock(0);
  #place: JournalPlace = journalStart;
  #chain = '';
  #isResumed = false;
  /** True once nobody follows any more. The next start finds in the journal what is missing. */
  #isLeaving = false;
  #following: Promise<void> = Promise.resolve();
  /** The look that has not begun, which those share who ask meanwhile. */
  #nextLook: Promise<void> | null = null;
  /** Until then somebody waits for the index, by the clock of `performance`. */
  #awaitedUntil = 0;
  #rebuilding: Promise<void> | null = null;
  readonly #state: IndexState;

  constructor(parts: RecordIndexParts) {
    this.#parts = parts;
    this.#state = parts.state ?? new IndexState();
  }

  /** The number of records, from the beginning of the log, that were read. */
  get size(): number {
    return this.#state.size;
  }

  /** Resolves when everything that was recorded before the call is stored in the index, but for blocks that cannot be completed now: their heads say that they lack records. */
  async catchUp(): Promise<void> {
    this.#awaitedUntil = performance.now() + awaitedMs;
    this.#nextLook ??= this.#inTurn(async () => {
      this.#nextLook = null;
      do {
        await this.#follow();
        this.#save(false);
      } while (await this.#takeUpMore());
    });
    await this.#nextLook;
  }

  /** Looks at the journal again and again until the signal aborts. Of several failures in a row only the first is reported. */
  async follow(signal: AbortSignal, onTrouble: (error: unknown) => void): Promise<void> {
    signal.addEventListener('abort', () => {
      this.#isLeaving = true;
    });
    let isFailing = false;
    const look = async (act: () => Promise<void> | void): Promise<void> => {
      try {
        await this.#inTurn(act);
        isFailing = false;
      } catch (error) {
        if (!isFailing) {
          onTrouble(error);
        }
        isFailing = true;
      }
    };
    while (!signal.aborted) {
      await look(async () => {
        await this.#follow();
        if (this.#growing.next - this.#growing.first >= youngRowsMin) {
          this.#save(false);
        }
        await this.#takeUpKept();
      });
      await delay(followMs, null, { ref: false, signal }).catch(() => undefined);
    }
    // The next start goes on from here.
    await look(() => {
      this.#save(false);
    });
  }

  /**
   * Drops what was read of records whose keys were destroyed: what is in memory, and what is stored. `from`: records from this index of the log on are read again, because secrets of
   * some ended by themselves.   */
  async dropErased(from: number | null): Promise<void> {
    await this.#inTurn(async () => {
      // Before anything was followed there is nothing in memory, and the first look drops what is stored.
      if (this.#isResumed) {
        // A record whose key was destroyed is left out.
        this.#save(false);
        this.#live.clear();
        this.#parts.store.dropErased();
      }
      if (from !== null) {
        await this.#forgetFrom(from);
      }
      for (const follower of this.#parts.followers ?? []) {
        follower.dropErased?.();
      }
    });
  }

  /** Makes the index again from the journal. */
  async rebuild(): Promise<void> {
    this.#rebuilding ??= this.#rebuild().finally(() => {
      this.#rebuilding = null;
    });
    await this.#rebuilding;
  }

  async #rebuild(): Promise<void> {
    await this.#inTurn(() => {
      this.#forget();
      this.#isResumed = true;
    });
    await this.catchUp();
  }

  /** Returns the block that has a record of the log, stored or not; null if none has it. */
  blockOf(index: number): PlacedRecords | null {
    const growing = this.#growing;
    return index < growing.first ? this.#parts.store.blockOf(index) : index < growing.next ? growing : null;
  }

  async #inTurn(act: () => Promise<void> | void): Promise<void> {
    const before = this.#following;
    this.#following = (async () => {
      await before.catch(() => undefined);
      await act();
    })();
    await this.#following;
  }

  /** Leaves the processors to those who serve, unless somebody waits for the index. */
  async #rest(workedMs: number): Promise<void> {
    const { restPerWork = () => 0 } = this.#parts;
    const begun = performance.now();
    const isAwaited = (): boolean => performance.now() < this.#awaitedUntil || this.#rebuilding !== null || this.#isLeaving;
    while (performance.now() < begun + workedMs * restPerWork() && !isAwaited()) {
      await delay(restStepMs, null, { ref: false });
    }
  }

  async #follow(): Promise<void> {
    if (!this.#isResumed) {
      await this.#resume();
    }
    try {
      for await (const run of readJournalRuns(this.#parts.data, this.#place)) {
        let begun = performance.now();
        for (const step of run.filter(isPlacedFrame)) {
          if (this.#isLeaving) {
            return;
          }
          await this.#add(step);
          const workedMs = performance.now() - begun;
          if (workedMs > restStepMs) {
            await this.#rest(workedMs);
            begun = performance.now();
          }
        }
      }
      this.#state.noteWhole();
      this.#state.isWhole = true;
    } catch (error) {
      // The next look begins with the frame in which this one failed, of which some sessions have read a part.
      this.#live.clear();
      throw error;
    }
  }

  async #add({ frame, place }: PlacedFrame): Promise<void> {
    if (frame.header.type === 'batch') {
      const { index, entries } = frame.header;
      const { first, values } = this.#parts.store.unfinished(this.#growing);
      if (values >= valuesMax || index + entries - first > (this.#parts.rowsMax ?? blockRowsMax)) {
        this.#save(true);
      }
      const where = framePlace(frame, place);
      for (const entry of frameEntries(frame)) {
        await this.#read(entry, where);
        if (this.#isLeaving) {
          return;
        }
      }
      this.#state.size = index + entries;
    }
    this.#place = { segment: place.segment, offset: frame.end };
    this.#chain = encodeHex(frame.chain);
  }

  /** Reads a record, and adds it if it is not added yet. */
  async #read(entry: Entry, place: FramePlace): Promise<void> {
    // A view of the frame, which is there until its records are read.
    const { leaf: leafBytes } = entry;
    const leaf = decodeLeaf(leafBytes);
    const followed = this.#live.get(leaf.session) ?? (await this.#begin(leaf));
    if (this.#isLeaving) {
      return;
    }
    const opened = followed.opener.open({ leaf, leafBytes, entry });
    const read = followed.facts.read(opened, followed.opener.needed);
    const buckets = followed.buckets.of(leaf, { joins: read.joins, continues: opened.continues });
    if (leaf.logIndex >= this.#growing.next) {
      this.#growing.add(leaf.logIndex, read.facts, { place: place.text, needs: [...read.needs] }, buckets);
    }
    for (const follower of this.#parts.followers ?? []) {
      if (leaf.logIndex >= follower.next) {
        follower.see(leaf.logIndex, read, { leaf, place });
      }
    }
    this.#buffers.pass(opened.content?.length ?? 0);
    if (leaf.kind === 'close') {
      this.#live.delete(leaf.session);
    }
    await this.#turn.spend(entry.storedContent.length);
  }

  /** Begins to read a session. If its first records are in the index already, they are read again, because what comes may need them. */
  async #begin(leaf: Leaf): Promise<Followed> {
    const followed = await this.#readUpTo(leaf);
    this.#live.set(leaf.session, followed);
    return followed;
  }

  /** Reads a session up to a record. */
  async #readUpTo({ session, sessionSeq }: Leaf): Promise<Followed> {
    const { data, keys, findProtocol, recall } = this.#parts;
    const known = sessionSeq === 0 ? null : await recall(session);
    const isOwn = known?.isOwn === true;
    const announced = isOwn ? known.secrets.filter(({ seq }) => seq < sessionSeq) : firstSecrets(known?.key ?? null);
    const followed = { opener: new SessionOpener(keys, announced), facts: new FactReader(findProtocol), buckets: new RecordBuckets() };
    if (sessionSeq > 0 && !isOwn) {
      const extent = { session, records: sessionSeq, state: 'live', parts: () => known?.parts ?? [] } as const;
      try {
        for await (const raw of readSession(data, extent, new SessionWalk(session))) {
          const opened = followed.opener.open(raw);
          const { joins } = followed.facts.read(opened, followed.opener.needed);
          followed.buckets.of(raw.leaf, { joins, continues: opened.continues });
          this.#buffers.pass(opened.content?.length ?? 0);
          if (this.#isLeaving) {
            break;
          }
          await this.#turn.spend(raw.entry.storedContent.length);
        }
      } catch (error) {
        // Where the session is damaged, its later records are read without what is before.
        if (!(error instanceof GatewayError && error.code === 'store_damaged')) {
          throw error;
        }
      }
    }
    return followed;
  }

  /** Takes up more, as `#takeUpKept` does. Who waits for the index does not fail if the journal cannot be read there now, as where its segments are elsewhere: `follow` says so, and tries again. */
  async #takeUpMore(): Promise<boolean> {
    try {
      return await this.#takeUpKept();
    } catch (error) {
      if (!(error instanceof IndexDiffers)) {
        return false;
      }
      this.#forget();
      throw new GatewayError('catching_up', remade, { cause: error });
    }
  }

  /**
   * Takes up records again that are gone with the key of their class and day, and that other keys keep: under the key that keeps each. It goes on from where the store says that it left off, so a
   * crash only makes it look again. Resolves with false if nothing is left to take up.
   */
  async #takeUpKept(): Promise<boolean> {
    const { data, keys, store, findProtocol, recall } = this.#parts;
    const { lacking } = store;
    if (lacking === null || this.#isLeaving) {
      return false;
    }
    const { block, head } = lacking;
    const from = firstPlace(block, head.lackingFrom);
    const kept = new GrowingBlock(head.first);
    using opener = new RecordOpener({
      data,
      keys,
      findProtocol,
      blockOf: (index) => this.blockOf(index),
      keyOf: async (session) => (await recall(session))?.key ?? null,
    });
    const records = new KeptRecords(keys, opener, {
      lacking: head.lacking,
      indexed: allRows(block),
      first: head.first,
      readAlong: async (raw) => (await this.#readUpTo(raw.leaf)).opener.secretsOf(raw),
    });
    /** The sessions of which something is kept, each read from its beginning. */
    const followed = new Map<string, Followed>();
    let [rows, seen] = [0, 0];
    for await (const run of from === null ? [] : readJournalRuns(data, from, parsePlace(head.end))) {
      let begun = performance.now();
      for (const { frame, place } of run.filter(isPlacedFrame)) {
        for (const entry of frame.header.type === 'batch' ? frameEntries(frame) : []) {
          const raw = { leaf: decodeLeaf(entry.leaf), leafBytes: entry.leaf, entry };
          const { logIndex, session, kind } = raw.leaf;
          const isWanted = logIndex >= head.lackingFrom && logIndex < head.next;
          seen += isWanted ? 1 : 0;
          const buckets = isWanted ? await records.keptBy(raw) : null;
          const known = followed.get(session) ?? (buckets === null ? undefined : await this.#readUpTo(raw.leaf));
          if (known !== undefined) {
            followed.set(session, known);
            const opened = known.opener.open(raw);
            const { facts, needs } = known.facts.read(opened, known.opener.needed);
            this.#buffers.pass(opened.content?.length ?? 0);
            if (buckets !== null) {
              kept.add(logIndex, facts, { place: framePlace(frame, place).text, needs: [...needs] }, buckets);
              rows += 1;
            }
          }
          const [oldest = session] = followed.keys();
          if (kind === 'close' || followed.size > followedMax) {
            followed.delete(kind === 'close' ? session : oldest);
          }
          if (this.#isLeaving) {
            return false;
          }
          await this.#turn.spend(entry.storedContent.length);
        }
        const workedMs = performance.now() - begun;
        if (workedMs > restStepMs) {
          await this.#rest(workedMs);
          begun = performance.now();
        }
        if (rows >= youngRowsMin && kept.next < head.next) {
          store.complete(kept, kept.next);
          return true;
        }
      }
    }
    if (seen < head.next - head.lackingFrom && seen < countPlaced(block, head.lackingFrom)) {
      // They may be kept, and be there again: a segment may be elsewhere.
      throw new GatewayError(
        'store_damaged',
        `The index cannot take up what is kept of the records ${head.lackingFrom} to ${head.next - 1}, because the journal does not have all of them now. countersign verify --data DIR says more.`,
      );
    }
    store.complete(kept, head.next);
    return true;
  }

  #save(isFull: boolean): void {
    if (this.#growing.next > (isFull ? this.#parts.store.unfinished(this.#growing).first : this.#growing.first)) {
      try {
        this.#parts.store.save(this.#growing, { end: printPlace(this.#place), chain: this.#chain, isFull });
      } catch (error) {
        if (!(error instanceof IndexDiffers)) {
          throw error;
        }
        // The next look begins with the first record of the journal.
        this.#forget();
        throw new GatewayError('catching_up', remade, { cause: error });
      }
      const rows = this.#growing.next - this.#growing.first;
      this.#growing = new GrowingBlock(this.#growing.next);
      // The values of the block lived long enough to be collected late, and there are many of them.
      if (rows >= youngRowsMin) {
        this.#buffers.collect();
      }
    }
  }

  async #resume(): Promise<void> {
    const { data, store, followers = [] } = this.#parts;
    try {
      store.open();
      store.dropErased();
      const { last } = store;
      const chain = last === undefined ? null : await chainAt(data, parsePlace(last.end));
      if (last !== undefined && chain?.equals(Buffer.from(decodeHex(last.chain, chain.length))) !== true) {
        throw new IndexDiffers('the index of records is not of this journal');
      }
      this.#forgetGrowing(last?.next ?? 0);
      this.#place = last === undefined ? journalStart : parsePlace(last.end);
      this.#chain = last?.chain ?? '';
      await this.#showAgain(Math.min(...followers.map(({ next }) => next)));
    } catch (error) {
      if (!(error instanceof IndexDiffers) && !isUnreadable(error)) {
        throw error;
      }
      this.#forget();
    }
    this.#isResumed = true;
  }

  /** Reads the records of the index again from one on, for who was not shown them. */
  async #showAgain(from: number): Promise<void> {
    const block = this.#parts.store.blockOf(from);
    const where = block?.find(from - block.first);
    for await (const run of where === undefined ? [] : readJournalRuns(this.#parts.data, parsePlace(where.place), this.#place)) {
      for (const { frame, place } of run.filter(isPlacedFrame)) {
        for (const entry of frame.header.type === 'batch' ? frameEntries(frame) : []) {
          if (this.#isLeaving) {
            return;
          }
          await this.#read(entry, framePlace(frame, place));
        }
      }
    }
  }

  /** The next look reads the journal from the block on that has the record with an index in the log. */
  async #forgetFrom(index: number): Promise<void> {
    if (!this.#isResumed) {
      await this.#resume();
    }
    this.#parts.store.dropFrom(index);
    this.#forgetGrowing(this.#parts.store.last?.next ?? 0);
    this.#state.isWhole = false;
    this.#isResumed = false;
  }

  #forget(): void {
    this.#state.isWhole = false;
    this.#parts.store.clear();
    this.#forgetGrowing(0);
    this.#place = journalStart;
  }

  #forgetGrowing(first: number): void {
    this.#live.clear();
    this.#growing = new GrowingBlock(first);
    this.#state.size = first;
  }
}

/** Returns the place of the frame with the first record of a block that is there, from an index of the log on; null: none is. */
function firstPlace(block: PlacedRecords, from: number): JournalPlace | null {
  for (let index = from; index < block.next; index++) {
    const where = block.find(index - block.first);
    if (where !== undefined) {
      return parsePlace(where.place);
    }
  }
  return null;
}

/** Counts the records of a block that are there, from an index of the log on. */
function countPlaced(block: PlacedRecords, from: number): number {
  let count = 0;
  for (let index = from; index < block.next; index++) {
    count += block.find(index - block.first) === undefined ? 0 : 1;
  }
  return count;
}

function framePlace({ end }: PlacedFrame['frame'], place: JournalPlace): FramePlace {
  return { ...place, end, text: `${printPlace(place)}/${end}` };
}

function printPlace({ segment, offset }: JournalPlace): string {
  return `${segment}/${offset}`;
}

function parsePlace(text: string): JournalPlace {
  const [segment, offset] = text.split('/').map(Number);
  return { segment: segment ?? 0, offset: offset ?? 0 };
}
