/** Reads a segment frame by frame in bounded windows, checking form and chain as it goes. */
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
/** Looked through at once, behind the last frame: whoever reads for others may have other work between two of them. */
const searchedBytes = 256 * 1024;

/** A segment file, or bytes standing for one. */
export interface SegmentSource {
  readonly bytes: number;
  /** Exactly `length` bytes at `offset`. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A frame whose form and chain value hold. Its byte arrays are views that stay valid, and keep a window of 4 MiB alive. */
export interface Frame {
  readonly header: FrameHeader;
  /** In the segment. */
  readonly offset: number;
  readonly end: number;
  /** Without padding. */
  readonly body: Uint8Array;
  /** The chain value before the frame. */
  readonly chainBefore: Uint8Array;
  readonly chain: Uint8Array;
}

/**
 * The end of a segment's frames. `clean`: they end with the file. `zeros`: only zeros follow. `cut`: the file ends within what may be a frame.
 * `damaged`: other bytes follow, which are no frame.
 */
export interface SegmentEnd {
  readonly state: 'clean' | 'zeros' | 'cut' | 'damaged';
  readonly offset: number;
  readonly what: string;
}

/** One entry of a batch, all byte arrays views into the frame. */
export interface Entry {
  readonly header: EntryHeader;
  readonly leaf: Uint8Array;
  readonly storedMeta: Uint8Array;
  readonly storedContent: Uint8Array;
}

/** The entries of a batch. Throws `MalformedError` for a body that is not exactly as many entries as its header says. */
export function* frameEntries(frame: Frame): Generator<Entry> {
  const view = viewOf(frame.body);
  for (const at of entryPlaces(frame)) {
    yield entryAt(frame.body, view, at);
  }
}

/** The offsets in the body of a batch at which its entries begin, for readers that need few entries whole. Throws as `frameEntries` does. */
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

/** The entry at one of the places of a batch's body; `view` is of the whole body. */
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
  /** The bytes from `#windowStart` on; a frame is taken from it with the chain value before it. */
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
   * Reads from the frame at `offset` on, by default the first. Throws `MalformedError` for a file that is too long or whose header is none
   * or does not have its chain value.
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

  /** The frame at the reader's position, the end, or undefined when `fill` must be awaited first. */
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

  /** Reads on. */
  async fill(): Promise<void> {
    this.#windowStart = this.#offset - hashBytes;
    const available = this.#source.bytes - this.#windowStart;
    const length = Math.min(available, Math.max(windowBytes, hashBytes + this.#wanted));
    const bytes = await this.#source.read(this.#windowStart, length);
    // Views of a Buffer, which a source may well return, cost several times as much as these.
    this.#window = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length !== length) {
      throw new Error('a segment file became shorter while it was read');
    }
  }

  /** Tells zeros from damage behind the last frame; call with the end that `next` returned. */
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

  /** The highest durable offset that any frame behind `end` names, -1 when there is none: a flipped byte in the middle passes neither for a torn tail nor for a file cut short. */
  async durableBehind(end: SegmentEnd): Promise<number> {
    let durable = -1;
    for await (const header of this.#framesBehind(end)) {
      durable = Math.max(durable, header.durable);
    }
    return durable;
  }

  /** The offset of the first frame behind `end`; null when there is none. */
  async frameBehind(end: SegmentEnd): Promise<number | null> {
    for await (const { offset } of this.#framesBehind(end)) {
      return offset;
    }
    return null;
  }

  /** A frame behind damage is recognised by its own chain value, which follows from the 32 bytes before it. */
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
    // The previous chain value lies just before the frame, so the input of the hash is one run of bytes.
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

/** The frames of a segment; the return value says how they end. The caller judges the end, for it depends on which segment it is. */
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
