import { countOf } from '../domain/count-of.ts';
import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { encodeSegmentHeader, segmentBytesMax, segmentHeaderBytes, segmentName } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { syncDirectory } from '../store/whole-file.ts';
import { requireSame } from './own-files.ts';
import { listSegmentsSync } from './segment-files.ts';

const fdatasyncAsync = promisify(fdatasync);

/** Zeros are written this many bytes ahead of the records, so that a full disk is noticed before a record is made and not after. */
const prepareBytes = 512 * 1024;
/** Zeros that are written at once. Linux caches what one write appends as one piece, and a small write into a large piece costs more. */
const zeros = Buffer.alloc(64 * 1024);
/** Bytes that one commit may need besides its entries: frame header, padding, chain, a checkpoint frame, a segment header. */
const overheadBytes = 4096;

/** Where the segments of one epoch of a gateway are written, and how large they get. */
export interface JournalOptions {
  readonly directory: string;
  readonly gatewayId: string;
  readonly epoch: number;
  readonly segmentBytes?: number;
}

interface Segment {
  readonly number: number;
  readonly fd: number;
  written: number;
  /** Offset up to which zeros are in the file. */
  prepared: number;
}

/**
 * Writes the segment files: at the end of the newest one, in order, synchronously into the page cache. The caller must have asked
 * `ensure` for the space. If a write fails nevertheless, its result is unknown, which is fatal (`onFatal` does not return to traffic).
 */
export class JournalWriter {
  readonly #options: JournalOptions;
  readonly #segmentBytes: number;
  #segment: Segment;
  /** Segments that hold bytes not known to be on stable storage, the current one last. */
  #unsynced: Segment[] = [];
  /** Those that a sync has not reached yet. */
  #syncing: Segment[] = [];
  #bytesWritten = 0;
  /** The modification time of the directory when it last had all its segments. */
  #listedNs = 0n;

  private constructor(options: JournalOptions, segment: Segment) {
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? segmentBytesMax;
    this.#segment = segment;
  }

  /** Begins a new segment. Throws GatewayError `cannot_record`. */
  static open(options: JournalOptions, start: SegmentStart): { readonly journal: JournalWriter; readonly chain: Uint8Array } {
    mkdirSync(options.directory, { recursive: true });
    const { segment, chain } = createSegment(options, start);
    const journal = new JournalWriter(options, segment);
    journal.#unsynced.push(segment);
    return { journal, chain };
  }

  get segmentNumber(): number {
    return this.#segment.number;
  }

  /** Number of bytes of frames that were written since this writer was opened. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Offset of the end of the last frame in the current segment. */
  get offset(): number {
    return this.#segment.written;
  }

  /** Number of bytes of entries that still fit into this segment. */
  get roomBytes(): number {
    return this.#segmentBytes - this.#segment.written - overheadBytes;
  }

