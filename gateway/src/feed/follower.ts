import {
  announcedMax,
  bodyStreams,
  decodeLeaf,
  entryAt,
  entryPlaces,
  leafBytes,
  leafKinds,
  leafOffsets,
  readUint53,
  type Entry,
  type Leaf,
} from '@countersign/ledger/format';
import { ownAttributes } from '../domain/own-attributes.ts';
import { unlessToldMark, type KnownChannel, type ReadMeta } from '../domain/record.ts';
import { Turn } from '../recording/turn.ts';
import { chainAt, isPlacedFrame, journalStart, readJournalRuns, type DamagedPlace, type JournalStep } from '../recording/journal-reader.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { announcedIn, SessionOpener, type SessionPart } from '../recording/session-reader.ts';
import { isUnreadable } from '../store/sqlite.ts';
import { IndexState } from './index-state.ts';
import { IndexDiffers } from './row-seals.ts';
import { policyNotes, type IndexedSession, type IndexedTold, type IndexPosition, type SessionIndex } from './session-index.ts';

/** Time between two looks at the journal when nobody asks for one. */
const followMs = 500;
/** The index is written at the latest after this many bytes of the journal, so that making it again takes little memory and delays nobody. */
const saveBytes = 1024 * 1024;
/** Largest gap between two frames of one part of a session: to read over a smaller gap is faster than to skip it. */
const gapBytes = 64 * 1024;

const beginning: IndexPosition = { ...journalStart, chain: new Uint8Array(), size: 0, sessions: 0 };

interface Followed {
  readonly indexed: IndexedSession;
  readonly opener: SessionOpener;
  /** The parts that the index does not have in their present state. The last one may still grow. */
  parts: SessionPart[];
}

interface Progress {
  readonly turn: Turn;
  position: IndexPosition;
  readonly touched: Map<string, Followed>;
  readonly told: IndexedTold[];
  readonly damage: DamagedPlace[];
}

/**
 * Follows the journal and keeps the index. It starts where the index ends, so a start after a crash needs no code of its own. A caller that
 * needs the newest records calls `catchUp` first. An index of another journal is made again.
 */
export class Follower implements AsyncDisposable {
  readonly #data: string;
  readonly #keys: KeyStore;
  readonly #index: SessionIndex;
  readonly #live = new Map<string, Followed>();
  readonly #onTrouble: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #position: IndexPosition = beginning;
  #catchingUp: Promise<void> | null = null;
  /** True once the index was made again: because that was asked for, or because the index was of another journal or was changed from outside. */
  isRemade = false;
  /** How far the index is, for callers that cannot wait for `catchUp`. */
  readonly state = new IndexState();
  /** True if the next look must begin with an empty index. */
  #isStale = false;
  #isLeaving = false;
  #isFailing = false;
  #nextLook: Promise<void> | null = null;
  readonly #watchers = new Set<() => void>();

