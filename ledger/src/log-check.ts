/** Checks the leaves of a log one after the other, without any I/O: tree, sessions, epochs, heartbeats, governance bodies. */
import { EpochCheck } from './epoch-check.ts';
import type { HandoverCheck } from './handover-check.ts';
import { decodeHex, encodeHex } from './hex.ts';
import { parseCloseRecords, parseGovernanceBody, parseSealBody, type SealBody } from './governance.ts';
import type { KeyCheck } from './key-check.ts';
import { bodyOffsets, bodyStreams, entryHeaderBytes, entryOffsets, measureEntry, segmentName, type SegmentHeader, type SegmentSummary } from './journal.ts';
import {
  commitClear,
  findLeafFault,
  gatewayIdBytes,
  hashBytes,
  leafBytes,
  leafFlags,
  leafKindOf,
  leafKinds,
  leafOffsets,
  readUint53,
  storesContent,
} from './leaf.ts';
import { equalBytes } from './proof.ts';
import type { Frame } from './segment-reader.ts';
import { HashLanes, laneMessagesMax } from './sha256-lanes.ts';
import { closedSession, SessionTable, unknownSession } from './session-table.ts';
import { Frontier, type OnSubtree } from './tree.ts';
import { orMalformed, type Fault, type Findings } from './verdict.ts';

interface LogCheckOptions {
  readonly findings: Findings;
  readonly onSubtree: OnSubtree;
  readonly keys: KeyCheck;
  readonly handovers: HandoverCheck;
}

/** Made when it is first needed, and shared by all checks. It keeps nothing between two calls. */
let leafLanes: HashLanes | undefined;

/** The offsets at which entries begin in the body of a batch. The last offset is the end of the last entry. */
interface Entries {
  readonly starts: readonly number[];
  readonly end: number;
}

interface HashedLeaf {
  /** The clear body, if there is one and it matches its commitment. */
  readonly clear: Uint8Array | undefined;
  readonly leafHash: Uint8Array;
}

export class LogCheck {
  readonly frontier: Frontier;
  readonly sessions = new SessionTable();
  readonly epochs: EpochCheck;
  readonly #findings: Findings;
  readonly #keys: KeyCheck;
  readonly #handovers: HandoverCheck;
  /** Number of leaves checked so far. */
  #size = 0;
  #segment: SegmentHeader | undefined;
  #gatewayId = new DataView(new ArrayBuffer(8));
  /** The segment before the current one, until its seal was read. */
  #sealed: SegmentSummary | undefined;
  #lastLeafMs = 0;
  #factsOnly = 0;

  constructor(options: LogCheckOptions) {
    this.frontier = new Frontier({ onSubtree: options.onSubtree });
    this.epochs = new EpochCheck(options.findings);
    this.#findings = options.findings;
    this.#keys = options.keys;
    this.#handovers = options.handovers;
  }

  /** Number of records of which the facts alone are kept. */
  get factsOnly(): number {
    return this.#factsOnly;
  }

  /** Time of the newest leaf. */
  get lastLeafMs(): number {
    return this.#lastLeafMs;
  }

  /** Begins the next segment. `before` is the segment that ended; a record in the new one must seal it. */
  enterSegment(header: SegmentHeader, before: SegmentSummary | undefined): void {
    if (header.epoch === this.#segment?.epoch || this.epochs.isClosed) {
      this.requireSeal();
    }
    this.#segment = header;
    this.#sealed = before;
    new Uint8Array(this.#gatewayId.buffer).set(decodeHex(header.gatewayId, gatewayIdBytes));
  }

  /**
   * Reports a missing seal. Called when the current segment ended in order and not by a crash: if it holds anything, it must have sealed the segment before.
   */
  requireSeal(): void {
    const { segment = 0, firstIndex = 0 } = this.#segment ?? {};
    if (this.#sealed !== undefined && this.#size > firstIndex) {
      const where = `journal/${segmentName(segment)}`;
      this.#add('completeness', where, 'the seal of the segment before is missing');
    }
  }

  /** Checks the entries of a batch. False if the log cannot be followed after it. */
  addBatch(frame: Frame, where: string): boolean {
    const { body, header } = frame;
    if (header.index !== this.#size) {
      const code = header.index > this.#size ? 'completeness' : 'integrity';
      this.#add(code, where, `batch begins at log index ${header.index}, not ${this.#size}`);
      return false;
    }
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    let at = 0;
    for (let rest = header.entries; rest > 0; rest -= laneMessagesMax) {
      const entries = this.#readEntries(view, at, Math.min(rest, laneMessagesMax), where);
      if (entries === undefined || !this.#addEntries(entries, body, view, where)) {
        return false;
      }
      at = entries.end;
    }
    if (at !== body.length) {
      this.#add('integrity', where, 'bytes behind the last entry of a batch');
      return false;
    }
    return true;
  }

  /** Ends the check after the last leaf. */
  finish(): void {
    this.epochs.finish(this.sessions.openSessions());
  }

  #add(code: Fault, where: string, what: string): void {
    this.#findings.add(code, where, what);
  }