  /**
   * Makes sure that `bytes` of entries, and `reserve` more bytes after them, can be written without meeting a full disk. Throws GatewayError `cannot_record` if
   * there is no space; then no record has been written.
   */
  ensure(bytes: number, reserve: number): void {
    const segment = this.#segment;
    const wanted = Math.min(segment.written + bytes + overheadBytes + reserve, this.#segmentBytes);
    if (segment.prepared < wanted) {
      writeZeros(segment, wanted, Math.min(wanted + prepareBytes, this.#segmentBytes));
    }
  }

  /**
   * Checks that all segments exist under their names, and that the current one is the open file, in its full length. Throws GatewayError `store_damaged`, which
   * names what is missing or was replaced, and errors of the system.
   */
  checkInPlace(): void {
    const { number, fd, written } = this.#segment;
    const file = join(this.#options.directory, segmentName(number));
    const opened = fstatSync(fd, { bigint: true });
    requireSame(file, opened, statSync(file, { bigint: true, throwIfNoEntry: false }));
    if (opened.size < written) {
      throw new GatewayError('store_damaged', `${file} was cut short while the gateway ran.`);
    }
    const { mtimeNs } = statSync(this.#options.directory, { bigint: true });
    if (mtimeNs !== this.#listedNs) {
      const there = listSegmentsSync(dirname(this.#options.directory)).length;
      if (there !== number) {
        throw new GatewayError('store_damaged', `The journal had ${countOf(number, 'segment')} and now has ${there}, while the gateway runs.`);
      }
      this.#listedNs = mtimeNs;
    }
  }

  /** Appends bytes for which `ensure` made space. Throws errors of the system; the caller must then end the process. */
  append(bytes: Uint8Array): void {
    const segment = this.#segment;
    let done = 0;
    while (done < bytes.length) {
      done += writeSync(segment.fd, bytes, done, bytes.length - done, segment.written + done);
    }
    segment.written += bytes.length;
    this.#bytesWritten += bytes.length;
    if (this.#unsynced.at(-1) !== segment) {
      this.#unsynced.push(segment);
    }
  }

  /** Ends the current segment and begins the next; returns the chain value after its header. The next `sync` syncs and closes the old one. Throws GatewayError `cannot_record`. */
  roll(start: Omit<SegmentStart, 'number'>): Uint8Array {
    const old = this.#segment;
    const { segment, chain } = createSegment(this.#options, { ...start, number: old.number + 1 });
    ftruncateSync(old.fd, old.written);
    this.#segment = segment;
    if (!this.#unsynced.includes(old)) {
      this.#unsynced.push(old);
    }
    this.#unsynced.push(segment);
    return chain;
  }

  /** Resolves when all bytes that were appended before the call are on stable storage, with the place in the journal up to which they are. */
  async sync(): Promise<{ readonly segment: number; readonly offset: number }> {
    this.#syncing = this.#unsynced;
    const current = this.#segment;
    const offset = current.written;
    this.#unsynced = [];
    for (let segment = this.#syncing[0]; segment !== undefined; segment = this.#syncing[0]) {
      await fdatasyncAsync(segment.fd);
      // A segment that ends after this sync began is closed by the next sync.
      if (segment !== current) {
        closeSync(segment.fd);
      }
      this.#syncing.shift();
    }
    return { segment: current.number, offset };
  }

  /** Brings all bytes that were appended before the call to stable storage, while the thread waits. Throws errors of the system; the caller must then end the process. */
  syncNow(): void {
    for (const { fd } of [...this.#syncing, ...this.#unsynced]) {
      fdatasyncSync(fd);
    }
  }

  /** Cuts off the zeros, syncs and closes the journal. */
  async close(): Promise<void> {
    ftruncateSync(this.#segment.fd, this.#segment.written);
    if (!this.#unsynced.includes(this.#segment)) {
      this.#unsynced.push(this.#segment);
    }
    await this.sync();
    closeSync(this.#segment.fd);
  }
}

export interface SegmentStart {
  readonly number: number;
  readonly firstIndex: number;
  readonly chainBefore: Uint8Array;
  readonly timeMs: number;
}

function createSegment(options: JournalOptions, start: SegmentStart): { segment: Segment; chain: Uint8Array } {
  const header = encodeSegmentHeader({
    gatewayId: options.gatewayId,
    segment: start.number,
    firstIndex: start.firstIndex,
    createdMs: start.timeMs,
    epoch: options.epoch,
    chainBefore: start.chainBefore,
  });
  const file = join(options.directory, segmentName(start.number));
  let fd: number | undefined;
  try {
    // An existing file is never overwritten, because a segment is evidence.
    fd = openSync(file, 'wx', 0o600);
    const segment: Segment = { number: start.number, fd, written: 0, prepared: 0 };
    writeZeros(segment, segmentHeaderBytes, prepareBytes);
    writeSync(fd, header, 0, header.length, 0);
    segment.written = segmentHeaderBytes;
    syncDirectory(options.directory);
    return { segment, chain: header.subarray(header.length - start.chainBefore.length) };
  } catch (cause) {
    if (fd !== undefined) {
      closeSync(fd);
      rmSync(file);
    }
    throw cannotRecord(cause);
  }
}

/** Writes zeros ahead, up to the offset `to`. Throws GatewayError `cannot_record` if they do not reach the offset `least`. */
function writeZeros(segment: Segment, least: number, to: number): void {
  while (segment.prepared < to) {
    try {
      segment.prepared += writeSync(segment.fd, zeros, 0, Math.min(to - segment.prepared, zeros.length), segment.prepared);
    } catch (cause) {
      if (segment.prepared >= least) {
        return;
      }
      throw cannotRecord(cause);
    }
  }
}

function cannotRecord(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) {
    return cause;
  }
  const full = cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');
  return new GatewayError(
    'cannot_record',
    full
      ? 'There is no space left for the record, so nothing is let through. Free space where the data directory is.'
      : 'The record cannot be written, so nothing is let through. The gateway log says why.',
    { cause },
  );
}
