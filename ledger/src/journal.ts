/** The layout of the journal: segment header, frame header, entry header. Normative: docs/formats/journal.md. */
import { sha256 } from './crypto.ts';
import { decodeHex, encodeHex } from './hex.ts';
import { gatewayIdBytes, hashBytes, leafBytes, readUint53, writeUint53 } from './leaf.ts';
import { MalformedError } from './malformed.ts';

export const segmentBytesMax = 64 * 1024 * 1024;
export const frameBodyBytesMax = 16 * 1024 * 1024;

export const segmentHeaderBytes = 128;
const segmentMagic: Uint8Array = new TextEncoder().encode('CSSEGv1\n');
const segmentOffsets = {
  magic: 0,
  gatewayId: 8,
  segment: 16,
  firstIndex: 24,
  createdMs: 32,
  epoch: 40,
  zeros: 44,
  chainBefore: 64,
  chain: 96,
} as const;

export const frameHeaderBytes = 32;
const frameAlignmentBytes = 8;
/** "CSJF" as a big-endian number. */
export const frameMagic = 0x43534a46;
export const frameTypes = { batch: 1, checkpoint: 2 } as const;
type FrameType = keyof typeof frameTypes;
export const frameOffsets = {
  magic: 0,
  type: 4,
  zeros: 5,
  bodyBytes: 8,
  entries: 12,
  index: 16,
  durable: 24,
  body: 32,
} as const;

/** Number of bytes of a leaf and the two body headers. */
export const entryHeaderBytes = 196;
export const entryOffsets = {
  leaf: 0,
  meta: leafBytes,
  content: leafBytes + 16,
  bodies: 196,
} as const;
/** Offsets within the 16 bytes of a body's header. */
export const bodyOffsets = { bytes: 0, stream: 4, encoding: 5, zeros: 6, position: 8 } as const;
export const bodyStreams = { none: 0, meta: 1, content: 2 } as const;
/** Bits, which can be combined: a body can be spliced and then compressed. */
export const bodyEncodings = { plain: 0, zstd: 1, spliced: 2 } as const;
const bodyEncodingMax = bodyEncodings.zstd | bodyEncodings.spliced;
export const streamAlignmentBytes = 16;
/** Bodies of a session are sealed with the secrets of this many announcements at most, the newest. */
export const announcedMax = 64;

/** A segment to which nothing more is added. */
export interface SegmentSummary {
  readonly segment: number;
  readonly bytes: number;
  /** Log index of its first leaf. */
  readonly first: number;
  readonly records: number;
  /** The chain value at its end. */
  readonly chain: Uint8Array;
}

export interface SegmentHeader {
  /** 16 hex digits. */
  readonly gatewayId: string;
  /** The number of the segment. The first is 1. */
  readonly segment: number;
  /** Log index of the first leaf in the segment. */
  readonly firstIndex: number;
  readonly createdMs: number;
  readonly epoch: number;
  /** The chain value at the end of the segment before; zeros in segment 1. */
  readonly chainBefore: Uint8Array;
  /** The chain value after the header. */
  readonly chain: Uint8Array;
}

export interface FrameHeader {
  readonly type: FrameType;
  /** Number of bytes of the body without padding. */
  readonly bodyBytes: number;
  /** Number of entries in a batch; 0 in a checkpoint. */
  readonly entries: number;
  /** In a batch the log index of its first leaf; in a checkpoint the size of the log. */
  readonly index: number;
  /** Offset in the segment up to which all bytes were known to be on stable storage. */
  readonly durable: number;
}

/** The length of a stored body, and how it was sealed. */
export interface StoredBody {
  readonly bytes: number;
  readonly stream: number;
  readonly encoding: number;
  readonly position: number;
}

export interface EntryHeader {
  readonly meta: StoredBody;
  readonly content: StoredBody;
}

/** `000000000001.segment`. */
export function segmentName(segment: number): string {
  return `${String(segment).padStart(12, '0')}.segment`;
}

