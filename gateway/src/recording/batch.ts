import { constants, zstdCompressSync } from 'node:zlib';
import { sha256Into } from '@countersign/ledger/crypto.ts';
import { bodyOffsets, entryHeaderBytes, entryOffsets, frameHeaderBytes, frameMagic, frameOffsets, frameTypes } from '@countersign/ledger/journal.ts';
import {
  bodySlots,
  hashBytes,
  leafFlags,
  leafHashInto,
  leafKinds,
  leafOffsets,
  saltBytes,
  writeUint53,
  type BodySlot,
  type LeafKind,
} from '@countersign/ledger/leaf.ts';
import { drawnBodyBytesMax, type Keystream } from './keystream.ts';
import { noClass, standardClass } from './retention.ts';

/** Where a session stands in the log; owned by the recorder, advanced by `Batch.add`. */
export interface SessionTrack {
  /** 32 hex digits. */
  readonly id: string;
  readonly idBytes: Uint8Array;
  /** Of the next record. */
  seq: number;
  /** Hash of the session's last leaf. */
  readonly previous: Uint8Array;
  /** Null for the sessions of an earlier epoch that are only closed. */
  readonly streams: { readonly meta: Keystream; readonly content: Keystream } | null;
  readonly metaExpiryDay: number;
  readonly contentExpiryDay: number;
  /** How often compression has lately not been worth it; see `compress`. */
  skipCompression: number;
}

export interface EntryDraft {
  readonly kind: LeafKind;
  /** JSON. Clear in governance leaves, sealed in all others. */
  readonly meta: string;
  readonly content: readonly Uint8Array[];
  readonly continues?: boolean;
  /** Seals the content with the facts instead of the content: it is kept as long as they are. */
  readonly contentIsFacts?: boolean;
}

export interface LogPosition {
  readonly gatewayId: Uint8Array;
  readonly epoch: number;
}

/** Content of one record at most: longer content is recorded in parts. */
export const partBytesMax = 1024 * 1024;
export const metaBytesMax = 64 * 1024;

const commitHeadBytes = 26;
const plainAt = commitHeadBytes + saltBytes;
const compressFromBytes = 4096;
/** Compression that saves less than an eighth is not kept, and not tried again for so many bodies. */
const compressionPause = 32;
const bodyStreamOf = { meta: 1, content: 2 } as const;
const clearMetaKinds: ReadonlySet<LeafKind> = new Set<LeafKind>([
  'open',
  'close',
  'resume',
  'access',
  'incident',
  'epoch',
  'heartbeat',
  'seal',
  'key',
  'policy',
  'hold',
  'erasure',
  'reconcile',
]);
const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** The most that an entry can take in the journal. */
export function entryBytesMax(draft: EntryDraft): number {
  let bytes = entryHeaderBytes + draft.meta.length * 3;
  for (const part of draft.content) {
    bytes += part.length;
  }
  return bytes;
}

/**
 * Builds one batch frame in place: chain value before it, frame header, entries, padding, chain value. Reused from batch to batch; the
 * records of one event-loop turn cost one hash of the chain and one write.
 */
export class Batch {
  #buffer: Buffer;
  #view: DataView;
  #end = hashBytes + frameHeaderBytes;
  #entries = 0;
  /** Commitment input: 0x02 or 0x03, slot, session, seq, salt, plaintext. */
  readonly #scratch = Buffer.alloc(plainAt + partBytesMax + 16);
  readonly #scratchView = new DataView(this.#scratch.buffer, this.#scratch.byteOffset, this.#scratch.length);
  readonly #log: LogPosition;

  constructor(log: LogPosition, chain: Uint8Array) {
    this.#log = log;
    this.#buffer = Buffer.alloc(1024 * 1024);
    this.#view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
    this.#buffer.set(chain);
  }

  get entries(): number {
    return this.#entries;
  }

  get bytes(): number {
    return this.#end - hashBytes - frameHeaderBytes;
  }

  /** The chain value before this batch. */
  get chain(): Uint8Array {
    return this.#buffer.subarray(0, hashBytes);
  }

