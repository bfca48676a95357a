/** Reads a segment frame by frame in windows of bounded size, and checks form and chain of each frame. */
import { sha256Into } from './crypto.ts';
import {
  decodeEntryHeader,
  decodeFrameHeader,
  decodeSegmentHeader,
  entryHeaderBytes,
  frameBytes,
  frameHeaderBytes,
  frameMagic,
  measureEntry,
  paddedBytes,
  segmentBytesMax,
  segmentChainHolds,
  segmentHeaderBytes,
  type EntryHeader,
  type FrameHeader,
  type SegmentHeader,
} from './journal.ts';
import { hashBytes, leafBytes } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { equalBytes } from './proof.ts';

const windowBytes = 4 * 1024 * 1024;
/** Number of bytes after the last frame that are searched in one turn. Between two turns the event loop can do other work. */
const searchedBytes = 256 * 1024;

/** The file of a segment, or bytes that take its place. */
export interface SegmentSource {
  readonly bytes: number;
  /** Reads exactly `length` bytes at `offset`. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A frame whose form and chain value hold. Its byte arrays are views that stay valid; each keeps a window of 4 MiB in memory. */
export interface Frame {
  readonly header: FrameHeader;
  /** Offset in the segment. */
  readonly offset: number;
  readonly end: number;
  /** The body without padding. */
  readonly body: Uint8Array;
  /** The chain value before the frame. */
  readonly chainBefore: Uint8Array;
  readonly chain: Uint8Array;
}

/**
 * How the frames of a segment end. `clean`: the file ends after them. `zeros`: only zeros follow. `cut`: the file ends within what may be a frame. `damaged`:
 * other bytes follow that are no frame.
 */
export interface SegmentEnd {
  readonly state: 'clean' | 'zeros' | 'cut' | 'damaged';
  readonly offset: number;
  readonly what: string;
}

/** One entry of a batch. All byte arrays are views into the frame. */
export interface Entry {
  readonly header: EntryHeader;
  readonly leaf: Uint8Array;
  readonly storedMeta: Uint8Array;
  readonly storedContent: Uint8Array;
}

/** Yields the entries of a batch. Throws `MalformedError` if the body does not hold exactly as many entries as its header says. */
export function* frameEntries(frame: Frame): Generator<Entry> {
  const view = viewOf(frame.body);
  for (const at of entryPlaces(frame)) {
    yield entryAt(frame.body, view, at);
  }
}

/**
 * Returns the offsets in the body of a batch at which its entries begin, for readers that need only few entries. Throws `MalformedError` as `frameEntries`
 * does.
 */
export function entryPlaces({ header, body }: Frame): readonly number[] {
  const view = viewOf(body);
  const places: number[] = [];
  let at = 0;
  for (let i = 0; i < header.entries; i++) {
    const bytes = measureEntry(view, at, body.length);
    if (bytes < 0) {
      throw new MalformedError('malformed entry in a batch');
    }
    places.push(at);
    at += bytes;
  }
  if (at !== body.length) {
    throw new MalformedError('bytes behind the last entry of a batch');
  }
  return places;
}

/** Returns the entry at one of these offsets. `view` must cover the whole body. */
export function entryAt(body: Uint8Array, view: DataView, at: number): Entry {
  const header = decodeEntryHeader(view, at, body.length);
  if (header === undefined) {
    throw new MalformedError('malformed entry in a batch');
  }
  const metaAt = at + entryHeaderBytes;
  const contentAt = metaAt + header.meta.bytes;
  return {
    header,
    leaf: body.subarray(at, at + leafBytes),
    storedMeta: body.subarray(metaAt, contentAt),
    storedContent: body.subarray(contentAt, contentAt + header.content.bytes),
  };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

export class SegmentReader {
  readonly header: SegmentHeader;
  readonly #source: SegmentSource;
  /** The bytes from `#windowStart` on. Frames are taken from it together with the chain value before them. */
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;
  #offset: number;
  /** The number of bytes from `#offset` on that the next step needs. */
  #wanted = frameHeaderBytes;
  readonly #chain = new Uint8Array(hashBytes);

  private constructor(source: SegmentSource, header: SegmentHeader, offset: number) {
    this.#source = source;
    this.header = header;
    this.#offset = offset;
  }

  /**
   * Reads from the frame at `offset` on, by default from the first. Rejects with `MalformedError` if the file is too long, or if its header is malformed or
   * does not match its chain value.
   */
  static async open(source: SegmentSource, offset: number = segmentHeaderBytes): Promise<SegmentReader> {
    if (source.bytes > segmentBytesMax) {
      throw new MalformedError('segment too long');
    }
    const bytes = await source.read(0, Math.min(source.bytes, segmentHeaderBytes));
    const header = decodeSegmentHeader(bytes);
    if (!segmentChainHolds(bytes)) {
      throw new MalformedError('the header of the segment does not have its chain value');
    }
    return new SegmentReader(source, header, offset);
  }

  /** Returns the next frame, or the end of the frames; undefined if `fill` must be awaited first. */
  next(): Frame | SegmentEnd | undefined {
    const rest = this.#source.bytes - this.#offset;
    if (rest === 0) {
      return { state: 'clean', offset: this.#offset, what: 'ends at its last frame' };
    }
    if (rest < frameHeaderBytes + hashBytes) {
      return this.#stop('cut', 'the file ends within a frame');
    }
    const at = this.#offset - this.#windowStart;
    if (this.#window.length - at < this.#wanted) {
      return undefined;
    }
    const view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.byteLength);
    const header = decodeFrameHeader(view, at);
    if (header === undefined || header.durable > this.#offset) {
      return this.#stop('damaged', 'not a frame');
    }
    const bytes = frameBytes(header.bodyBytes);
    if (bytes > rest) {
      return this.#stop('cut', 'the file ends within a frame');
    }
    if (this.#window.length - at < bytes) {
      this.#wanted = bytes;
      return undefined;
    }
    return this.#take(header, at, bytes);
  }

  /** Reads more bytes. */
  async fill(): Promise<void> {
    this.#windowStart = this.#offset - hashBytes;
    const available = this.#source.bytes - this.#windowStart;
    const length = Math.min(available, Math.max(windowBytes, hashBytes + this.#wanted));
    const bytes = await this.#source.read(this.#windowStart, length);
    // Views of a Buffer, which a source may return, cost several times as much as these.
    this.#window = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length !== length) {
      throw new Error('a segment file became shorter while it was read');
    }
  }

  /** Finds out whether zeros or damage follow the last frame. `end` is the end that `next` returned. */
  async settle(end: SegmentEnd): Promise<SegmentEnd> {
    if (end.state === 'clean') {
      return end;
    }
    for (let at = end.offset; at < this.#source.bytes; at += searchedBytes) {
      if (!isZeros(await this.#source.read(at, Math.min(searchedBytes, this.#source.bytes - at)))) {
        return end;
      }
    }
    return { state: 'zeros', offset: end.offset, what: 'only zeros follow' };
  }

  /**
   * Returns the highest durable offset that any frame after `end` names; -1 if there is no frame. With it, a flipped byte in the middle cannot pass for a torn
   * tail or for a file that was cut short.
   */
  async durableBehind(end: SegmentEnd): Promise<number> {
    let durable = -1;
    for await (const header of this.#framesBehind(end)) {
      durable = Math.max(durable, header.durable);
    }
    return durable;
  }

  /** Returns the offset of the first frame after `end`; null if there is none. */
  async frameBehind(end: SegmentEnd): Promise<number | null> {
    for await (const { offset } of this.#framesBehind(end)) {
      return offset;
    }
    return null;
  }

  /** Finds frames after damage. A frame is recognised by its chain value, which depends only on the frame and the 32 bytes before it. */
  async *#framesBehind(end: SegmentEnd): AsyncGenerator<{ readonly offset: number; readonly durable: number }, void> {
    const { bytes: length } = this.#source;
    for (let start = end.offset + hashBytes; start + frameHeaderBytes + hashBytes <= length; start += searchedBytes) {
      const bytes = await this.#source.read(start, Math.min(searchedBytes + frameHeaderBytes, length - start));
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = 0; at < searchedBytes && at + frameHeaderBytes <= bytes.length; at += 8) {
        const header = view.getUint32(at) === frameMagic ? decodeFrameHeader(view, at) : undefined;
        const offset = start + at;
        if (header !== undefined && header.durable <= offset && (await this.#hasChain(header, offset))) {
          yield { offset, durable: header.durable };
        }
      }
    }
  }

  async #hasChain(header: FrameHeader, offset: number): Promise<boolean> {
    const chainAt = offset + frameHeaderBytes + paddedBytes(header.bodyBytes);
    if (chainAt + hashBytes > this.#source.bytes) {
      return false;
    }
    const bytes = await this.#source.read(offset - hashBytes, chainAt - offset + 2 * hashBytes);
    sha256Into(bytes.subarray(0, -hashBytes), this.#chain, 0);
    return equalBytes(this.#chain, bytes.subarray(-hashBytes));
  }

  #take(header: FrameHeader, at: number, bytes: number): Frame | SegmentEnd {
    const window = this.#window;
    const chainAt = at + bytes - hashBytes;
    const bodyAt = at + frameHeaderBytes;
    const bodyEnd = bodyAt + header.bodyBytes;
    // The previous chain value lies just before the frame, so the input of the hash is one range of bytes.
    sha256Into(window.subarray(at - hashBytes, chainAt), this.#chain, 0);
    const chain = window.subarray(chainAt, chainAt + hashBytes);
    if (!equalBytes(this.#chain, chain)) {
      return this.#stop('damaged', 'a frame does not have its chain value');
    }
    for (let i = bodyEnd; i < chainAt; i++) {
      if (window[i] !== 0) {
        return this.#stop('damaged', 'a frame is not padded with zeros');
      }
    }
    const offset = this.#offset;
    this.#offset = offset + bytes;
    this.#wanted = frameHeaderBytes;
    return {
      header,
      offset,
      end: this.#offset,
      body: window.subarray(bodyAt, bodyEnd),
      chainBefore: window.subarray(at - hashBytes, at),
      chain,
    };
  }

  #stop(state: 'cut' | 'damaged', what: string): SegmentEnd {
    return { state, offset: this.#offset, what };
  }
}

function isZeros(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0) {
      return false;
    }
  }
  return true;
}

export function isFrame(step: Frame | SegmentEnd): step is Frame {
  return 'body' in step;
}

/** Yields the frames of a segment and returns how they end. The caller judges the end, because the judgement depends on which segment it is. */
export async function* readFrames(reader: SegmentReader): AsyncGenerator<Frame, SegmentEnd> {
  for (;;) {
    const step = reader.next();
    if (step === undefined) {
      await reader.fill();
    } else if (isFrame(step)) {
      yield step;
    } else {
      return reader.settle(step);
    }
  }
}
