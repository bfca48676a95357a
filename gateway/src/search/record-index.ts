import { setTimeout as delay } from 'node:timers/promises';
import { decodeHex, encodeHex, frameEntries, type Entry, type Frame, decodeLeaf } from '@countersign/ledger/format';
import type { FindProtocol } from '../feed/timeline.ts';
import { IndexDiffers } from '../feed/row-seals.ts';
import { chainAt, isPlacedFrame, journalStart, readJournalRuns, type JournalPlace, type PlacedFrame } from '../recording/journal-reader.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { LargeBuffers } from '../recording/large-buffers.ts';
import { SessionOpener } from '../recording/session-reader.ts';
import { Turn } from '../recording/turn.ts';
import { isUnreadable } from '../store/sqlite.ts';
import { GrowingBlock, type Block } from './block.ts';
import { printBucket, type BlockStore } from './block-store.ts';
import { FactReader, type ReadRecord } from './record-facts.ts';
import { blockRowsMax } from './row-set.ts';

/** While nobody waits for the index, its thread rests so many times as long as it works: making the index takes as much time as serving, and serving comes first. */
const restPerWork = 15;
/** It is looked this often whether somebody waits. */
const restStepMs = 20;
/** Time between two looks at the journal when nobody asks for one. */
const followMs = 500;

export interface RecordIndexParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly store: BlockStore;
  readonly findProtocol: FindProtocol;
  /** Returns the number of the key of a session that is known; null if it is not. */
  readonly keyOf: (session: string) => number | null;
  /** Called with each record of the log, in order. After a start those come again that are in no stored block. */
  readonly onRecord?: (index: number, read: ReadRecord) => void;
  /** Called before a block is stored: its records are not read again after a start. */
  readonly beforeStored?: () => Promise<void>;
  /** Most records in a block; `blockRowsMax` by default. */
  readonly rowsMax?: number;
}

/** The place of a frame, and the offset of its end. */
interface FramePlace extends JournalPlace {
  readonly end: number;
}

/** A session that is read along the journal. */
interface Followed {
  readonly start: JournalPlace;
  readonly opener: SessionOpener;
  readonly facts: FactReader;
  /** True for the gateway's own session, whose records need none of its earlier ones. */
  readonly isOwn: boolean;
}

/**
 * The index of records: blocks of facts and words, in the order of the log. It follows the journal, from which it can be made again at any time. The newest block is in memory, and
 * is made again at a start.
 */
export class RecordIndex {
  readonly #parts: RecordIndexParts;
  readonly #live = new Map<string, Followed>();
  readonly #buffers = new LargeBuffers();
  #growing = new GrowingBlock(0);
  #place: JournalPlace = journalStart;
  #chain = '';
  #isResumed = false;
  /** True once nobody follows any more. The next start finds in the journal what is missing. */
  #isLeaving = false;
  #following: Promise<void> = Promise.resolve();
  /** How many callers wait for the index. */
  #waiting = 0;
  /** The number of records, from the beginning of the log, that are in the index. */
  size = 0;

  constructor(parts: RecordIndexParts) {
    this.#parts = parts;
  }

  /** Resolves when everything that was recorded before the call is in the index, which is then made without rest. */
  async catchUp(): Promise<void> {
    this.#waiting += 1;
    try {
      await this.#look();
    } finally {
      this.#waiting -= 1;
    }
  }

