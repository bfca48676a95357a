/** Follows the journal of a store from the first segment to the last, as far as that is possible. */
import type { BodyCheck } from './body-check.ts';
import { formatCheckpoint, originOf } from './checkpoint.ts';
import type { HandoverCheck } from './handover-check.ts';
import { parseSegmentName, segmentChainHolds, segmentHeaderBytes, segmentName, type SegmentHeader, type SegmentSummary } from './journal.ts';
import type { KeyCheck } from './key-check.ts';
import type { SigningKeys } from './keyring.ts';
import { hashBytes } from './leaf.ts';
import { LogCheck } from './log-check.ts';
import { MalformedError } from './malformed.ts';
import { parseNote } from './note.ts';
import { equalBytes } from './proof.ts';
import { isFrame, SegmentReader, type Frame, type SegmentEnd, type SegmentSource } from './segment-reader.ts';
import { openSegmentFile, type StoreFiles } from './store-files.ts';
import { checkNote, isBeyond, type Expectation } from './store-trust.ts';
import type { TileCheck } from './tile-check.ts';
import type { Findings } from './verdict.ts';

export interface StoreProgress {
  readonly bytes: number;
  readonly bytesTotal: number;
  readonly leaves: number;
}

/** The newest checkpoint frame. */
export interface JournalNote {
  readonly bytes: Uint8Array;
  readonly where: string;
  readonly size: number;
  readonly lastLeafMs: number;
  /** Number of bytes of the journal before the checkpoint. */
  readonly journalBytes: number;
}

interface JournalCheckParts {
  readonly files: StoreFiles;
  readonly findings: Findings;
  readonly keys: SigningKeys;
  readonly tiles: TileCheck;
  readonly expectations: readonly Expectation[];
  readonly keyCheck: KeyCheck;
  readonly handovers: HandoverCheck;
  readonly bodyCheck?: BodyCheck | undefined;
}

