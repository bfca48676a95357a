import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeHex,
  encodeHex,
  formatCheckpoint,
  formatErasure,
  formatHandover,
  formatVerifierKey,
  originOf,
  parseVerifierKey,
  ringKeysMax,
  signHandover,
  signNote,
  hashBytes,
  type ErasureIntent,
  type NoteSigner,
  type RingKey,
  type SegmentSummary,
  type SignedCheckpoint,
} from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { Histogram } from './histogram.ts';
import type { Durability } from '../domain/target.ts';
import { Batch, entryBytesMax, isSealed, type EntryDraft, type SessionTrack } from './batch.ts';
import { JournalWriter } from './journal-writer.ts';
import { LogTree } from './log-tree.ts';
import { OwnFiles } from './own-files.ts';
import type { ClassDay, KeyStore, SessionSecrets } from './key-store.ts';
import type { JournalPlace } from './journal-reader.ts';
import { RemoteCommits } from './remote-commits.ts';
import { Publisher, type PublishedCheckpoint } from './publisher.ts';
import { writePublicKeys } from './public-keys.ts';
import type { Rollback } from './open-store.ts';
import type { JournalEnd } from './recovery.ts';
import { dayOf, expiryDay, type Keeping, type Kept } from './retention.ts';
import { SessionSealing } from './session-sealing.ts';
import type { OpenErasure, SessionEnd } from './journal-fold.ts';
import type { SecretName } from './wraps.ts';

/** A batch is written when it holds this many bytes, even within an event-loop turn. */
const batchBytesMax = 1024 * 1024;
/** Bytes that are kept free to close each open session. */
const closeBytes = 1536;
const reserveBytes = 128 * 1024;
/** Bytes, besides the reserve, that must be free for `assertReady`: as many as a few requests take. */
const readyBytes = 64 * 1024;
const heartbeatMs = 30_000;
/** A time without heartbeats that is longer than this is recorded as a pause: less than what a verifier allows. */
const heartbeatLateMs = 60_000;
/** A pause is also recorded if the gateway did not look at the clock for longer than this, or if the clock was set by more. */
const pauseMs = 5000;
/** Longest time by which, with durability `process`, the newest signature may be behind the newest record. */
const signatureLagMs = 100;
const publishMs = 1000;
/** Bounds of the histograms of commit times, in seconds. */
const commitBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** The files are checked this often, so that a removed or replaced store is noticed within a second. */
const ownFilesMs = 500;

/** The steps in which a signing key takes over, in order. A process may end after each of them. */
export type SigningStep = 'announced' | 'in force' | 'signed';

interface RecorderOptions {
  readonly data: string;
  readonly software: string;
  readonly keys: KeyStore;
  /** How that is kept of which nothing else is said. */
  readonly keeping: Keeping;
  readonly end: JournalEnd;
  /** The loss in a rollback. The record of the epoch declares it. */
  readonly rollback?: Rollback | null;
  /** The backup from which the store was restored since the epoch before. The record of the epoch names it. */
  readonly restored?: { readonly size: number; readonly note: string } | null;
  readonly clock: () => number;
  /** 16 random bytes as hex. */
  readonly newSessionId: () => string;
  /** Called after a write or sync of the journal whose result is unknown. The recorder records nothing more; the process must end. */
  readonly onFatal: (error: Error) => void;
  /** Called for a failure that is retried. It is visible only in the gateway's log. */
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly segmentBytes?: number;
}

/**
 * Makes records: seals, commits, chains, writes, signs. The data plane writes nothing else. All records of one event-loop turn are one frame
 * and one write. One fdatasync runs at a time; everything that is queued meanwhile waits for the next.
 */