  async #look(): Promise<void> {
    const before = this.#following;
    this.#following = (async () => {
      await before.catch(() => undefined);
      await this.#follow();
    })();
    await this.#following;
  }

  /** Looks at the journal again and again until the signal aborts. Of several failures in a row only the first is reported. */
  async follow(signal: AbortSignal, onTrouble: (error: unknown) => void): Promise<void> {
    signal.addEventListener('abort', () => {
      this.#isLeaving = true;
    });
    let isFailing = false;
    while (!signal.aborted) {
      try {
        await this.#look();
        isFailing = false;
      } catch (error) {
        if (!isFailing) {
          onTrouble(error);
        }
        isFailing = true;
      }
      await delay(followMs, null, { ref: false, signal }).catch(() => undefined);
    }
  }

  /** Makes the index again from the journal. */
  async rebuild(): Promise<void> {
    await this.#following.catch(() => undefined);
    this.#forget();
    await this.catchUp();
  }

  /** Yields the blocks, the newest first. */
  *blocks(): Generator<Block> {
    const { store } = this.#parts;
    // The growing block may be stored while it is looked into, and is not to be there twice.
    let number = store.heads.length - 1;
    yield this.#growing;
    for (; number >= 0; number--) {
      yield store.block(number);
    }
  }

  /** Returns the block that has a record of the log; null if none has it. */
  blockOf(index: number): Block | null {
    const { store } = this.#parts;
    if (index >= this.#growing.first) {
      return index < this.#growing.next ? this.#growing : null;
    }
    const number = store.heads.findIndex(({ next }) => index < next);
    return number < 0 ? null : store.block(number);
  }

  async #follow(): Promise<void> {
    if (!this.#isResumed) {
      await this.#resume();
    }
    const turn = new Turn();
    for await (const run of readJournalRuns(this.#parts.data, this.#place)) {
      const begun = performance.now();
      for (const step of run.filter(isPlacedFrame)) {
        if (this.#isLeaving) {
          return;
        }
        await this.#add(step, turn);
      }
      await this.#rest((performance.now() - begun) * restPerWork);
    }
  }

  /** Leaves the processors to those who serve, unless somebody waits for the index. */
  async #rest(restMs: number): Promise<void> {
    const end = performance.now() + restMs;
    for (let left = restMs; left > 0 && this.#waiting === 0 && !this.#isLeaving; left = end - performance.now()) {
      await delay(Math.min(left, restStepMs), null, { ref: false });
    }
  }

  async #add({ frame, place }: PlacedFrame, turn: Turn): Promise<void> {
    if (frame.header.type === 'batch') {
      const { index, entries } = frame.header;
      if (this.#growing.isFull || index + entries - this.#growing.first > (this.#parts.rowsMax ?? blockRowsMax)) {
        await this.#parts.beforeStored?.();
        this.#save(place, index);
      }
      for (const entry of frameEntries(frame)) {
        await this.#read(entry, { ...place, end: frame.end }, true);
        await turn.spend(entry.storedContent.length);
      }
      this.size = index + entries;
    }
    this.#place = { segment: place.segment, offset: frame.end };
    this.#chain = encodeHex(frame.chain);
  }

  async #read(entry: Entry, place: FramePlace, isNew: boolean): Promise<void> {
    const leafBytes = entry.leaf.slice();
    const leaf = decodeLeaf(leafBytes);
    const followed = this.#live.get(leaf.session) ?? this.#begin(leaf.session, leaf.kind === 'epoch', place);
    const opened = await followed.opener.open({ leaf, leafBytes, entry });
    const read = followed.facts.read(opened, followed.opener.repeated);
    if (isNew) {
      const where = { place: `${printPlace(place)}/${place.end}`, needs: [...read.needs] };
      this.#growing.add(leaf.logIndex, read.facts, where, {
        facts: printBucket({ class: leaf.metaClass, day: leaf.metaExpiryDay }),
        text: printBucket({ class: leaf.contentClass, day: leaf.contentExpiryDay }),
      });
      this.#parts.onRecord?.(leaf.logIndex, read);
    }
    this.#buffers.pass(opened.content?.length ?? 0);
    if (leaf.kind === 'close') {
      this.#live.delete(leaf.session);
    }
  }

  #begin(session: string, isEpoch: boolean, start: JournalPlace): Followed {
    const { keys, findProtocol, keyOf } = this.#parts;
    const followed = { start, opener: new SessionOpener(keys, keyOf(session)), facts: new FactReader(findProtocol), isOwn: isEpoch };
    this.#live.set(session, followed);
    return followed;
  }

  #save(place: JournalPlace, next: number): void {
    const open = [...this.#live].filter(([, { isOwn }]) => !isOwn);
    const [oldest] = open.map(([, { start }]) => start).toSorted((a, b) => a.segment - b.segment || a.offset - b.offset);
    this.#parts.store.save(this.#growing, {
      next,
      end: printPlace(place),
      chain: this.#chain,
      resume: printPlace(oldest ?? place),
      open: open.map(([session]) => session),
    });
    this.#growing = new GrowingBlock(next);
  }

  async #resume(): Promise<void> {
    const { data, store } = this.#parts;
    try {
      store.open();
      const last = store.heads.at(-1);
      const chain = last === undefined ? null : await chainAt(data, parsePlace(last.end));
      if (last !== undefined && chain?.equals(Buffer.from(decodeHex(last.chain, chain.length))) !== true) {
        throw new IndexDiffers('the index of records is not of this journal');
      }
      this.#forgetGrowing(last?.next ?? 0);
      await this.#restoreSessions();
    } catch (error) {
      if (!(error instanceof IndexDiffers) && !isUnreadable(error)) {
        throw error;
      }
      this.#forget();
    }
    this.#isResumed = true;
  }

  /** Reads again what was recorded of the sessions that were open at the end of the newest stored block. */
  async #restoreSessions(): Promise<void> {
    const last = this.#parts.store.heads.at(-1);
    if (last === undefined) {
      return;
    }
    const open = new Set(last.open);
    const end = parsePlace(last.end);
    const turn = new Turn();
    for await (const run of readJournalRuns(this.#parts.data, parsePlace(last.resume), end)) {
      for (const { frame, place } of run.filter(isPlacedFrame)) {
        if (this.#isLeaving) {
          return;
        }
        for (const entry of frame.header.type === 'batch' ? entriesOf(frame, open) : []) {
          await this.#read(entry, { ...place, end: frame.end }, false);
          await turn.spend(entry.storedContent.length);
        }
      }
    }
    this.#place = end;
    this.#chain = last.chain;
  }

  #forget(): void {
    this.#parts.store.clear();
    this.#forgetGrowing(0);
    this.#place = journalStart;
  }

  #forgetGrowing(first: number): void {
    this.#live.clear();
    this.#growing = new GrowingBlock(first);
    this.size = first;
  }
}

function* entriesOf(frame: Frame, sessions: ReadonlySet<string>): Generator<Entry> {
  for (const entry of frameEntries(frame)) {
    if (sessions.has(decodeLeaf(entry.leaf).session)) {
      yield entry;
    }
  }
}

function printPlace({ segment, offset }: JournalPlace): string {
  return `${segment}/${offset}`;
}

function parsePlace(text: string): JournalPlace {
  const [segment, offset] = text.split('/').map(Number);
  return { segment: segment ?? 0, offset: offset ?? 0 };
}