/** Returns the number in a segment's file name; undefined for any other name. */
export function parseSegmentName(name: string): number | undefined {
  const [, digits] = /^([0-9]{12})\.segment$/.exec(name) ?? [];
  return digits === undefined || Number(digits) === 0 ? undefined : Number(digits);
}

/** Encodes a segment header. `chain` is not given, because it is computed. */
export function encodeSegmentHeader(header: Omit<SegmentHeader, 'chain'>): Uint8Array {
  const bytes = new Uint8Array(segmentHeaderBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(segmentMagic);
  bytes.set(decodeHex(header.gatewayId, gatewayIdBytes), segmentOffsets.gatewayId);
  writeUint53(view, segmentOffsets.segment, header.segment);
  writeUint53(view, segmentOffsets.firstIndex, header.firstIndex);
  writeUint53(view, segmentOffsets.createdMs, header.createdMs);
  view.setUint32(segmentOffsets.epoch, header.epoch);
  bytes.set(header.chainBefore, segmentOffsets.chainBefore);
  bytes.set(sha256(bytes.subarray(0, segmentOffsets.chain)), segmentOffsets.chain);
  return bytes;
}

/** True if the chain value of a segment header is that of its bytes. */
export function segmentChainHolds(bytes: Uint8Array): boolean {
  const chain = sha256(bytes.subarray(0, segmentOffsets.chain));
  return chain.every((byte, i) => byte === bytes[segmentOffsets.chain + i]);
}

/** Decodes the first 128 bytes of a segment. It does not check the chain value; `segmentChainHolds` does. Throws `MalformedError`. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader {
  if (bytes.length < segmentHeaderBytes) {
    throw new MalformedError('segment without a whole header');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = {
    gatewayId: encodeHex(bytes.subarray(segmentOffsets.gatewayId, segmentOffsets.segment)),
    segment: readUint53(view, segmentOffsets.segment),
    firstIndex: readUint53(view, segmentOffsets.firstIndex),
    createdMs: readUint53(view, segmentOffsets.createdMs),
    epoch: view.getUint32(segmentOffsets.epoch),
    chainBefore: new Uint8Array(bytes.subarray(segmentOffsets.chainBefore, segmentOffsets.chain)),
    chain: new Uint8Array(bytes.subarray(segmentOffsets.chain, segmentHeaderBytes)),
  };
  const magic = segmentMagic.every((byte, i) => byte === bytes[i]);
  const zeros = bytes.subarray(segmentOffsets.zeros, segmentOffsets.chainBefore).every((byte) => byte === 0);
  const numbers = [header.segment, header.firstIndex, header.createdMs].every(Number.isSafeInteger);
  if (!magic || !zeros || !numbers || header.segment === 0 || header.epoch === 0) {
    throw new MalformedError('not the header of a segment');
  }
  return header;
}

/** Number of bytes of a body with its padding. */
export function paddedBytes(bodyBytes: number): number {
  return Math.ceil(bodyBytes / frameAlignmentBytes) * frameAlignmentBytes;
}

/** Number of bytes of a whole frame: header, padded body and chain value. */
export function frameBytes(bodyBytes: number): number {
  return frameHeaderBytes + paddedBytes(bodyBytes) + hashBytes;
}

/** Writes all 32 bytes of a frame's header at `offset`, whatever was there. */
export function encodeFrameHeader(header: FrameHeader, target: Uint8Array, offset: number): void {
  const view = new DataView(target.buffer, target.byteOffset + offset, frameHeaderBytes);
  view.setUint32(frameOffsets.magic, frameMagic);
  view.setUint32(frameOffsets.type, frameTypes[header.type] << 24);
  view.setUint32(frameOffsets.bodyBytes, header.bodyBytes);
  view.setUint32(frameOffsets.entries, header.entries);
  writeUint53(view, frameOffsets.index, header.index);
  writeUint53(view, frameOffsets.durable, header.durable);
}

/** Decodes the 32 bytes at `offset` as a frame's header; undefined if they are none. Every length in the result is within its limit. */
export function decodeFrameHeader(view: DataView, offset: number): FrameHeader | undefined {
  const typeWord = view.getUint32(offset + frameOffsets.type);
  const batch = typeWord === frameTypes.batch << 24;
  const checkpoint = typeWord === frameTypes.checkpoint << 24;
  const bodyBytes = view.getUint32(offset + frameOffsets.bodyBytes);
  const entries = view.getUint32(offset + frameOffsets.entries);
  const index = readUint53(view, offset + frameOffsets.index);
  const durable = readUint53(view, offset + frameOffsets.durable);
  if (
    view.getUint32(offset + frameOffsets.magic) !== frameMagic ||
    (!batch && !checkpoint) ||
    bodyBytes === 0 ||
    bodyBytes > frameBodyBytesMax ||
    (batch && entries === 0) ||
    (checkpoint && entries !== 0) ||
    entries * entryHeaderBytes > bodyBytes ||
    Number.isNaN(index) ||
    Number.isNaN(durable)
  ) {
    return undefined;
  }
  return { type: batch ? 'batch' : 'checkpoint', bodyBytes, entries, index, durable };
}

function encodeStoredBody(body: StoredBody, view: DataView): void {
  view.setUint32(bodyOffsets.bytes, body.bytes);
  view.setUint32(bodyOffsets.stream, ((body.stream << 8) | body.encoding) << 16);
  writeUint53(view, bodyOffsets.position, body.position);
}

/** Writes the two body headers of the entry at `offset`, after its leaf. */
export function encodeEntryHeader(header: EntryHeader, target: Uint8Array, offset: number): void {
  const start = target.byteOffset + offset;
  encodeStoredBody(header.meta, new DataView(target.buffer, start + entryOffsets.meta, 16));
  encodeStoredBody(header.content, new DataView(target.buffer, start + entryOffsets.content, 16));
}

function isStoredBody(view: DataView, offset: number): boolean {
  const stream = view.getUint8(offset + bodyOffsets.stream);
  const encoding = view.getUint8(offset + bodyOffsets.encoding);
  const position = readUint53(view, offset + bodyOffsets.position);
  return (
    stream <= bodyStreams.content &&
    encoding <= bodyEncodingMax &&
    view.getUint16(offset + bodyOffsets.zeros) === 0 &&
    position % streamAlignmentBytes === 0 &&
    (stream !== bodyStreams.none || (position === 0 && encoding === bodyEncodings.plain))
  );
}

/** Returns the length in bytes of the entry at `offset`; −1 if it is malformed or ends after `end`. Allocates nothing. */
export function measureEntry(view: DataView, offset: number, end: number): number {
  const [meta, content] = [offset + entryOffsets.meta, offset + entryOffsets.content];
  if (end - offset < entryHeaderBytes || !isStoredBody(view, meta) || !isStoredBody(view, content)) {
    return -1;
  }
  const bytes = entryHeaderBytes + view.getUint32(meta + bodyOffsets.bytes) + view.getUint32(content + bodyOffsets.bytes);
  return bytes > end - offset ? -1 : bytes;
}

function decodeStoredBody(view: DataView, offset: number): StoredBody {
  return {
    bytes: view.getUint32(offset + bodyOffsets.bytes),
    stream: view.getUint8(offset + bodyOffsets.stream),
    encoding: view.getUint8(offset + bodyOffsets.encoding),
    position: readUint53(view, offset + bodyOffsets.position),
  };
}

/** Decodes the entry at `offset`; undefined if it is malformed or ends after `end`. */
export function decodeEntryHeader(view: DataView, offset: number, end: number): EntryHeader | undefined {
  if (measureEntry(view, offset, end) < 0) {
    return undefined;
  }
  return { meta: decodeStoredBody(view, offset + entryOffsets.meta), content: decodeStoredBody(view, offset + entryOffsets.content) };
}