export class Recorder implements AsyncDisposable {
  readonly #options: RecorderOptions;
  readonly #journal: JournalWriter;
  readonly #batch: Batch;
  readonly #tree: LogTree;
  readonly #publisher: Publisher;
  #signer: NoteSigner;
  /** True from a rotation of the signing key until the public keys are published. */
  #hasNewKey = false;
  readonly #open = new Map<string, SessionTrack>();
  readonly #erasures = new Map<number, ErasureIntent>();
  readonly #timers: NodeJS.Timeout[] = [];
  /** For each durability, the time when the first waiter for the next commit came, in ms of the monotonic clock. */
  readonly #waitingSinceMs = { process: 0, disk: 0 };
  /** Those who wait for the bucket. */
  readonly remote = new RemoteCommits();
  /** For each commit, the longest time in seconds that anybody waited for it. */
  readonly commits = { process: new Histogram(commitBounds), disk: new Histogram(commitBounds), remote: new Histogram(commitBounds) };
  #sessionsOpened = 0;
  readonly gatewayId: string;
  readonly epoch: number;
  /** The gateway's own session of this epoch. */
  readonly own: SessionTrack;

  /** The last time up to which the recorder need not account for a pause: in Unix ms, and in ms of the monotonic clock, which nobody can set. */
  #awake: { readonly wall: number; readonly monotonic: number };
  /** Unix ms of the last heartbeat or pause. */
  #beatMs: number;
  /** Unix ms of the last record. */
  #lastMs = 0;
  /** Unix ms of the latest record of all epochs before; 0 if it is not known. */
  readonly beforeMs: number;
  /** The announced secrets with the highest number. */
  #newestSecrets: SessionKeyFacts;
  #keeping: Keeping;
  #turnScheduled = false;
  #syncing = false;
  #broken: Error | null = null;
  #size: number;
  #segmentFirstIndex: number;
  #durable = { segment: 0, offset: 0 };
  #signed: PublishedCheckpoint = { size: -1, note: '' };
  #afterWrite: (() => void)[] = [];
  #afterSync: (() => void)[] = [];
  #publishing: Promise<void> = Promise.resolve();

  private constructor(options: RecorderOptions, identity: ReturnType<KeyStore['signer']>) {
    const { end, data, rollback = null, restored = null } = options;
    this.#options = options;
    this.gatewayId = identity.gatewayId;
    this.epoch = end.epoch + 1;
    this.#signer = { ...identity.signer, name: originOf(identity.gatewayId) };
    const journalOptions = {
      directory: join(data, 'journal'),
      gatewayId: this.gatewayId,
      epoch: this.epoch,
      ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
    };
    const { journal, chain } = JournalWriter.open(journalOptions, {
      number: (end.segment?.segment ?? 0) + 1,
      firstIndex: end.size,
      chainBefore: end.segment?.chain ?? new Uint8Array(32),
      timeMs: options.clock(),
    });
    this.#journal = journal;
    this.#size = end.size;
    this.#segmentFirstIndex = end.size;
    this.beforeMs = end.latestMs;
    for (const { index, intent } of end.erasures) {
      this.#erasures.set(index, intent);
    }
    this.#tree = new LogTree(join(data, 'log'), end);
    this.#publisher = new Publisher(data, this.#tree.tiles);
    this.#batch = new Batch({ gatewayId: decodeHex(this.gatewayId, 8), epoch: this.epoch }, chain, this.#tree.append);
    this.#keeping = options.keeping;
    const own = this.#newTrack();
    this.own = own.track;
    this.#newestSecrets = own.key;
    this.#awake = { wall: options.clock(), monotonic: performance.now() };
    this.#beatMs = this.#awake.wall;
    this.append(this.own, {
      kind: 'epoch',
      meta: JSON.stringify({
        epoch: this.epoch,
        software: options.software,
        ...own.key,
        previous: end.previous,
        ...(rollback === null ? {} : { rollback }),
        ...(restored === null ? {} : { restored }),
      }),
      content: [],
    });
  }

