/** Checks the leaves of a log one after the other, without any I/O: tree, sessions, epochs, heartbeats, governance bodies. */
import { encodeHex } from "./hex.ts";
import {
  parseCloseRecords,
  parseEpochBody,
  parseGovernanceBody,
  parseSealBody,
  type SealBody,
} from "./governance.ts";
import {
  bodyStreams,
  decodeEntryHeader,
  entryBytes,
  entryHeaderBytes,
  type EntryHeader,
  type SegmentHeader,
} from "./journal.ts";
import {
  commitClear,
  findLeafFault,
  hashBytes,
  leafFlags,
  leafHashInto,
  leafKindOf,
  leafKinds,
  leafOffsets,
  readUint53,
  sessionIdBytes,
} from "./leaf.ts";
import { MalformedError } from "./malformed.ts";
import { equalBytes } from "./proof.ts";
import type { Frame } from "./segment-reader.ts";
import { closedSession, SessionTable, unknownSession } from "./session-table.ts";
import { Frontier, type OnSubtree } from "./tree.ts";
import type { Fault, Findings } from "./verdict.ts";

/** A heartbeat is due every 60 s; half of that again is grace for a busy or suspended machine. */
export const heartbeatGapMsMax = 90_000;

/** What the log must know of the segment that is being read. */
export interface SegmentSummary {
  readonly segment: number;
  readonly bytes: number;
  readonly first: number;
  readonly records: number;
  readonly chain: Uint8Array;
}

interface LogCheckOptions {
  readonly findings: Findings;
  /** Called behind each leaf. */
  readonly onLeaf: (size: number, timeMs: number) => void;
  readonly onSubtree: OnSubtree;
}

export class LogCheck {
  readonly frontier: Frontier;
  readonly sessions = new SessionTable();
  readonly #findings: Findings;
  readonly #onLeaf: LogCheckOptions["onLeaf"];
  readonly #leafHash = new Uint8Array(hashBytes);
  #segment: SegmentHeader | undefined;
  #gatewayId = new DataView(new ArrayBuffer(8));
  #sealed: SegmentSummary | undefined;
  #sealSeen = true;
  #epoch = 0;
  #epochs = 0;
  /** The gateway's session of this epoch, and of all: those of crashed epochs stay open. */
  #gatewaySession = "";
  readonly #gatewaySessions = new Set<string>();
  #gatewayClosed = false;
  #opensInEpoch = 0;
  #heartbeatMs = 0;
  #lastLeafMs = 0;

  constructor(options: LogCheckOptions) {
    this.frontier = new Frontier({ onSubtree: options.onSubtree });
    this.#findings = options.findings;
    this.#onLeaf = options.onLeaf;
  }

  get epochs(): number {
    return this.#epochs;
  }

  /** Time of the newest leaf. */
  get lastLeafMs(): number {
    return this.#lastLeafMs;
  }

  /** Whether the gateway's own session of the newest epoch is closed: the gateway was stopped in good order. */
  get isClosed(): boolean {
    return this.#gatewayClosed;
  }

  /** The next segment; `before` is the one that ended, which this one must seal. */
  enterSegment(header: SegmentHeader, before: SegmentSummary | undefined): void {
    this.#segment = header;
    this.#sealed = before;
    this.#sealSeen = before === undefined;
    new Uint8Array(this.#gatewayId.buffer).set(
      Uint8Array.from({ length: 8 }, (_, i) =>
        Number.parseInt(header.gatewayId.slice(2 * i, 2 * i + 2), 16),
      ),
    );
  }

  /** A segment that is not the last has ended, or the gateway was stopped: the seal of the one before must have been there. */
  leaveSegment(where: string): void {
    if (!this.#sealSeen) {
      this.#add("completeness", where, "the seal of the segment before is missing");
    }
  }