  /** Appends an entry and advances the session. Returns a view of the leaf's hash, valid until the session's next record. */
  add(track: SessionTrack, draft: EntryDraft, logIndex: number, timeMs: number): Uint8Array {
    this.#reserve(entryBytesMax(draft));
    const leafAt = this.#end;
    this.#buffer.fill(0, leafAt, leafAt + entryHeaderBytes);
    this.#end += entryHeaderBytes;
    const clear = clearMetaKinds.has(draft.kind);
    let flags = draft.continues === true ? leafFlags.continues : 0;
    if (clear) {
      flags |= leafFlags.metaClear | leafFlags.hasMeta;
      this.#addClear(leafAt, draft.meta);
    } else if (draft.meta !== '') {
      flags |= leafFlags.hasMeta;
      const length = this.#scratch.write(draft.meta, plainAt);
      this.#addSealed(track, leafAt, { slot: 'meta', stream: 'meta', length });
    }
    const length = this.#gather(draft.content);
    if (length > 0) {
      flags |= leafFlags.hasContent;
      this.#addSealed(track, leafAt, { slot: 'content', stream: draft.contentIsFacts === true ? 'meta' : 'content', length });
    }
    this.#addLeaf(track, leafAt, { kind: draft.kind, flags, logIndex, timeMs, contentIsFacts: draft.contentIsFacts === true });
    leafHashInto(this.#buffer, leafAt, track.previous);
    track.seq += 1;
    this.#entries += 1;
    return track.previous;
  }

  /**
   * Closes the frame. The answer is what goes to the journal and is valid until the next `add`; the batch is empty again and knows the chain value
   * behind it.
   */
  finish(firstIndex: number, durableOffset: number): Uint8Array {
    return this.#finish(frameTypes.batch, firstIndex, durableOffset);
  }

  /** A checkpoint frame; the batch must be empty. */
  checkpoint(note: string, size: number, durableOffset: number): Uint8Array {
    const length = Buffer.byteLength(note);
    this.#reserve(length);
    this.#end += this.#buffer.write(note, this.#end);
    return this.#finish(frameTypes.checkpoint, size, durableOffset);
  }

  /** Goes on behind a segment header. */
  resumeAt(chain: Uint8Array): void {
    this.#buffer.set(chain);
  }

  #finish(type: number, index: number, durableOffset: number): Uint8Array {
    const header = hashBytes;
    const bodyBytes = this.bytes;
    this.#view.setUint32(header + frameOffsets.magic, frameMagic);
    this.#view.setUint32(header + frameOffsets.type, type << 24);
    this.#view.setUint32(header + frameOffsets.bodyBytes, bodyBytes);
    this.#view.setUint32(header + frameOffsets.entries, this.#entries);
    writeUint53(this.#view, header + frameOffsets.index, index);
    writeUint53(this.#view, header + frameOffsets.durable, durableOffset);
    const chainAt = (this.#end + 7) & ~7;
    this.#buffer.fill(0, this.#end, chainAt);
    sha256Into(this.#buffer.subarray(0, chainAt), this.#buffer, chainAt);
    const frame = this.#buffer.subarray(hashBytes, chainAt + hashBytes);
    this.#end = hashBytes + frameHeaderBytes;
    this.#entries = 0;
    return frame;
  }

  /** To call once the finished frame was written: its chain value becomes the one before the next. */
  advance(frame: Uint8Array): void {
    this.#buffer.set(frame.subarray(frame.length - hashBytes));
  }

  #addClear(leafAt: number, meta: string): void {
    const length = this.#scratch.write(meta, 1);
    this.#scratch[0] = 3;
    sha256Into(this.#scratch.subarray(0, 1 + length), this.#buffer, leafAt + leafOffsets.metaCommit);
    this.#view.setUint32(leafAt + entryOffsets.meta + bodyOffsets.bytes, length);
    this.#buffer.set(this.#scratch.subarray(1, 1 + length), this.#end);
    this.#end += length;
  }

  /** Seals the `length` bytes that stand in the scratch behind where the salt goes. */
  #addSealed(track: SessionTrack, leafAt: number, body: { slot: BodySlot; stream: 'meta' | 'content'; length: number }): void {
    const { slot, length } = body;
    const stream = track.streams?.[body.stream];
    if (stream === undefined) {
      throw new Error('a session without secrets can record only clear facts');
    }
    const scratch = this.#scratch;
    const headerAt = leafAt + (slot === 'meta' ? entryOffsets.meta : entryOffsets.content);
    let stored = length;
    let position: number;
    let encoding = 0;
    if (length <= drawnBodyBytesMax) {
      const drawn = stream.draw(length);
      position = drawn.position;
      const { keystream, start } = drawn;
      for (let i = 0; i < saltBytes; i++) {
        scratch[commitHeadBytes + i] = keystream[start + i] ?? 0;
      }
      const mask = start + saltBytes;
      for (let i = 0; i < length; i++) {
        this.#buffer[this.#end + i] = (scratch[plainAt + i] ?? 0) ^ (keystream[mask + i] ?? 0);
      }
    } else {
      const packed = compress(track, scratch.subarray(plainAt, plainAt + length));
      encoding = packed === null ? 0 : 1;
      scratch.fill(0, commitHeadBytes, plainAt);
      const input = packed === null ? scratch.subarray(commitHeadBytes, plainAt + length) : Buffer.concat([scratch.subarray(commitHeadBytes, plainAt), packed]);
      const sealed = stream.encrypt(input);
      position = sealed.position;
      stored = input.length - saltBytes;
      scratch.set(sealed.output.subarray(0, saltBytes), commitHeadBytes);
      this.#buffer.set(sealed.output.subarray(saltBytes), this.#end);
    }
    scratch[0] = 2;
    scratch[1] = bodySlots[slot];
    scratch.set(track.idBytes, 2);
    writeUint53(this.#scratchView, 18, track.seq);
    const commitAt = leafAt + (slot === 'meta' ? leafOffsets.metaCommit : leafOffsets.contentCommit);
    sha256Into(scratch.subarray(0, plainAt + length), this.#buffer, commitAt);
    this.#view.setUint32(headerAt + bodyOffsets.bytes, stored);
    this.#view.setUint16(headerAt + bodyOffsets.stream, (bodyStreamOf[body.stream] << 8) | encoding);
    writeUint53(this.#view, headerAt + bodyOffsets.position, position);
    this.#end += stored;
  }

  #addLeaf(track: SessionTrack, at: number, facts: { kind: LeafKind; flags: number; logIndex: number; timeMs: number; contentIsFacts: boolean }): void {
    const view = this.#view;
    const sealedMeta = (facts.flags & (leafFlags.hasMeta | leafFlags.metaClear)) === leafFlags.hasMeta;
    const hasContent = (facts.flags & leafFlags.hasContent) !== 0;
    view.setUint32(at, (1 << 24) | (leafKinds[facts.kind] << 16) | facts.flags);
    this.#buffer.set(track.idBytes, at + leafOffsets.session);
    writeUint53(view, at + leafOffsets.sessionSeq, track.seq);
    writeUint53(view, at + leafOffsets.timeMs, facts.timeMs);
    this.#buffer.set(this.#log.gatewayId, at + leafOffsets.gatewayId);
    view.setUint32(at + leafOffsets.epoch, this.#log.epoch);
    writeUint53(view, at + leafOffsets.logIndex, facts.logIndex);
    view.setUint16(at + leafOffsets.metaClass, sealedMeta ? standardClass : noClass);
    view.setUint32(at + leafOffsets.metaExpiryDay, sealedMeta ? track.metaExpiryDay : 0);
    view.setUint16(at + leafOffsets.contentClass, hasContent ? standardClass : noClass);
    view.setUint32(at + leafOffsets.contentExpiryDay, hasContent ? (facts.contentIsFacts ? track.metaExpiryDay : track.contentExpiryDay) : 0);
    this.#buffer.set(track.previous, at + leafOffsets.previous);
  }

  #gather(parts: readonly Uint8Array[]): number {
    let length = 0;
    for (const part of parts) {
      this.#scratch.set(part, plainAt + length);
      length += part.length;
    }
    return length;
  }

  #reserve(bytes: number): void {
    // Room for the padding and the chain value too.
    const wanted = this.#end + bytes + 8 + hashBytes;
    if (wanted <= this.#buffer.length) {
      return;
    }
    const grown = Buffer.alloc(Math.max(wanted, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer, grown.byteOffset, grown.length);
  }
}

/** The compressed body, or null when it is too small, does not shrink, or lately did not. */
function compress(track: SessionTrack, body: Uint8Array): Uint8Array | null {
  if (body.length < compressFromBytes) {
    return null;
  }
  if (track.skipCompression > 0) {
    track.skipCompression -= 1;
    return null;
  }
  const packed = zstdCompressSync(body, zstdOptions);
  if (packed.length > body.length - body.length / 8) {
    track.skipCompression = compressionPause;
    return null;
  }
  return packed;
}