  /**
   * Begins an epoch after the end that recovery found: records what the last epoch left unknown, and closes its open sessions. Rejects with GatewayError
   * `cannot_record` or `key_unavailable`.
   */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const identity = options.keys.signer();
    const recorder = new Recorder(options, identity);
    mkdirSync(join(options.data, 'log'), { recursive: true });
    writePublicKeys(options.data, options.keys);
    const { end } = options;
    if (end.segment !== null) {
      recorder.#seal(end.segment);
    }
    recorder.recordNewKeys();
    // The `epoch` record says what became of their last requests.
    const left = end.open.map(leftOpenTrack);
    for (const track of left) {
      recorder.#open.set(track.id, track);
    }
    for (const track of left) {
      recorder.closeSession(track, 'crash');
    }
    recorder.#noteSize((await recorder.publish()).size);
    recorder.#every(heartbeatMs, 'record a heartbeat', () => {
      recorder.append(recorder.own, { kind: 'heartbeat', meta: JSON.stringify({ sessions: recorder.#open.size }), content: [] });
      recorder.#beatMs = recorder.#lastMs;
    });
    recorder.#every(signatureLagMs, 'sign a checkpoint', () => {
      recorder.#look();
      recorder.#sign();
    });
    const files = new OwnFiles(options.data);
    files.check();
    recorder.#every(ownFilesMs, 'look at its files', () => {
      recorder.#checkFiles(files);
    });
    recorder.#every(publishMs, 'publish a checkpoint', () => recorder.publish());
    return recorder;
  }

  /** Unix ms of the last record. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** The erasures that were announced, in this epoch or an earlier one, and not completed. */
  get erasures(): readonly OpenErasure[] {
    return [...this.#erasures].map(([index, intent]) => ({ index, intent }));
  }

  /** Number of records in the log, including those of this turn. */
  get size(): number {
    return this.#size;
  }

  /** The newest checkpoint that is on stable storage. */
  get published(): { readonly size: number; readonly note: string } {
    return this.#publisher.newest;
  }

  /** The time when it was published, in ms of the monotonic clock. */
  get publishedMs(): number {
    return this.#publisher.publishedMs;
  }

  get sessionsOpen(): number {
    return this.#open.size;
  }

  /** The place up to which the journal is known to be on stable storage. */
  get durable(): JournalPlace {
    return this.#durable;
  }

  /** Number of sessions that were opened since the start. */
  get sessionsOpened(): number {
    return this.#sessionsOpened;
  }

  /** Number of bytes that were written to the journal since the start. */
  get journalBytes(): number {
    return this.#journal.bytesWritten;
  }

  /** Throws GatewayError `cannot_record` unless a session could be opened and recorded now. */
  assertReady(): void {
    if (this.#broken !== null) {
      throw this.#cannotRecord();
    }
    this.#journal.ensure(this.#batch.bytes + readyBytes, reserveBytes + closeBytes * this.#open.size);
  }

  /** Changes how that is kept, from the next record on, of which nothing else is said. */
  keepAs(keeping: Keeping): void {
    this.#keeping = keeping;
  }

  /** Opens and records a new session. Throws GatewayError `cannot_record`. */
  openSession(): SessionTrack {
    const { track, key } = this.#newTrack();
    this.recordNewKeys();
    this.append(track, { kind: 'open', meta: JSON.stringify(key), content: [] });
    this.#noteSecrets(key);
    this.#open.set(track.id, track);
    this.#sessionsOpened += 1;
    return track;
  }

  /** Records one entry, which is durable with the next commit. Returns its sequence number. Throws GatewayError `cannot_record`. */
  append(track: SessionTrack, draft: EntryDraft): number {
    return this.#append(track, draft, this.#reserve);
  }

  /** Records an act of an operator on a full disk. It may use part of the reserve; the space to close sessions is left. Throws GatewayError `cannot_record`. */
  appendFromReserve(track: SessionTrack, draft: EntryDraft): number {
    return this.#append(track, draft, reserveBytes / 2 + closeBytes * this.#open.size);
  }

  /**
   * Records what is going to be destroyed, and why, which is sealed and kept as long as facts. Returns the record's index in the log. Throws GatewayError
   * `cannot_record`.
   */
  announceErasure(intent: ErasureIntent, why: Readonly<Record<string, unknown>>): number {
    this.append(this.own, {
      kind: 'erasure',
      meta: formatErasure({ phase: 'intent', intent }),
      content: [Buffer.from(JSON.stringify(why))],
      contentIsFacts: true,
    });
    const index = this.#size - 1;
    this.#erasures.set(index, intent);
    return index;
  }

  /** Seals nothing more with secrets that are ending: their sessions take new ones with what they record next. Returns whether an open session had one. */
  retire(isEnding: (secret: SecretName) => boolean): boolean {
    const had = [this.own, ...this.#open.values()].map(({ sealing }) => sealing?.retire(isEnding) === true);
    return had.includes(true);
  }

  /** Records that an erasure was carried out, but for the secrets in `kept`, which holds keep by now. Throws GatewayError `cannot_record`. */
  completeErasure(index: number, kept: ErasureIntent['secrets'] = []): void {
    this.append(this.own, { kind: 'erasure', meta: formatErasure({ phase: 'complete', intent: index, kept }), content: [] });
    this.#erasures.delete(index);
  }

  /** Records the end of a session. It finds space even when the disk is full. */
  closeSession(track: SessionTrack, reason: string, facts?: Readonly<Record<string, unknown>>): void {
    if (!this.#open.has(track.id)) {
      return;
    }
    const closing = { kind: 'close', content: facts === undefined ? [] : [Buffer.from(JSON.stringify(facts))], contentIsFacts: true } as const;
    const now = this.#prepare(track, closing, 0);
    // The records are counted now, because secrets for this one may just have been announced.
    this.#add(track, { ...closing, meta: JSON.stringify({ records: track.seq + 1, reason }) }, now, 0);
    // The session is removed only now: if a segment is sealed by the append, its snapshot must still list the session as open.
    this.#open.delete(track.id);
    this.#batch.forget(track);
  }

  /**
   * Calls back when everything that was appended so far is as durable as asked. Calls for one durability come in order. After the journal failed, there is no
   * call.
   */
  whenCommitted(durability: Durability, release: () => void): void {
    if (durability === 'remote') {
      const sinceMs = performance.now();
      this.whenCommitted('disk', () => {
        this.remote.wait(this.#durable, () => {
          this.commits.remote.observe((performance.now() - sinceMs) / 1000);
          release();
        });
      });
      return;
    }
    const waiting = durability === 'process' ? this.#afterWrite : this.#afterSync;
    if (waiting.length === 0) {
      this.#waitingSinceMs[durability] = performance.now();
    }
    waiting.push(release);
    this.#scheduleTurn();
  }

  /**
   * Puts a new key in the place of the one that signs, in one turn of the event loop: a record announces it, and when that is on stable storage the key store gets
   * the key, with a checkpoint that both keys have signed. The next `publish` publishes it. `keys` are those of the log so far. Returns the new one. Throws GatewayError `cannot_record`,
   * `conflict` or `key_unavailable`; then the key before goes on signing.
   */
  rotateSigner(keys: readonly RingKey[], onStep: (step: SigningStep) => void = () => undefined): RingKey {
    if (keys.length >= ringKeysMax) {
      throw new GatewayError('conflict', `The signing key was not rotated: a log has at most ${ringKeysMax} keys.`);
    }
    const made = this.#options.keys.makeSigner();
    const next = { ...made.signer, name: this.#signer.name };
    const vkey = formatVerifierKey(next);
    this.append(this.own, { kind: 'signer', meta: JSON.stringify({ vkey }), content: [] });
    this.#write();
    try {
      this.#journal.syncNow();
    } catch (error) {
      this.#break(error);
      throw this.#cannotRecord();
    }
    onStep('announced');
    const checkpoint = this.#checkpoint();
    const newest = { first: checkpoint.size, key: parseVerifierKey(vkey) };
    const note = signHandover(formatHandover(checkpoint, [...keys, newest]), [this.#signer, next]);
    this.#options.keys.replaceSigner(made, note, checkpoint.size);
    this.#signer = next;
    onStep('in force');
    this.#hasNewKey = true;
    this.#sign();
    onStep('signed');
    return newest;
  }

  /** Resolves with the published checkpoint when everything that was appended so far is on stable storage and under it. */
  async publish(): Promise<PublishedCheckpoint> {
    if (this.#publisher.newest.size < this.#size) {
      this.#publishing = this.#publishAll();
    }
    await this.#publishing;
    return this.#publisher.newest;
  }

  /** Stops cleanly: closes sessions that are still open, and ends the journal with a checkpoint. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) {
      clearInterval(timer);
    }
    if (this.#broken !== null) {
      return;
    }
    // A pause is recorded now, because the last record of the gateway's own session says how many there are.
    this.#look();
    for (const track of this.#open.values()) {
      this.closeSession(track, 'stop');
    }
    this.#append(this.own, { kind: 'close', meta: JSON.stringify({ records: this.own.seq + 1, reason: 'stop' }), content: [] }, 0);
    // Closing the journal frees the reserved space, so that even on a full disk there is space for the last checkpoint.
    await this.#publishLast().catch((error: unknown) => {
      this.#options.onTrouble(error, 'publish the last checkpoint');
    });
  }

  /** Notes the size of the log in the key store, so that the next start can detect an older copy of the journal. A failure is only reported. */
  #noteSize(size: number): void {
    try {
      this.#options.keys.noteLoggedSize(size);
    } catch (error) {
      this.#options.onTrouble(error, 'note in the key store how long the log is');
    }
  }

  async #publishLast(): Promise<void> {
    await this.#publishAll(() => this.#journal.close());
    this.#noteSize(this.#size);
  }

  async #publishAll(onceDurable?: () => Promise<void>): Promise<void> {
    this.#sign();
    const head = this.#signed;
    const tiles = this.#tree.snapshotTiles();
    const durable = new Promise<void>((resolve) => {
      this.whenCommitted('disk', resolve);
    });
    await Promise.all([this.#publishing.catch(() => undefined), durable]);
    await onceDurable?.();
    if (this.#hasNewKey) {
      // If this fails, no checkpoint is published that nobody could check, and it is tried again.
      writePublicKeys(this.#options.data, this.#options.keys);
      this.#hasNewKey = false;
    }
    await this.#publisher.publish(head, tiles);
    this.#options.keys.seeLoggedSize(head.size);
  }

  /** Bytes that must stay free after an ordinary record: for closing open sessions, and for acts of an operator. */
  get #reserve(): number {
    return reserveBytes + closeBytes * this.#open.size;
  }

  /** Appends a record. `reserve` is the number of bytes that must stay free after it. */
  #append(track: SessionTrack, draft: EntryDraft, reserve: number): number {
    return this.#add(track, draft, this.#prepare(track, draft, reserve), reserve);
  }

  /** Records what must be on record before a record is: a pause, and the secrets with which it is sealed. Returns its time. Throws GatewayError `cannot_record`. */
  #prepare(track: SessionTrack, draft: Omit<EntryDraft, 'meta'>, reserve: number): number {
    if (this.#broken !== null) {
      throw this.#cannotRecord();
    }
    const now = this.#options.clock();
    if (Math.abs(now - this.#awake.wall) > pauseMs) {
      this.#recordPause(now, reserve);
    }
    if (track.sealing?.fits(draft.keeping ?? this.#keeping, dayOf(now)) === false && isSealed(draft)) {
      this.#turnTo(track.sealing, track, { keeping: draft.keeping ?? this.#keeping, now, reserve });
    }
    return now;
  }

  /** Turns a session to the secrets for what is recorded now and kept so. If it has none, it gets new ones and announces them. Throws GatewayError `cannot_record`. */
  #turnTo(
    sealing: SessionSealing,
    track: SessionTrack,
    { keeping, now, reserve }: { readonly keeping: Keeping; readonly now: number; readonly reserve: number },
  ): void {
    const day = dayOf(now);
    if (sealing.turnTo(keeping, day, now)) {
      return;
    }
    try {
      const secrets = takeSecrets(this.#options.keys, keeping, now);
      const facts = factsOf(secrets);
      this.recordNewKeys();
      this.#add(track, { kind: 'secrets', meta: JSON.stringify(facts), content: [] }, now, reserve);
      this.#noteSecrets(facts);
      sealing.add(secrets, keeping, day);
    } catch (error) {
      // The end of a session is recorded also when nothing more can be stored: with the secrets that it has.
      if (reserve > 0 || this.#broken !== null || !(error instanceof GatewayError)) {
        throw error;
      }
    }
  }

  #noteSecrets(facts: SessionKeyFacts): void {
    if (facts.key > this.#newestSecrets.key) {
      this.#newestSecrets = facts;
    }
  }

  #add(track: SessionTrack, draft: EntryDraft, now: number, reserve: number): number {
    this.#makeRoom(entryBytesMax(draft), reserve);
    const seq = track.seq;
    this.#batch.add(track, draft, this.#size, now);
    this.#size += 1;
    this.#lastMs = now;
    if (this.#batch.bytes > batchBytesMax) {
      this.#write();
    }
    this.#scheduleTurn();
    return seq;
  }

  /**
   * Looks at the clocks, and records a pause if there was one. While heartbeats fail (a full disk) the recorder does not count as awake, so that the next
   * record accounts for the time.
   */
  #look(): void {
    const now = { wall: this.#options.clock(), monotonic: performance.now() };
    const { wall, monotonic } = this.#awake;
    if (Math.abs(now.wall - wall) > pauseMs || now.monotonic - monotonic > pauseMs) {
      try {
        this.#recordPause(now.wall, this.#reserve);
      } catch (error) {
        // The disk is full. The pause is recorded before the next record that finds space.
        if (!(error instanceof GatewayError)) {
          throw error;
        }
      }
    } else if (now.wall - this.#beatMs < heartbeatLateMs) {
      this.#awake = now;
    }
  }

  /**
   * Records, before anything else, that nothing was recorded for a while. The process or the machine stood still, the clock was set, or nothing could be
   * written. Throws GatewayError `cannot_record`.
   */
  #recordPause(now: number, reserve: number): void {
    const monotonic = performance.now();
    const before = this.#awake;
    const body = { from: Math.max(before.wall, this.#lastMs), to: now, monotonic: Math.round(monotonic - before.monotonic) };
    const draft = { kind: 'pause', meta: JSON.stringify(body), content: [] } as const;
    this.#makeRoom(entryBytesMax(draft), reserve);
    // If making room began a segment, the pause was already recorded before its seal.
    if (this.#awake === before) {
      this.#add(this.own, draft, now, reserve);
      this.#awake = { wall: now, monotonic };
      this.#beatMs = now;
    }
  }

  /**
   * Makes room for a record, if needed in a new segment. Throws GatewayError `cannot_record` before the record is made, so that a record without space does not
   * exist.
   */
  #makeRoom(bytes: number, reserve: number): void {
    if (this.#journal.roomBytes < this.#batch.bytes + bytes + reserve) {
      try {
        this.#roll();
      } catch (error) {
        if (reserve > 0) {
          throw error;
        }
      }
    }
    this.#journal.ensure(this.#batch.bytes + bytes, reserve);
  }

  #roll(): void {
    this.#write();
    const ended = {
      segment: this.#journal.segmentNumber,
      bytes: this.#journal.offset,
      first: this.#segmentFirstIndex,
      records: this.#size - this.#segmentFirstIndex,
      // This copies the bytes, because the batch reuses them; `slice` of a Buffer would not copy.
      chain: new Uint8Array(this.#batch.chain),
    };
    const chain = this.#journal.roll({
      firstIndex: this.#size,
      chainBefore: ended.chain,
      timeMs: this.#options.clock(),
    });
    this.#batch.resumeAt(chain);
    this.#segmentFirstIndex = this.#size;
    const sessions = [this.own, ...this.#open.values()].map(sessionEnd);
    const { key, secrets: hash } = this.#newestSecrets;
    const { erasures, epoch } = this;
    const latestMs = Math.max(this.beforeMs, this.#lastMs);
    this.#publisher.keep({ segment: ended, secrets: { key, hash }, latestMs, erasures, ...this.#tree.state(), epoch, own: this.own.id, sessions });
    this.#seal(ended);
  }

  #seal(ended: SegmentSummary): void {
    this.#append(this.own, { kind: 'seal', meta: JSON.stringify({ ...ended, chain: encodeHex(ended.chain) }), content: [] }, 0);
  }

  #scheduleTurn(): void {
    if (!this.#turnScheduled) {
      this.#turnScheduled = true;
      setImmediate(this.#turn);
    }
  }

  /** Runs once at the end of an event-loop turn that recorded or waits for something. */
  readonly #turn = (): void => {
    this.#turnScheduled = false;
    if (this.#broken !== null) {
      return;
    }
    try {
      this.#write();
    } catch {
      // `#break` has reported the error. Nobody who waits is released.
      return;
    }
    const released = this.#afterWrite;
    this.#afterWrite = [];
    if (released.length > 0) {
      this.commits.process.observe((performance.now() - this.#waitingSinceMs.process) / 1000);
    }
    for (const release of released) {
      release();
    }
    if (this.#afterSync.length > 0 && !this.#syncing) {
      void this.#sync();
    }
  };

  #write(): void {
    if (this.#batch.entries > 0) {
      const first = this.#size - this.#batch.entries;
      this.#put(this.#batch.finish(first, this.#durableOffset()));
    }
  }

  #put(frame: Uint8Array): void {
    try {
      this.#journal.append(frame);
    } catch (error) {
      this.#break(error);
      throw this.#cannotRecord();
    }
    this.#batch.advance(frame);
  }

  /**
   * Syncs the journal; only one sync runs at a time. The signature goes to the disk with the records it signs, so that nothing acknowledged is ever unsigned.
   */
  async #sync(): Promise<void> {
    this.#syncing = true;
    const waiting = this.#afterSync;
    const sinceMs = this.#waitingSinceMs.disk;
    this.#afterSync = [];
    try {
      this.#sign();
      this.#durable = await this.#journal.sync();
    } catch (error) {
      this.#break(error);
      return;
    } finally {
      this.#syncing = false;
    }
    if (this.#broken !== null) {
      return;
    }
    this.commits.disk.observe((performance.now() - sinceMs) / 1000);
    for (const release of waiting) {
      release();
    }
    if (this.#afterSync.length > 0) {
      this.#scheduleTurn();
    }
  }

  /** Writes pending records and, if anything is new, a checkpoint frame over everything so far. */
  #sign(): void {
    this.#write();
    const size = this.#size;
    if (size === this.#signed.size || this.#broken !== null) {
      return;
    }
    this.#journal.ensure(0, 0);
    const note = signNote(formatCheckpoint(this.#checkpoint()), this.#signer);
    this.#put(this.#batch.checkpoint(note, size, this.#durableOffset()));
    this.#signed = { size, note };
  }

  /** The checkpoint over all that was written. */
  #checkpoint(): SignedCheckpoint {
    return {
      origin: this.#signer.name,
      size: this.#size,
      root: this.#tree.root(),
      journal: { segment: this.#journal.segmentNumber, offset: this.#journal.offset, chain: this.#batch.chain },
    };
  }

  /** Stops recording if the files of the store were removed or replaced, because records in files that nobody can find are lost. */
  #checkFiles(files: OwnFiles): void {
    try {
      files.check();
      this.#journal.checkInPlace();
    } catch (error) {
      this.#break(error);
    }
  }

  /** Makes the track of a new session, with secrets of its own. Throws GatewayError `cannot_record`. */
  #newTrack(): { readonly track: SessionTrack; readonly key: SessionKeyFacts } {
    const { keys, clock, newSessionId } = this.#options;
    const now = clock();
    const secrets = takeSecrets(keys, this.#keeping, now);
    const id = newSessionId();
    const track: SessionTrack = {
      id,
      idBytes: decodeHex(id, 16),
      seq: 0,
      previous: new DataView(new ArrayBuffer(hashBytes)),
      unanswered: null,
      sealing: new SessionSealing(secrets, this.#keeping, dayOf(now)),
      skipCompression: 0,
    };
    return { track, key: factsOf(secrets) };
  }

  /** Records the class keys that came into use. */
  recordNewKeys(): void {
    this.#options.keys.announceClassKeys((key) => {
      this.append(this.own, { kind: 'key', meta: JSON.stringify({ class: key.class, day: key.day, wrapped: key.wrappedHash }), content: [] });
    });
  }

  #every(ms: number, what: string, act: () => unknown): void {
    const trouble = (error: unknown): void => {
      if (this.#broken === null) {
        this.#options.onTrouble(error, what);
      }
    };
    const run = async (): Promise<void> => {
      await act();
    };
    const timer = setInterval(() => {
      run().catch(trouble);
    }, ms);
    timer.unref();
    this.#timers.push(timer);
  }

  /** Stops recording, and so all traffic, because the result of a write or sync is unknown. */
  #break(cause: unknown): void {
    if (this.#broken === null) {
      this.#broken = cause instanceof Error ? cause : new Error('the journal failed', { cause });
      this.#options.onFatal(this.#broken);
    }
  }

  #cannotRecord(): GatewayError {
    return new GatewayError('cannot_record', 'The journal failed, so nothing is let through until the gateway has started again.', {
      cause: this.#broken,
    });
  }

  #durableOffset(): number {
    return this.#durable.segment === this.#journal.segmentNumber ? this.#durable.offset : 0;
  }
}