export class JournalCheck {
  readonly log: LogCheck;
  readonly #files: StoreFiles;
  readonly #findings: Findings;
  readonly #keys: SigningKeys;
  readonly #tiles: TileCheck;
  readonly #bodies: BodyCheck | undefined;
  readonly #expectations: readonly Expectation[];
  /** By the size, and by the offset, at which they are to be compared: there may be thousands. */
  readonly #bySize: ReadonlyMap<number, readonly Expectation[]>;
  readonly #byOffset: ReadonlyMap<number, readonly Expectation[]>;
  readonly #chain = new Uint8Array(hashBytes);
  #header: SegmentHeader | undefined;
  #summary: SegmentSummary | undefined;
  #end: SegmentEnd & { readonly segment: number } = {
    state: 'clean',
    segment: 0,
    offset: 0,
    what: '',
  };
  #note: JournalNote | undefined;
  #noteIsLast = false;
  #signed: JournalNote | undefined;
  #segments = 0;
  #frames = 0;
  #bytes = 0;
  #tornBytes = 0;
  /** The offset at which zeros follow the last frame of the previous segment. A gateway cuts them before it writes to this segment. */
  #uncut: number | undefined;
  #complete = false;

  constructor(parts: JournalCheckParts) {
    this.#files = parts.files;
    this.#findings = parts.findings;
    this.#keys = parts.keys;
    this.#tiles = parts.tiles;
    this.#bodies = parts.bodyCheck;
    this.#expectations = parts.expectations;
    this.#bySize = Map.groupBy(parts.expectations, ({ checkpoint }) => checkpoint.size);
    this.#byOffset = Map.groupBy(parts.expectations, ({ checkpoint }) => checkpoint.journal?.offset ?? -1);
    this.log = new LogCheck({
      findings: parts.findings,
      onSubtree: parts.tiles.addSubtree,
      keys: parts.keyCheck,
      handovers: parts.handovers,
    });
  }

  /** 16 hex digits; undefined if no segment could be read. */
  get gatewayId(): string | undefined {
    return this.#header?.gatewayId;
  }

  /** The end of the journal. */
  get end(): SegmentEnd & { readonly segment: number } {
    return this.#end;
  }

  /** The newest checkpoint frame, if it is the very last frame. */
  get lastNote(): JournalNote | undefined {
    return this.#noteIsLast ? this.#note : undefined;
  }

  /** The newest checkpoint frame that a trusted key signed. */
  get signed(): JournalNote | undefined {
    return this.#signed;
  }

  get tilesChecked(): number {
    return this.#tiles.checked;
  }

  /** True if the journal was followed to its end. */
  get isComplete(): boolean {
    return this.#complete;
  }

  get counts(): { segments: number; frames: number; bytes: number; tornBytes: number } {
    return {
      segments: this.#segments,
      frames: this.#frames,
      bytes: this.#bytes,
      tornBytes: this.#tornBytes,
    };
  }

  /** Follows all segments, first to last, until one cannot be followed. */
  async follow(onProgress: ((progress: StoreProgress) => void) | undefined): Promise<void> {
    const names = await this.#files.list('journal');
    const numbers = names.map(parseSegmentName).filter((number) => number !== undefined);
    numbers.sort((a, b) => a - b);
    const sizes = await Promise.all(numbers.map(async (number) => this.#files.size(`journal/${segmentName(number)}`)));
    const bytesTotal = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    const progress = (): void => onProgress?.({ bytes: this.#bytes, bytesTotal, leaves: this.log.frontier.size });
    this.#seeSize();
    for (const [i, number] of numbers.entries()) {
      if (number !== i + 1) {
        this.#findings.add('completeness', `journal/${segmentName(i + 1)}`, 'segment missing');
        return;
      }
      const isLast = i === numbers.length - 1;
      if (!(await this.#followSegment(number, isLast, progress))) {
        return;
      }
      progress();
    }
    this.#complete = true;
  }

  /** Compares the size of the log with the expected ones. Called between frames, because checkpoints are made only there. */
  #seeSize(): void {
    const { frontier, lastLeafMs } = this.log;
    for (const expectation of this.#bySize.get(frontier.size) ?? []) {
      expectation.seeRoot(frontier.root(), lastLeafMs);
    }
  }

  #seeBoundary(segment: number, offset: number): void {
    for (const expectation of this.#byOffset.get(offset) ?? []) {
      expectation.seeBoundary(
        { segment, offset, chain: this.#chain },
        {
          size: this.log.frontier.size,
          journalBytes: this.#bytes,
        },
      );
    }
  }

  /** Follows one segment. False if nothing after it can be followed. */
  async #followSegment(segment: number, isLast: boolean, progress: () => void): Promise<boolean> {
    const where = `journal/${segmentName(segment)}`;
    const source = await openSegmentFile(this.#files, where);
    const reader = await this.#open(source, { where, segment, isLast });
    if (reader === undefined || !this.#enter(reader.header, segment, where)) {
      return isLast && reader === undefined && this.#end.segment === segment;
    }
    const before = this.#bytes;
    this.#segments += 1;
    this.#bytes += segmentHeaderBytes;
    let behind = { offset: 0, durable: -1 };
    for (;;) {
      const step = reader.next();
      if (step === undefined) {
        await Promise.all([reader.fill(), this.#tiles.flush()]);
        progress();
        continue;
      }
      if (isFrame(step)) {
        this.#seeBoundary(segment, step.offset);
        if (!this.#addFrame(step, segment, `${where} offset ${step.offset}`)) {
          return false;
        }
        if (this.#bodies !== undefined && step.header.type === 'batch') {
          await this.#bodies.add(step);
        }
        continue;
      }
      this.#seeBoundary(segment, step.offset);
      const end = await reader.settle(step);
      if ((end.state === 'damaged' || end.state === 'cut') && behind.offset !== end.offset) {
        behind = { offset: end.offset, durable: await reader.durableBehind(end) };
        // A running gateway may have written here after this part was read. Bytes that a later frame calls durable can be read by now.
        await reader.fill();
        continue;
      }
      await Promise.all([this.#verifyNote(), this.#tiles.flush()]);
      this.#end = { ...end, segment };
      const { firstIndex } = reader.header;
      this.#summary = {
        segment,
        bytes: this.#bytes - before,
        first: firstIndex,
        records: this.log.frontier.size - firstIndex,
        chain: this.#chain.slice(),
      };
      return isLast ? this.#judgeLast(end, behind.durable, source.bytes) : this.#judgeSealed(end, behind.durable);
    }
  }

  async #open(
    source: SegmentSource,
    place: { readonly where: string; readonly segment: number; readonly isLast: boolean },
  ): Promise<SegmentReader | undefined> {
    try {
      return await SegmentReader.open(source);
    } catch (error) {
      if (!(error instanceof MalformedError)) {
        throw error;
      }
      const bytes = await source.read(0, Math.min(source.bytes, segmentHeaderBytes));
      if (place.isLast && bytes.every((byte) => byte === 0)) {
        // The segment was just created, or torn before its header was written. If a checkpoint names it, that checkpoint is not fulfilled.
        this.#end = { state: 'zeros', segment: place.segment, offset: 0, what: '' };
        this.#tornBytes = source.bytes;
      } else if (bytes.length < segmentHeaderBytes) {
        this.#findings.add('completeness', place.where, 'segment cut short');
      } else {
        this.#findings.add(segmentChainHolds(bytes) ? 'malformed' : 'integrity', place.where, error.message);
      }
      return undefined;
    }
  }

  /** Checks that the segment is the one that comes next. */
  #enter(header: SegmentHeader, segment: number, where: string): boolean {
    const { size } = this.log.frontier;
    const before = this.#header;
    if (header.segment !== segment) {
      this.#findings.add('integrity', where, `holds segment ${header.segment}`);
      return false;
    }
    if (header.firstIndex > size) {
      this.#findings.add('completeness', where, `begins at log index ${header.firstIndex}, not ${size}`);
      return false;
    }
    if (header.firstIndex < size || !equalBytes(header.chainBefore, this.#chain)) {
      this.#findings.add('integrity', where, 'does not follow the segment before');
      return false;
    }
    if (before !== undefined && (header.gatewayId !== before.gatewayId || header.epoch < before.epoch)) {
      this.#findings.add('integrity', where, 'is of another gateway or an earlier epoch than the segment before');
      return false;
    }
    this.#header = header;
    this.#chain.set(header.chain);
    this.log.enterSegment(header, this.#summary);
    return true;
  }

  #addFrame(frame: Frame, segment: number, where: string): boolean {
    this.#frames += 1;
    if (this.#uncut !== undefined) {
      const what = `the segment before goes on behind its last frame at ${this.#uncut}`;
      this.#findings.add('integrity', where, what);
      this.#uncut = undefined;
    }
    if (frame.header.type === 'checkpoint') {
      this.#addNote(frame, segment, where);
    } else if (!this.log.addBatch(frame, where)) {
      return false;
    } else {
      this.#seeSize();
    }
    this.#noteIsLast = frame.header.type === 'checkpoint';
    this.#bytes += frame.end - frame.offset;
    this.#chain.set(frame.chain);
    return true;
  }

  /**
   * Checks a checkpoint frame. The text of every checkpoint is compared with the computed state; the signature is checked only for the newest checkpoint of a
   * segment.
   */
  #addNote(frame: Frame, segment: number, where: string): void {
    const { size } = this.log.frontier;
    const expected = formatCheckpoint({
      origin: originOf(this.#header?.gatewayId ?? ''),
      size,
      root: this.log.frontier.root(),
      journal: { segment, offset: frame.offset, chain: this.#chain },
    });
    try {
      if (parseNote(frame.body).text !== expected || frame.header.index !== size) {
        this.#findings.add('integrity', where, 'checkpoint does not fit the journal before it');
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) {
        throw error;
      }
      this.#findings.add('malformed', where, error.message);
    }
    this.#note = {
      bytes: frame.body,
      where,
      size,
      lastLeafMs: this.log.lastLeafMs,
      journalBytes: this.#bytes + frame.end - frame.offset,
    };
  }

  async #verifyNote(): Promise<void> {
    const note = this.#note;
    if (note === undefined || note === this.#signed) {
      return;
    }
    // This is a copy, so that the note does not keep a whole window in memory.
    const kept = { ...note, bytes: new Uint8Array(note.bytes) };
    this.#note = kept;
    if ((await checkNote(kept.bytes, kept.where, this.#keys, this.#findings)) !== undefined) {
      this.#signed = kept;
    }
  }

  /** Judges the end of a segment that is no longer written to. */
  #judgeSealed(end: SegmentEnd, durableBehind: number): boolean {
    if (end.state === 'zeros') {
      this.#uncut = end.offset;
    } else if (end.state !== 'clean') {
      this.#addEnd(end, durableBehind);
      return false;
    }
    return true;
  }

  /**
   * Judges the end of the last segment. A torn tail is legal if nothing says that more was on stable storage, and the gateway was not stopped in good order.
   */
  #judgeLast(end: SegmentEnd, durableBehind: number, bytes: number): boolean {
    const checkpoints = this.#expectations.map(({ checkpoint }) => checkpoint);
    const coversAll = checkpoints.some(({ size }) => size === this.log.frontier.size);
    const isStopped = this.log.epochs.isClosed && (this.#noteIsLast || coversAll);
    if (this.log.epochs.isClosed) {
      this.log.requireSeal();
    }
    if (end.state === 'clean' || end.state === 'zeros') {
      return true;
    }
    const isNamed = checkpoints.some((checkpoint) => isBeyond(checkpoint, this.#end));
    if (isStopped || isNamed || durableBehind > end.offset) {
      this.#addEnd(end, durableBehind);
    } else {
      this.#tornBytes = bytes - end.offset;
    }
    return true;
  }

  /** Reports an end within a frame. The file lacks bytes, unless whole frames follow: then a length was changed. */
  #addEnd(end: SegmentEnd, behind: number): void {
    const where = `journal/${segmentName(this.#end.segment)} offset ${end.offset}`;
    const isCut = end.state === 'cut' && behind < 0;
    this.#findings.add(isCut ? 'completeness' : 'integrity', where, end.what);
  }
}
