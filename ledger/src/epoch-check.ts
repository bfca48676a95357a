/** Checks the epochs of a log: how each begins and ends, its heartbeats and pauses, and what it must close. */
import { parseEpochBody, parsePauseBody, type Pause, type RestoredFrom, type Rollback } from './governance.ts';
import { encodeHex } from './hex.ts';
import { leafKinds, leafOffsets, readUint53, sessionIdBytes } from './leaf.ts';
import type { OpenSession } from './session-table.ts';
import { orMalformed, type Findings } from './verdict.ts';

/** A heartbeat is due every 60 s; half of that is added for a busy machine. A gateway that stood still for longer says so in a `pause`. */
const heartbeatGapMsMax = 90_000;

/** Most pauses that a report lists. Further ones are only counted. */
const listedPausesMax = 100;
const lossesMax = 100;
const restorationsMax = 100;

/** A loss before an epoch, as the `epoch` record declares it. */
export interface Loss extends Rollback {
  readonly epoch: number;
  /** Log index of the declaration. */
  readonly index: number;
}

/** A restore from a backup before an epoch, as the `epoch` record declares it. */
export interface Restoration extends RestoredFrom {
  readonly epoch: number;
  /** Log index of the declaration. */
  readonly index: number;
}

/** A leaf with its place in the body of a batch. */
export interface PlacedLeaf {
  readonly view: DataView;
  readonly at: number;
  readonly index: number;
}

export function leafName({ index }: PlacedLeaf): string {
  return `leaf ${index}`;
}

function sessionOf({ view, at }: PlacedLeaf): string {
  const start = view.byteOffset + at + leafOffsets.session;
  return encodeHex(new Uint8Array(view.buffer, start, sessionIdBytes));
}

export class EpochCheck {
  readonly #findings: Findings;
  #epoch = 0;
  #count = 0;
  /** The gateway's session of this epoch, and those of all epochs: the gateway's session of a crashed epoch stays open. */
  #gatewaySession = '';
  readonly #gatewaySessions = new Set<string>();
  #isClosed = false;
  #opens = 0;
  /** The time of the last heartbeat, pause or beginning of the epoch. */
  #heartbeatMs = 0;
  #lastMs = 0;
  /** The first pauses, at most `listedPausesMax`. */
  readonly pauses: Pause[] = [];
  pauseCount = 0;
  /** The first losses, at most `listedPausesMax`. */
  readonly losses: Loss[] = [];
  /** The first restores, at most `restorationsMax`. */
  readonly restorations: Restoration[] = [];

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  get count(): number {
    return this.#count;
  }

  /** True if the gateway's own session of the newest epoch is closed, so the gateway was stopped in good order. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Checks the next leaf. `clear` is its clear body, if there is one and it matches its commitment. */
  add(leaf: PlacedLeaf, clear: Uint8Array | undefined): void {
    const { view, at } = leaf;
    const kind = view.getUint8(at + leafOffsets.kind);
    const timeMs = readUint53(view, at + leafOffsets.timeMs);
    if (view.getUint32(at + leafOffsets.epoch) !== this.#epoch || kind === leafKinds.epoch) {
      this.#begin(leaf, clear);
      this.#heartbeatMs = timeMs;
      this.#lastMs = timeMs;
      return;
    }
    if (this.#isClosed) {
      this.#findings.add('integrity', leafName(leaf), 'record after the gateway was stopped');
    }
    const pause = kind === leafKinds.pause && clear !== undefined ? this.#readPause(clear, leaf, timeMs) : undefined;
    const silentMs = (pause?.from ?? timeMs) - this.#heartbeatMs;
    if (silentMs > heartbeatGapMsMax) {
      this.#findings.add('completeness', leafName(leaf), `no heartbeat for ${Math.round(silentMs / 1000)} s before it`);
      this.#heartbeatMs = timeMs;
    }
    this.#lastMs = timeMs;
    if (kind === leafKinds.heartbeat || kind === leafKinds.pause) {
      this.#heartbeatMs = timeMs;
    } else if (kind === leafKinds.open) {
      this.#opens += 1;
    } else if (kind === leafKinds.close) {
      this.#isClosed ||= sessionOf(leaf) === this.#gatewaySession;
    }
  }

  /** Ends the check after the last leaf. Reports each open session that should have been closed. */
  finish(openSessions: Iterable<OpenSession>): void {
    for (const { session, epoch } of openSessions) {
      // An epoch must close what earlier epochs left open before it opens a session of its own.
      const isLeft = epoch < this.#epoch && this.#opens > 0;
      if (!this.#gatewaySessions.has(session) && (this.#isClosed || isLeft)) {
        this.#findings.add('completeness', `session ${session}`, `left open by epoch ${epoch}`);
      }
    }
  }

  /** Reads a pause. It excuses only the time in which nothing was recorded according to the log too. */
  #readPause(clear: Uint8Array, leaf: PlacedLeaf, timeMs: number): Pause | undefined {
    const where = leafName(leaf);
    const pause = orMalformed(this.#findings, where, () => parsePauseBody(clear));
    if (pause === undefined) {
      return undefined;
    }
    if (pause.to !== timeMs || pause.from < this.#lastMs) {
      this.#findings.add('integrity', where, 'names a pause that the records around it contradict');
      return undefined;
    }
    this.pauseCount += 1;
    if (this.pauses.length < listedPausesMax) {
      this.pauses.push(pause);
    }
    return pause;
  }

  #begin(leaf: PlacedLeaf, clear: Uint8Array | undefined): void {
    const epoch = leaf.view.getUint32(leaf.at + leafOffsets.epoch);
    const where = leafName(leaf);
    if (leaf.view.getUint8(leaf.at + leafOffsets.kind) !== leafKinds.epoch) {
      this.#findings.add('completeness', where, `epoch ${epoch} begins without its epoch record`);
    } else if (epoch === this.#epoch) {
      this.#findings.add('integrity', where, `epoch ${epoch} begins twice`);
    } else if (clear !== undefined) {
      this.#checkBody(clear, epoch, leaf);
    }
    this.#count += 1;
    this.#epoch = epoch;
    this.#gatewaySession = sessionOf(leaf);
    this.#gatewaySessions.add(this.#gatewaySession);
    this.#isClosed = false;
    this.#opens = 0;
  }

  #checkBody(clear: Uint8Array, epoch: number, leaf: PlacedLeaf): void {
    const where = leafName(leaf);
    const body = orMalformed(this.#findings, where, () => parseEpochBody(clear));
    if (body === undefined) {
      return;
    }
    if (body.epoch !== epoch) {
      this.#findings.add('integrity', where, 'epoch body and leaf name different epochs');
    }
    if (body.rollback !== null && this.losses.length < lossesMax) {
      this.losses.push({ ...body.rollback, epoch, index: leaf.index });
    }
    if (body.restored !== null) {
      this.#addRestoration({ ...body.restored, epoch, index: leaf.index }, where);
    }
    const previous = body.previous?.epoch ?? 0;
    if (previous !== this.#epoch) {
      const code = previous > this.#epoch ? 'completeness' : 'integrity';
      this.#findings.add(code, where, `follows epoch ${previous}, but here ${this.#epoch}`);
    } else if (body.previous?.clean === true && !this.#isClosed) {
      this.#findings.add('completeness', where, 'the end of the epoch before is missing');
    }
  }

  #addRestoration(restoration: Restoration, where: string): void {
    if (restoration.size > restoration.index) {
      this.#findings.add('integrity', where, 'names a backup of more records than are before it');
    } else if (this.restorations.length < restorationsMax) {
      this.restorations.push(restoration);
    }
  }
}
