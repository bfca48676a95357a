import { countOf } from '../domain/count-of.ts';
import { MalformedError } from '@countersign/ledger';
import {
  decodeLeaf,
  equalBytes,
  frameEntries,
  Frontier,
  hashBytes,
  leafFlags,
  leafHash,
  parseCheckpoint,
  parseErasureBody,
  parseGovernanceBody,
  parseNote,
  type ErasureIntent,
  type Frame,
  type Leaf,
  type SegmentSummary,
} from '@countersign/ledger/format';
import type { RecoverySnapshot } from './recovery-snapshot.ts';
import { TileStore, type TileEdges } from './tile-store.ts';

/** The end of a session that has no `close`. */
export interface SessionEnd {
  readonly session: string;
  readonly records: number;
  /** The hash of its last leaf. */
  readonly previous: Uint8Array;
  /** Sequence number of the first request since the last finished response; null when every request has its outcome. */
  readonly unanswered: number | null;
}

/** The newest secrets that an `open`, `epoch` or `secrets` announced: their number in the key store, and the hash of the wrapped secrets. */
export interface AnnouncedSecrets {
  readonly key: number;
  readonly hash: string;
}

/** An erasure that was announced and not completed. What it names must be destroyed. */
export interface OpenErasure {
  /** The index in the log of its intent. */
  readonly index: number;
  readonly intent: ErasureIntent;
}

/** A checkpoint that was published. */
export interface GivenCheckpoint {
  readonly size: number;
  readonly text: string;
}

interface Progress {
  records: number;
  readonly previous: Uint8Array;
  unanswered: number | null;
}

/** Reads the journal record by record and keeps all that a start needs to know of it. */
export class JournalFold {
  readonly #sessions = new Map<string, Progress>();
  readonly #tiles: TileStore;
  #frontier: Frontier;
  epoch = 0;
  /** The session of the gateway itself in the newest epoch. */
  own: string | null = null;
  secrets: AnnouncedSecrets | null = null;
  /** The newest checkpoint that was read. */
  note: Uint8Array | null = null;
  /** Unix ms of the latest record, whatever the order in which their times come. */
  latestMs = 0;
  chain: Uint8Array = new Uint8Array(hashBytes);
  readonly #erasures = new Map<number, ErasureIntent>();
  /** True once a checkpoint in the journal covered exactly the records before it. */
  isConfirmed = false;
  readonly #given: GivenCheckpoint | null;
  #sawGiven: boolean;

  /** Begins with nothing, or with the snapshot of an earlier fold or of the recorder. */
  constructor(logDirectory: string, from: RecoverySnapshot | null, given: GivenCheckpoint | null = null) {
    this.#given = given;
    this.#sawGiven = given === null || given.size <= (from?.size ?? 0);
    this.#tiles = new TileStore(logDirectory);
    this.#tiles.restore(from?.tiles ?? []);
    this.#frontier = new Frontier({ size: from?.size ?? 0, subtrees: from?.subtrees ?? [], onSubtree: this.#tiles.onSubtree });
    if (from !== null) {
      this.epoch = from.epoch;
      this.own = from.own;
      this.secrets = from.secrets;
      this.latestMs = from.latestMs;
      for (const { index, intent } of from.erasures) {
        this.#erasures.set(index, intent);
      }
      this.chain = from.segment.chain;
      for (const { session, records, previous, unanswered } of from.sessions) {
        this.#sessions.set(session, { records, previous: previous.slice(), unanswered });
      }
    }
  }

  get size(): number {
    return this.#frontier.size;
  }

  subtrees(): Uint8Array[] {
    return this.#frontier.subtrees();
  }

  edges(): TileEdges {
    return this.#tiles.edges();
  }

  /** Writes the tiles of the records added so far to stable storage, whatever tiles a crash left. */
  async writeTiles(): Promise<void> {
    const tiles = this.#tiles.snapshot();
    await this.#tiles.write(tiles);
    await this.#tiles.sync();
    await this.#tiles.restorePartials(tiles);
  }