  /** Checks the entries of a batch. False when the log cannot be followed past it. */
  addBatch(frame: Frame, where: string): boolean {
    const { body, header } = frame;
    if (header.index !== this.frontier.size) {
      const code = header.index > this.frontier.size ? "completeness" : "integrity";
      this.#add(
        code,
        where,
        `batch begins at log index ${header.index}, not ${this.frontier.size}`,
      );
      return false;
    }
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    let at = 0;
    for (let i = 0; i < header.entries; i++) {
      const entry = decodeEntryHeader(view, at, body.length);
      const fault = entry === undefined ? "malformed entry" : findLeafFault(view, at);
      if (entry === undefined || fault !== undefined) {
        this.#add("malformed", `${where} entry ${i}`, fault ?? "malformed entry");
        return false;
      }
      if (!this.#checkPlace(view, at, where)) {
        return false;
      }
      this.#addEntry(entry, body, view, at);
      at += entryBytes(entry);
    }
    if (at !== body.length) {
      this.#add("integrity", where, "bytes behind the last entry of a batch");
      return false;
    }
    return true;
  }

  /** After the last leaf: which sessions should have been closed and are not. */
  finish(): void {
    for (const { session, epoch } of this.sessions.openSessions()) {
      const isGateways = this.#gatewaySessions.has(session);
      const left = epoch < this.#epoch && this.#opensInEpoch > 0;
      if (!isGateways && (this.#gatewayClosed || left)) {
        this.#add("completeness", `session ${session}`, `left open by epoch ${epoch}`);
      }
    }
  }

  #add(code: Fault, where: string, what: string): void {
    this.#findings.add(code, where, what);
  }

  #leafName(): string {
    return `leaf ${this.frontier.size}`;
  }

  /** Log, index and epoch of a leaf are those of its place in the journal. */
  #checkPlace(view: DataView, at: number, where: string): boolean {
    const index = readUint53(view, at + leafOffsets.logIndex);
    const size = this.frontier.size;
    if (index !== size) {
      const code = index > size ? "completeness" : "integrity";
      this.#add(code, where, `leaf with log index ${index} in place of ${size}`);
      return false;
    }
    const gateway = at + leafOffsets.gatewayId;
    if (
      view.getUint32(gateway) !== this.#gatewayId.getUint32(0) ||
      view.getUint32(gateway + 4) !== this.#gatewayId.getUint32(4)
    ) {
      this.#add("integrity", this.#leafName(), "leaf of another gateway");
    }
    if (view.getUint32(at + leafOffsets.epoch) !== this.#segment?.epoch) {
      this.#add("integrity", this.#leafName(), "leaf of another epoch than its segment");
    }
    return true;
  }

  #addEntry(entry: EntryHeader, body: Uint8Array, view: DataView, at: number): void {
    leafHashInto(body, at, this.#leafHash);
    const flags = view.getUint16(at + leafOffsets.flags);
    this.#checkBodies(entry, flags, view, at);
    let clear: Uint8Array | undefined;
    if ((flags & leafFlags.metaClear) !== 0) {
      clear = body.subarray(at + entryHeaderBytes, at + entryHeaderBytes + entry.meta.bytes);
      const commitAt = at + leafOffsets.metaCommit;
      if (!equalBytes(commitClear(clear), body.subarray(commitAt, commitAt + hashBytes))) {
        this.#add("integrity", this.#leafName(), "clear body does not have its commitment");
        clear = undefined;
      }
    }
    this.#checkTime(view, at);
    this.#checkSession(clear, view, at);
    const timeMs = readUint53(view, at + leafOffsets.timeMs);
    this.#lastLeafMs = timeMs;
    this.frontier.append(this.#leafHash);
    this.#onLeaf(this.frontier.size, timeMs);
  }

  /** The stored bodies are those that the leaf's flags name. */
  #checkBodies(entry: EntryHeader, flags: number, view: DataView, at: number): void {
    const { meta, content } = entry;
    const hasMeta = (flags & leafFlags.hasMeta) !== 0;
    const hasContent = (flags & leafFlags.hasContent) !== 0;
    const metaSealed = hasMeta && (flags & leafFlags.metaClear) === 0;
    if (
      metaSealed !== (meta.stream !== bodyStreams.none) ||
      hasContent !== (content.stream !== bodyStreams.none) ||
      (!hasMeta && meta.bytes !== 0) ||
      (!hasContent && content.bytes !== 0)
    ) {
      this.#add("integrity", this.#leafName(), "stored bodies do not fit the flags of the leaf");
    }
    if (
      (metaSealed && view.getUint16(at + leafOffsets.metaClass) === 0) ||
      (hasContent && view.getUint16(at + leafOffsets.contentClass) === 0)
    ) {
      this.#add("retention", this.#leafName(), "sealed body of no retention class");
    }
  }

  #checkTime(view: DataView, at: number): void {
    const kind = view.getUint8(at + leafOffsets.kind);
    const timeMs = readUint53(view, at + leafOffsets.timeMs);
    const epoch = view.getUint32(at + leafOffsets.epoch);
    if (epoch === this.#epoch && timeMs - this.#heartbeatMs > heartbeatGapMsMax) {
      const seconds = Math.round((timeMs - this.#heartbeatMs) / 1000);
      this.#add("completeness", this.#leafName(), `no heartbeat for ${seconds} s before it`);
      this.#heartbeatMs = timeMs;
    }
    if (kind === leafKinds.heartbeat || kind === leafKinds.epoch) {
      this.#heartbeatMs = timeMs;
    }
  }

  /** Sequence and chain of the leaf's session; then what its kind means. */
  #checkSession(clear: Uint8Array | undefined, view: DataView, at: number): void {
    const { sessions } = this;
    const idAt = at + leafOffsets.session;
    const kind = view.getUint8(at + leafOffsets.kind);
    const seq = readUint53(view, at + leafOffsets.sessionSeq);
    const epoch = view.getUint32(at + leafOffsets.epoch);
    let slot = sessions.find(view, idAt);
    if (slot === closedSession) {
      this.#add("integrity", this.#leafName(), "record of a session that was closed");
      return;
    }
    const begins = kind === leafKinds.open || kind === leafKinds.epoch;
    if (slot === unknownSession) {
      if (seq !== 0 || !begins) {
        this.#add("completeness", this.#leafName(), "session without its first record");
      }
      slot = sessions.open(view, idAt);
    } else if (seq !== sessions.nextSeq(slot)) {
      const code = seq > sessions.nextSeq(slot) ? "completeness" : "integrity";
      this.#add(
        code,
        this.#leafName(),
        `record ${seq} of its session, not ${sessions.nextSeq(slot)}`,
      );
    } else if (begins) {
      this.#add("integrity", this.#leafName(), "session that opens twice");
    } else if (!sessions.previousIs(slot, view, at + leafOffsets.previous)) {
      this.#add("integrity", this.#leafName(), "does not follow the previous leaf of its session");
    }
    if (epoch !== this.#epoch || kind === leafKinds.epoch) {
      this.#beginEpoch(clear, view, at);
    } else if (this.#gatewayClosed) {
      this.#add("integrity", this.#leafName(), "record after the gateway was stopped");
    }
    sessions.advance(slot, { seq, leafHash: this.#leafHash, epoch });
    if (kind === leafKinds.open) {
      this.#opensInEpoch += 1;
    }
    if (clear !== undefined && kind !== leafKinds.epoch) {
      this.#checkBody(clear, view, at);
    }
    if (kind === leafKinds.close) {
      this.#gatewayClosed ||= this.#sessionId(view, at) === this.#gatewaySession;
      sessions.close(view, idAt);
    }
  }

  #sessionId(view: DataView, at: number): string {
    const start = view.byteOffset + at + leafOffsets.session;
    return encodeHex(new Uint8Array(view.buffer, start, sessionIdBytes));
  }

  #beginEpoch(clear: Uint8Array | undefined, view: DataView, at: number): void {
    const epoch = view.getUint32(at + leafOffsets.epoch);
    if (view.getUint8(at + leafOffsets.kind) !== leafKinds.epoch) {
      this.#add("completeness", this.#leafName(), `epoch ${epoch} begins without its epoch record`);
    } else if (epoch === this.#epoch) {
      this.#add("integrity", this.#leafName(), `epoch ${epoch} begins twice`);
    } else if (clear !== undefined) {
      this.#guard("epoch", () => this.#checkEpochBody(clear, epoch));
    }
    this.#epochs += 1;
    this.#epoch = epoch;
    this.#gatewaySession = this.#sessionId(view, at);
    this.#gatewaySessions.add(this.#gatewaySession);
    this.#gatewayClosed = false;
    this.#opensInEpoch = 0;
    this.#heartbeatMs = readUint53(view, at + leafOffsets.timeMs);
  }

  #checkEpochBody(clear: Uint8Array, epoch: number): void {
    const body = parseEpochBody(clear);
    if (body.epoch !== epoch) {
      this.#add("integrity", this.#leafName(), "epoch body and leaf name different epochs");
    }
    const previous = body.previous?.epoch ?? 0;
    if (previous !== this.#epoch) {
      const code = previous > this.#epoch ? "completeness" : "integrity";
      this.#add(code, this.#leafName(), `epoch follows epoch ${previous}, but here ${this.#epoch}`);
    } else if (body.previous?.clean === true && !this.#gatewayClosed) {
      this.#add("completeness", this.#leafName(), "the end of the epoch before is missing");
    }
  }

  #checkBody(clear: Uint8Array, view: DataView, at: number): void {
    const kind = leafKindOf(view.getUint8(at + leafOffsets.kind)) ?? "open";
    this.#guard(kind, () => {
      if (kind === "close") {
        const records = parseCloseRecords(clear);
        const seq = readUint53(view, at + leafOffsets.sessionSeq);
        if (records !== seq + 1) {
          this.#add("integrity", this.#leafName(), `close of ${records} records at record ${seq}`);
        }
      } else if (kind === "seal") {
        this.#checkSeal(parseSealBody(clear));
      } else {
        parseGovernanceBody(kind, clear);
      }
    });
  }

  #checkSeal(seal: SealBody): void {
    const sealed = this.#sealed;
    if (
      sealed === undefined ||
      this.#sealSeen ||
      seal.segment !== sealed.segment ||
      seal.bytes !== sealed.bytes ||
      seal.first !== sealed.first ||
      seal.records !== sealed.records ||
      seal.chain !== encodeHex(sealed.chain)
    ) {
      this.#add("integrity", this.#leafName(), "seal does not fit the segment before");
    }
    this.#sealSeen = true;
  }

  #guard(kind: string, check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof MalformedError)) {
        throw error;
      }
      this.#add("malformed", this.#leafName(), `${kind}: ${error.message}`);
    }
  }
}