  private constructor(data: string, keys: KeyStore, index: SessionIndex, onTrouble: (error: unknown) => void) {
    this.#data = data;
    this.#keys = keys;
    this.#index = index;
    this.#onTrouble = onTrouble;
    this.#timer = setInterval(() => {
      void this.#look();
    }, followMs);
    this.#timer.unref();
  }

  /** Resolves when the index is whole. */
  static async open(data: string, keys: KeyStore, index: SessionIndex, onTrouble: (error: unknown) => void): Promise<Follower> {
    const follower = new Follower(data, keys, index, onTrouble);
    await follower.#resume();
    await follower.catchUp();
    return follower;
  }

  /** Resolves before the index is whole. To make it whole may take as long as reading the journal, and happens in the background. */
  static async begin(data: string, keys: KeyStore, index: SessionIndex, onTrouble: (error: unknown) => void): Promise<Follower> {
    const follower = new Follower(data, keys, index, onTrouble);
    await follower.#resume();
    void follower.#look();
    return follower;
  }

  /** The place in the journal up to which the index is written. */
  get position(): IndexPosition {
    return this.#position;
  }

  /** A session that is not closed, with the number of records that were followed so far. Null for any other session. */
  findLive(session: string): IndexedSession | null {
    return this.#live.get(session)?.indexed ?? null;
  }

  /** Makes the index again from the journal. Resolves when it is done. */
  async rebuild(): Promise<void> {
    this.state.isWhole = false;
    this.#isStale = true;
    await this.catchUp();
  }

  /** Drops what was read of sessions whose facts were erased: what is in memory, and what is in the index. */
  async dropErased(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#isStale) {
        await this.#index.dropErased((key) => this.#keys.hasFactsOf(key), new Turn());
        this.#restore();
      }
    });
  }

  async #resume(): Promise<void> {
    try {
      const position = this.#index.position();
      const chain = position === null ? null : await chainAt(this.#data, position);
      if (position === null || chain?.equals(position.chain) !== true) {
        throw new IndexDiffers('it is not of this journal');
      }
      this.#index.checkNotes();
      this.#restore();
      this.#reach(position);
    } catch (error) {
      if (!(error instanceof IndexDiffers) && !isUnreadable(error)) {
        throw error;
      }
      // The index is emptied by the next look and not here, because a locked file or a full disk must not stop a start.
      this.#isStale = true;
    }
  }

  #forget(): void {
    this.isRemade = true;
    this.state.isWhole = false;
    this.#index.clear();
    this.#live.clear();
    this.#reach(beginning);
    this.#isStale = false;
  }

  /** Resolves when everything written before the call is in the index. */
  async catchUp(): Promise<void> {
    // Callers that ask before the next look has begun share it.
    this.#nextLook ??= this.#inTurn(async () => {
      this.#nextLook = null;
      await this.#follow();
    });
    await this.#nextLook;
  }

  /** Takes a look and reports a failure. Of several failures in a row only the first is reported. */
  async #look(): Promise<void> {
    try {
      await this.catchUp();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) {
        this.#onTrouble(error);
      }
      this.#isFailing = true;
    }
  }

  async #inTurn(act: () => Promise<void>): Promise<void> {
    // A look that is under way may have passed the end already: another one follows it.
    const before = this.#catchingUp;
    const run = (async () => {
      await before?.catch(() => undefined);
      await act();
    })();
    this.#catchingUp = run;
    try {
      await run;
    } finally {
      if (this.#catchingUp === run) {
        this.#catchingUp = null;
      }
    }
  }

  /** Resolves when more is in the index, or it became whole, or when the signal aborts. */
  progress(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        this.#watchers.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#watchers.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    // The next start finds in the journal what the index lacks, so nobody waits here for an index that is far behind.
    this.#isLeaving = !this.state.isWhole;
    await this.#look();
  }

  async #follow(): Promise<void> {
    if (this.#isStale) {
      this.#forget();
    }
    const progress: Progress = { turn: new Turn(), position: this.#position, touched: new Map(), told: [], damage: [] };
    let unsavedBytes = 0;
    try {
      for await (const run of readJournalRuns(this.#data, this.#position)) {
        const bytes = await this.#count(run, progress);
        await progress.turn.spend(bytes);
        unsavedBytes += bytes;
        if (unsavedBytes >= saveBytes) {
          this.#save(progress);
          unsavedBytes = 0;
        }
        if (this.#isLeaving) {
          break;
        }
      }
      this.#save(progress);
      if (!this.state.isWhole && !this.#isStale && !this.#isLeaving) {
        this.state.isWhole = true;
        this.#tell();
      }
    } catch (error) {
      // Records that were counted but not saved are counted again.
      this.#restore();
      throw error;
    }
  }

  #restore(): void {
    this.#live.clear();
    for (const indexed of this.#index.open()) {
      this.#live.set(indexed.session, { indexed, opener: new SessionOpener(this.#keys, indexed.secrets), parts: [] });
    }
  }

  #save(progress: Progress): void {
    const { touched, told, damage } = progress;
    if (progress.position === this.#position && damage.length === 0) {
      return;
    }
    // The chain value is copied, because the frame keeps much of the journal in memory.
    const position = { ...progress.position, chain: progress.position.chain.slice() };
    progress.position = position;
    this.#index.save({ position, sessions: touched.values(), told, damage });
    this.#reach(position);
    for (const followed of touched.values()) {
      followed.parts = followed.parts.slice(-1);
    }
    touched.clear();
    told.length = 0;
    damage.length = 0;
    this.#tell();
  }

  #reach(position: IndexPosition): void {
    this.#position = position;
    this.state.size = position.size;
  }

  #tell(): void {
    for (const watcher of this.#watchers) {
      watcher();
    }
  }

  /** Counts the records of a run of frames. Resolves with their number of bytes. */
  async #count(run: readonly JournalStep[], progress: Progress): Promise<number> {
    let bytes = 0;
    for (const step of run) {
      if (!isPlacedFrame(step)) {
        progress.damage.push(step);
        continue;
      }
      const { frame, place } = step;
      const { header, chain, end } = frame;
      let { size, sessions } = progress.position;
      if (header.type === 'batch') {
        const body = Buffer.from(frame.body.buffer, frame.body.byteOffset, frame.body.length);
        const view = new DataView(body.buffer, body.byteOffset, body.length);
        for (const at of entryPlaces(frame)) {
          const known = this.#live.get(body.toString('hex', at + leafOffsets.session, at + leafOffsets.sessionSeq));
          const followed = known ?? this.#begin(decodeLeaf(body.subarray(at, at + leafBytes)), sessions + 1);
          sessions += known === undefined ? 1 : 0;
          const seq = readUint53(view, at + leafOffsets.sessionSeq);
          followed.indexed.records = seq + 1;
          addPart(followed.parts, { seq, segment: place.segment, start: place.offset, end });
          progress.touched.set(followed.indexed.session, followed);
          if (!isTraffic(body[at + leafOffsets.kind])) {
            this.#learn(followed, entryAt(body, view, at), progress.told);
            await progress.turn.spend(0);
          }
        }
        size = header.index + header.entries;
      }
      progress.position = { segment: place.segment, offset: end, chain, size, sessions };
      bytes += end - frame.offset;
    }
    return bytes;
  }

  #learn({ indexed, opener }: Followed, entry: Entry, told: IndexedTold[]): void {
    const leaf = decodeLeaf(entry.leaf);
    if (leaf.kind === 'open' || leaf.kind === 'epoch' || leaf.kind === 'secrets') {
      const { governance } = opener.open({ leaf, leafBytes: entry.leaf, entry });
      const announced = announcedIn(leaf, governance);
      indexed.key ??= announced?.key ?? null;
      indexed.secrets = announced === null ? indexed.secrets : [...indexed.secrets, announced].slice(-announcedMax);
    } else if ((leaf.kind === 'decision' || leaf.kind === 'event') && entry.header.meta.stream === bodyStreams.meta) {
      const raw = { leaf, leafBytes: entry.leaf, entry };
      const { meta } = opener.open(raw);
      told.push(...toldBy(meta));
      if (meta?.opens !== undefined) {
        learnOpening(indexed, meta.opens, opener.secretsOf(raw).find(({ slot }) => slot === 'meta')?.key ?? null);
      }
    } else if (leaf.kind === 'policy') {
      const { governance } = new SessionOpener(this.#keys).open({ leaf, leafBytes: entry.leaf, entry });
      told.push({ protocol: policyNotes, target: '', key: String(governance?.['version']), value: `${leaf.session}/${leaf.sessionSeq}`, isUnlessTold: true });
    } else if (leaf.kind === 'close') {
      const { governance } = new SessionOpener(this.#keys).open({ leaf, leafBytes: entry.leaf, entry });
      indexed.closedMs = leaf.timeMs;
      indexed.reason = String(governance?.['reason']);
      indexed.secrets = indexed.own ? indexed.secrets : [];
      this.#live.delete(leaf.session);
    }
  }

  #begin(leaf: Leaf, id: number): Followed {
    const indexed: IndexedSession = {
      id,
      session: leaf.session,
      openedMs: leaf.timeMs,
      closedMs: null,
      reason: null,
      records: 0,
      principal: null,
      targets: [],
      keys: { principal: null, token: null, targets: [] },
      key: null,
      secrets: [],
      own: leaf.kind === 'epoch',
      token: null,
    };
    const followed = { indexed, opener: new SessionOpener(this.#keys), parts: [] };
    this.#live.set(leaf.session, followed);
    return followed;
  }
}

/** Learns what the opening of a channel says. `key` is the number of the secrets that seal it. */
function learnOpening(indexed: IndexedSession, { principal, target, isActivity, activity, tokenId }: KnownChannel, key: number | null): void {
  const { keys } = indexed;
  if (indexed.principal === null) {
    indexed.principal = principal;
    keys.principal = key;
  }
  if (isActivity === true && indexed.token === null) {
    indexed.token = activity ?? tokenId ?? null;
    keys.token = key;
  }
  if (target !== '' && !indexed.targets.includes(target)) {
    indexed.targets.push(target);
    keys.targets.push(key);
  }
}

function addPart(parts: SessionPart[], part: SessionPart): void {
  const last = parts.at(-1);
  if (last?.segment === part.segment && part.start - last.end <= gapBytes) {
    parts[parts.length - 1] = { ...last, end: part.end };
  } else {
    parts.push(part);
  }
}

/** Reads a record's notes about a target. The record's action begins with the name of the protocol that made them. */
function toldBy(meta: ReadMeta | null): IndexedTold[] {
  const { action = '', attributes = {} } = meta ?? {};
  const { [ownAttributes.told]: texts, [ownAttributes.target]: target } = attributes;
  if (typeof texts !== 'object' || typeof target !== 'string') {
    return [];
  }
  const [protocol = ''] = action.split('.');
  return texts.map((text) => {
    const at = text.lastIndexOf(' ');
    const value = text.slice(at + 1);
    const isUnlessTold = value.startsWith(unlessToldMark);
    return { protocol, target, key: text.slice(0, at), value: isUnlessTold ? value.slice(unlessToldMark.length) : value, isUnlessTold };
  });
}

/** True for requests and responses, which are most of a journal. They tell the index only that their session has one more record. */
function isTraffic(kind: number | undefined): boolean {
  return kind === leafKinds.request || kind === leafKinds.response;
}
