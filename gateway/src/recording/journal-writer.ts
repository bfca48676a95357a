import { closeSync, fdatasync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeSegmentHeader, parseSegmentName, segmentBytesMax, segmentHeaderBytes, segmentName } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { requireSame } from './own-files.ts';

const fdatasyncAsync = promisify(fdatasync);

/** Zeros are written this far ahead of the records, so that a full disk is met before a record is made and not after. */
const prepareBytes = 512 * 1024;
const zeros = Buffer.alloc(prepareBytes);
/** What one commit may need besides its entries: frame header, padding, chain, a checkpoint frame, a segment header. */
const overheadBytes = 4096;

export interface JournalPlace {
  readonly directory: string;
  readonly gatewayId: string;
  readonly epoch: number;
  readonly segmentBytes?: number;
}

interface Segment {
  readonly number: number;
  readonly fd: number;
  written: number;
  /** Zeros are on file up to here. */
  prepared: number;
}

/**
 * The segment files: writes at the end of the newest one, in order, synchronously into the page cache. Who calls must have asked
 * `ensure` for the space; then a failing write has an unknown result and is fatal (`onFatal` does not return to traffic).
 */
export class JournalWriter {
  readonly #place: JournalPlace;
  readonly #segmentBytes: number;
  #segment: Segment;
  /** Segments that hold bytes not known to be on stable storage, the current one last. */
  #unsynced: Segment[] = [];
  #bytesWritten = 0;
  /** When the directory last had all its names. */
  #listedNs = 0n;

  private constructor(place: JournalPlace, segment: Segment) {
    this.#place = place;
    this.#segmentBytes = place.segmentBytes ?? segmentBytesMax;
    this.#segment = segment;
  }

  /** Begins a new segment. Errors: `cannot_record`. */
  static open(place: JournalPlace, start: SegmentStart): { readonly journal: JournalWriter; readonly chain: Uint8Array } {
    mkdirSync(place.directory, { recursive: true });
    const { segment, chain } = createSegment(place, start);
    const journal = new JournalWriter(place, segment);
    journal.#unsynced.push(segment);
    return { journal, chain };
  }

  get segmentNumber(): number {
    return this.#segment.number;
  }

  /** Frames, since this writer was opened. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** End of the last frame in the current segment. */
  get offset(): number {
    return this.#segment.written;
  }

  /** How many bytes of entries still fit this segment. */
  get roomBytes(): number {
    return this.#segmentBytes - this.#segment.written - overheadBytes;
  }

  /**
   * Makes sure that `bytes` of entries can be written without meeting a full disk, and `reserve` more after them. Errors: `cannot_record` when
   * there is no space; nothing has been written then.
   */
  ensure(bytes: number, reserve: number): void {
    const segment = this.#segment;
    const wanted = Math.min(segment.written + bytes + overheadBytes + reserve, this.#segmentBytes);
    while (segment.prepared < wanted) {
      segment.prepared += writeZeros(segment, this.#segmentBytes - segment.prepared);
    }
  }

  /**
   * The segments are there by their names, and the one that is written is the file that is open, whole. Errors: `store_damaged` with what is gone or another one;
   * what the system said.
   */
  checkInPlace(): void {
    const { number, fd, written } = this.#segment;
    const file = join(this.#place.directory, segmentName(number));
    const opened = fstatSync(fd, { bigint: true });
    requireSame(file, opened, statSync(file, { bigint: true, throwIfNoEntry: false }));
    if (opened.size < written) {
      throw new GatewayError('store_damaged', `${file} was cut short while the gateway ran.`);
    }
    const { mtimeNs } = statSync(this.#place.directory, { bigint: true });
    if (mtimeNs !== this.#listedNs) {
      const there = readdirSync(this.#place.directory).filter((name) => parseSegmentName(name) !== undefined).length;
      if (there !== number) {
        throw new GatewayError('store_damaged', `The journal had ${number} segments and holds ${there} while the gateway runs.`);
      }
      this.#listedNs = mtimeNs;
    }
  }

  /** Appends bytes for which `ensure` vouched. Throws what the system said; the caller ends the process. */
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

  /** Ends the current segment and begins the next. The old one is synced and closed by the next `sync`. Errors: `cannot_record`. */
  roll(start: Omit<SegmentStart, 'number'>): Uint8Array {
    const old = this.#segment;
    const { segment, chain } = createSegment(this.#place, { ...start, number: old.number + 1 });
    ftruncateSync(old.fd, old.written);
    this.#segment = segment;
    if (!this.#unsynced.includes(old)) {
      this.#unsynced.push(old);
    }
    this.#unsynced.push(segment);
    return chain;
  }

  /** Resolves when all that was appended before the call is on stable storage; with the offset in the current segment that is. */
  async sync(): Promise<{ readonly segment: number; readonly offset: number }> {
    const unsynced = this.#unsynced;
    const current = this.#segment;
    const offset = current.written;
    this.#unsynced = [];
    for (const segment of unsynced) {
      await fdatasyncAsync(segment.fd);
      // A segment that ended after this sync began is closed by the one that follows it.
      if (segment !== current) {
        closeSync(segment.fd);
      }
    }
    return { segment: current.number, offset };
  }

  /** Cuts the zeros off and closes. */
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

function createSegment(place: JournalPlace, start: SegmentStart): { segment: Segment; chain: Uint8Array } {
  const header = encodeSegmentHeader({
    gatewayId: place.gatewayId,
    segment: start.number,
    firstIndex: start.firstIndex,
    createdMs: start.timeMs,
    epoch: place.epoch,
    chainBefore: start.chainBefore,
  });
  const file = join(place.directory, segmentName(start.number));
  let fd: number | undefined;
  try {
    // Never over a file that is there: an existing segment is evidence.
    fd = openSync(file, 'wx', 0o600);
    const segment: Segment = { number: start.number, fd, written: 0, prepared: 0 };
    segment.prepared = writeZeros(segment, prepareBytes);
    writeSync(fd, header, 0, header.length, 0);
    segment.written = segmentHeaderBytes;
    syncDirectory(place.directory);
    return { segment, chain: header.subarray(header.length - start.chainBefore.length) };
  } catch (cause) {
    if (fd !== undefined) {
      closeSync(fd);
      rmSync(file);
    }
    throw cannotRecord(cause);
  }
}

function writeZeros(segment: Segment, length: number): number {
  try {
    return writeSync(segment.fd, zeros, 0, Math.min(length, zeros.length), segment.prepared);
  } catch (cause) {
    throw cannotRecord(cause);
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

/** A new file name is durable only with its directory. */
function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