  #leafName(): string {
    return `leaf ${this.#size}`;
  }

  /** Checks that log, index and epoch of a leaf are those of its place in the journal. */
  #checkPlace(view: DataView, at: number, where: string): boolean {
    const index = readUint53(view, at + leafOffsets.logIndex);
    const size = this.#size;
    if (index !== size) {
      const code = index > size ? 'completeness' : 'integrity';
      this.#add(code, where, `leaf with log index ${index} in place of ${size}`);
      return false;
    }
    const gateway = at + leafOffsets.gatewayId;
    if (view.getUint32(gateway) !== this.#gatewayId.getUint32(0) || view.getUint32(gateway + 4) !== this.#gatewayId.getUint32(4)) {
      this.#add('integrity', this.#leafName(), 'leaf of another gateway');
    }
    if (view.getUint32(at + leafOffsets.epoch) !== this.#segment?.epoch) {
      this.#add('integrity', this.#leafName(), 'leaf of another epoch than its segment');
    }
    return true;
  }

  /** Reads entries from `start` on, and checks the form of each. */
  #readEntries(view: DataView, start: number, count: number, where: string): Entries | undefined {
    const starts: number[] = [];
    let at = start;
    for (let i = 0; i < count; i++) {
      const bytes = measureEntry(view, at, view.byteLength);
      const fault = bytes < 0 ? 'malformed entry' : findLeafFault(view, at);
      if (fault !== undefined) {
        this.#add('malformed', `${where} entry at ${at}`, fault);
        return undefined;
      }
      starts.push(at);
      at += bytes;
    }
    return { starts, end: at };
  }

  /** Hashes the leaves together, then checks them one by one. */
  #addEntries({ starts }: Entries, body: Uint8Array, view: DataView, where: string): boolean {
    leafLanes ??= new HashLanes(0, leafBytes);
    const lanes = leafLanes;
    for (const [i, at] of starts.entries()) {
      lanes.memory.set(body.subarray(at, at + leafBytes), lanes.bodyAt + i * lanes.stride);
    }
    lanes.hash(starts.length);
    for (const [i, at] of starts.entries()) {
      if (!this.#checkPlace(view, at, where)) {
        return false;
      }
      const leafHash = lanes.digests.subarray(i * hashBytes, (i + 1) * hashBytes);
      const flags = view.getUint16(at + leafOffsets.flags);
      this.#checkBodies(flags, view, at);
      this.#factsOnly += (flags & leafFlags.factsOnly) === 0 ? 0 : 1;
      const isClear = (flags & leafFlags.metaClear) !== 0;
      const clear = isClear ? this.#openClear(body, view, at) : undefined;
      this.epochs.add({ view, at, index: this.#size }, clear);
      this.#checkSession({ clear, leafHash }, view, at);
      this.#lastLeafMs = readUint53(view, at + leafOffsets.timeMs);
      this.#size += 1;
    }
    this.frontier.appendMany(lanes.digests, starts.length);
    return true;
  }

  /** Returns the clear body of a leaf; undefined, with a finding, if it does not match its commitment. */
  #openClear(body: Uint8Array, view: DataView, at: number): Uint8Array | undefined {
    const start = at + entryHeaderBytes;
    const clear = body.subarray(start, start + view.getUint32(at + entryOffsets.meta + bodyOffsets.bytes));
    const commitAt = at + leafOffsets.metaCommit;
    if (equalBytes(commitClear(clear), body.subarray(commitAt, commitAt + hashBytes))) {
      return clear;
    }
    this.#add('integrity', this.#leafName(), 'clear body does not match its commitment');
    return undefined;
  }

  /** Checks that the stored bodies are those that the leaf's flags name. */
  #checkBodies(flags: number, view: DataView, at: number): void {
    const [meta, content] = [at + entryOffsets.meta, at + entryOffsets.content];
    const hasMeta = (flags & leafFlags.hasMeta) !== 0;
    const hasContent = storesContent(flags);
    const metaSealed = hasMeta && (flags & leafFlags.metaClear) === 0;
    if (
      metaSealed !== (view.getUint8(meta + bodyOffsets.stream) !== bodyStreams.none) ||
      hasContent !== (view.getUint8(content + bodyOffsets.stream) !== bodyStreams.none) ||
      (!hasMeta && view.getUint32(meta + bodyOffsets.bytes) !== 0) ||
      (!hasContent && view.getUint32(content + bodyOffsets.bytes) !== 0)
    ) {
      this.#add('integrity', this.#leafName(), 'stored bodies do not fit the flags of the leaf');
    }
    if ((metaSealed && view.getUint16(at + leafOffsets.metaClass) === 0) || (hasContent && view.getUint16(at + leafOffsets.contentClass) === 0)) {
      this.#add('retention', this.#leafName(), 'sealed body of no retention class');
    }
  }

  /** Checks number and chain of the leaf in its session, then the rules for its kind. */
  #checkSession({ clear, leafHash }: HashedLeaf, view: DataView, at: number): void {
    const { sessions } = this;
    const idAt = at + leafOffsets.session;
    const kind = view.getUint8(at + leafOffsets.kind);
    const seq = readUint53(view, at + leafOffsets.sessionSeq);
    const epoch = view.getUint32(at + leafOffsets.epoch);
    let slot = sessions.find(view, idAt);
    if (slot === closedSession) {
      this.#add('integrity', this.#leafName(), 'record of a session that was closed');
      return;
    }
    const begins = kind === leafKinds.open || kind === leafKinds.epoch;
    if (slot === unknownSession) {
      if (seq !== 0 || !begins) {
        this.#add('completeness', this.#leafName(), 'session without its first record');
      }
      slot = sessions.open(view, idAt);
    } else if (seq !== sessions.nextSeq(slot)) {
      const code = seq > sessions.nextSeq(slot) ? 'completeness' : 'integrity';
      this.#add(code, this.#leafName(), `record ${seq} of its session, not ${sessions.nextSeq(slot)}`);
    } else if (begins) {
      this.#add('integrity', this.#leafName(), 'session that opens twice');
    } else if (!sessions.previousIs(slot, view, at + leafOffsets.previous)) {
      this.#add('integrity', this.#leafName(), 'does not follow the previous leaf of its session');
    }
    sessions.advance(slot, { seq, leafHash, epoch });
    // The bodies of these two kinds are read by the check of the epochs.
    if (clear !== undefined && kind !== leafKinds.epoch && kind !== leafKinds.pause) {
      this.#checkBody(clear, view, at);
    }
    this.#keys.add({ view, at, index: this.#size, slot }, clear);
    if (kind === leafKinds.close) {
      sessions.close(view, idAt);
    }
  }

  #checkBody(clear: Uint8Array, view: DataView, at: number): void {
    const kind = leafKindOf(view.getUint8(at + leafOffsets.kind)) ?? 'open';
    const where = this.#leafName();
    orMalformed(this.#findings, where, () => {
      if (kind === 'close') {
        const records = parseCloseRecords(clear);
        const seq = readUint53(view, at + leafOffsets.sessionSeq);
        if (records !== seq + 1) {
          this.#add('integrity', where, `close with the count ${records} at record ${seq}`);
        }
      } else if (kind === 'seal') {
        this.#checkSeal(parseSealBody(clear));
      } else if (kind === 'signer') {
        this.#handovers.add(this.#size, parseGovernanceBody(kind, clear)['vkey']);
      } else {
        parseGovernanceBody(kind, clear);
      }
    });
  }

  #checkSeal(seal: SealBody): void {
    const sealed = this.#sealed;
    if (
      sealed === undefined ||
      seal.segment !== sealed.segment ||
      seal.bytes !== sealed.bytes ||
      seal.first !== sealed.first ||
      seal.records !== sealed.records ||
      seal.chain !== encodeHex(sealed.chain)
    ) {
      this.#add('integrity', this.#leafName(), 'seal does not fit the segment before');
    }
    this.#sealed = undefined;
  }
}