/** The facts about its secrets that a session states in public. */
interface SessionKeyFacts {
  readonly secrets: string;
  readonly key: number;
  readonly meta: readonly [retentionClass: number, day: number];
  readonly content: readonly [retentionClass: number, day: number];
}

function factsOf({ keyId, wrappedHash, meta, content }: SessionSecrets): SessionKeyFacts {
  return { secrets: wrappedHash, key: keyId, meta: [meta.class, meta.day], content: [content.class, content.day] };
}

/** Makes the track of a session that a crash left open. It can only be closed. */
function leftOpenTrack(left: SessionEnd): SessionTrack {
  return {
    id: left.session,
    idBytes: decodeHex(left.session, 16),
    seq: left.records,
    previous: new DataView(new Uint8Array(left.previous).buffer),
    unanswered: left.unanswered,
    sealing: null,
    skipCompression: 0,
  };
}

/** Takes secrets for a session. Throws GatewayError `cannot_record`, because a session without secrets cannot be recorded. */
function takeSecrets(keys: KeyStore, { facts, content }: Keeping, now: number): SessionSecrets {
  try {
    return keys.take(classDay(facts, now), classDay(content, now), dayOf(now));
  } catch (cause) {
    throw new GatewayError('cannot_record', 'The key store cannot be written, so nothing is let through. Free space where the data directory is.', { cause });
  }
}

function classDay({ class: keptClass, days }: Kept, now: number): ClassDay {
  return { class: keptClass, day: expiryDay(now, days) };
}

/** The state of a session, for the next start. */
function sessionEnd({ id, seq, previous, unanswered }: SessionTrack): SessionEnd {
  return { session: id, records: seq, previous: new Uint8Array(previous.buffer.slice(0)), unanswered };
}