  /** The sessions without a `close`, except the gateway's own. */
  open(): SessionEnd[] {
    return [...this.#sessions].filter(([session]) => session !== this.own).map(([session, progress]) => ({ session, ...progress }));
  }

  /** The erasures without their completion. */
  erasures(): OpenErasure[] {
    return [...this.#erasures].map(([index, intent]) => ({ index, intent }));
  }

  /** True if the newest epoch ended with the `close` of the gateway's own session. */
  get clean(): boolean {
    return this.own !== null && !this.#sessions.has(this.own);
  }

  /** The gateway's own session if it has no `close`, otherwise null. */
  get ownEnd(): SessionEnd | null {
    const progress = this.own === null ? undefined : this.#sessions.get(this.own);
    return this.own === null || progress === undefined ? null : { session: this.own, ...progress };
  }

  /** The state at the end of this segment. It may be kept only once the tiles are written. */
  snapshot(segment: SegmentSummary): RecoverySnapshot {
    return {
      segment,
      size: this.size,
      epoch: this.epoch,
      own: this.own,
      secrets: this.secrets,
      latestMs: this.latestMs,
      erasures: this.erasures(),
      subtrees: this.subtrees(),
      tiles: this.edges(),
      sessions: [...this.#sessions].map(([session, progress]) => ({ session, ...progress })),
    };
  }

  /** True if the published checkpoint is one of this journal, or covers only records before those that were read. */
  get holdsGiven(): boolean {
    return this.#sawGiven;
  }

  /** Adds the next frame. Throws `MalformedError`. */
  add(frame: Frame): void {
    this.chain = frame.chain.slice();
    if (frame.header.type === 'batch') {
      for (const entry of frameEntries(frame)) {
        const leaf = decodeLeaf(entry.leaf);
        this.#addLeaf(leaf, leafHash(entry.leaf));
        this.#addSecrets(leaf, entry.storedMeta);
        this.#addErasure(leaf, entry.storedMeta);
      }
    } else {
      this.#confirm(frame);
    }
  }

  #confirm(frame: Frame): void {
    const { text } = parseNote(frame.body);
    const { size, root } = parseCheckpoint(text);
    if (size !== this.size || !equalBytes(root, this.#frontier.root())) {
      throw new MalformedError(`the checkpoint over ${countOf(size, 'record')} does not match the records before it`);
    }
    this.isConfirmed = true;
    this.note = frame.body.slice();
    this.#sawGiven ||= text === this.#given?.text;
  }

  #addSecrets({ kind }: Leaf, clear: Uint8Array): void {
    if (kind === 'open' || kind === 'epoch' || kind === 'secrets') {
      const { key, secrets } = parseGovernanceBody(kind, clear);
      if (typeof key === 'number' && typeof secrets === 'string' && key > (this.secrets?.key ?? 0)) {
        this.secrets = { key, hash: secrets };
      }
    }
  }

  #addErasure({ kind, logIndex }: Leaf, clear: Uint8Array): void {
    if (kind === 'erasure') {
      const body = parseErasureBody(clear);
      if (body.phase === 'intent') {
        this.#erasures.set(logIndex, body.intent);
      } else {
        this.#erasures.delete(body.intent);
      }
    }
  }

  #addLeaf(leaf: Leaf, hash: Uint8Array): void {
    this.#frontier.append(hash);
    this.latestMs = Math.max(this.latestMs, leaf.timeMs);
    if (leaf.kind === 'epoch') {
      this.epoch = leaf.epoch;
      this.own = leaf.session;
    }
    if (leaf.kind === 'close') {
      this.#sessions.delete(leaf.session);
      return;
    }
    const progress = this.#sessions.get(leaf.session) ?? { records: 0, previous: new Uint8Array(hashBytes), unanswered: null };
    progress.records = leaf.sessionSeq + 1;
    progress.previous.set(hash);
    if (leaf.kind === 'request') {
      progress.unanswered ??= leaf.sessionSeq;
    } else if (leaf.kind === 'response' && (leaf.flags & leafFlags.continues) === 0) {
      progress.unanswered = null;
    }
    this.#sessions.set(leaf.session, progress);
  }
}
