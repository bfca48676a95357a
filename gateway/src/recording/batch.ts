import { strict as assert } from 'node:assert';
import { randomFillSync } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import {
  bodyEncodings,
  bodyOffsets,
  bodySlots,
  entryHeaderBytes,
  entryOffsets,
  frameHeaderBytes,
  frameMagic,
  frameOffsets,
  frameTypes,
  hashBytes,
  isGovernance,
  leafFlags,
  leafKinds,
  leafOffsets,
  saltBytes,
  sha256Into,
  storesContent,
  writeUint53,
  type BodySlot,
  type LeafKind,
} from '@countersign/ledger/format';
import { EntryHashes, type OnLeaf } from './entry-hashes.ts';
import { drawnBodyBytesMax, type Keystream } from './keystream.ts';
import { noClass, type Keeping } from './retention.ts';
import type { Sealer, SessionSealing } from './session-sealing.ts';
import { splicedHeaderBytes } from './spliced-body.ts';
import { Splicer } from './splicer.ts';

/** The state of a session that is being recorded. The recorder owns it; `Batch.add` advances it. */
export interface SessionTrack {
  /** 32 hex digits. */
  readonly id: string;
  readonly idBytes: Uint8Array;
  /** Sequence number of the next record. */
  seq: number;
  /** Hash of the session's last leaf. */
  readonly previous: DataView<ArrayBuffer>;
  /** Sequence number of the first request since the last finished response; null when every request has its outcome. */
  unanswered: number | null;
  /** Null for a session of an earlier epoch, which can only be closed. */
  readonly sealing: SessionSealing | null;
  /** Number of bodies that are not tried to be compressed, because compression was not worth it lately; see `compress`. */
  skipCompression: number;
}

export interface EntryDraft {
  readonly kind: LeafKind;
  /** The facts as JSON. They are clear in governance records and sealed in all others. */
  readonly meta: string;
  readonly content: readonly Uint8Array[];
  readonly continues?: boolean;
  /** Seals the content with the key of the facts, so that it is kept as long as they are. */
  readonly contentIsFacts?: boolean;
  /** The content repeats much of what the session recorded with this mark before. The repeated part is not stored again. */
  readonly repeats?: boolean;
  /** How the record is kept. Absent: as the recorder keeps all that nothing else is said of. */
  readonly keeping?: Keeping;
  /** Only the facts are kept. Of the content the leaf has a commitment, whose salt is forgotten, and nothing is stored. */
  readonly factsOnly?: boolean;
}

export interface LogPosition {
  readonly gatewayId: Uint8Array;
  readonly epoch: number;
}

/** Most bytes of content in one record. Longer content is recorded in parts. */
export const partBytesMax = 1024 * 1024;
/** Most UTF-16 code units of the facts of one record, as JSON. Whoever makes the facts keeps to this limit: longer facts are not cut here. */
export const metaLengthMax = 64 * 1024;

const commitHeadBytes = 26;
/** The place of the session's id and sequence number in the input. They are adjacent in a leaf too. */
const commitPlaceAt = 2;
const commitPlaceBytes = commitHeadBytes - commitPlaceAt;
const plainAt = commitHeadBytes + saltBytes;
const compressFromBytes = 4096;
/** If compression saves less than an eighth, the result is not kept, and compression is not tried for this many further bodies. */
const compressionPause = 32;
/** Fewest bytes of a body in which repeated text is searched for. It is more than `drawnBodyBytesMax`. */
const spliceFromBytes = 4096;

/** The memory in which the input of a commitment is composed. */
interface Input {
  readonly bytes: Buffer;
  /** A view of the same memory. */
  readonly view: DataView;
  readonly at: number;
  /** True if the input is hashed together with others. */
  readonly isSmall: boolean;
}

interface Body {
  readonly slot: BodySlot;
  readonly stream: 'meta' | 'content';
  readonly length: number;
  readonly repeats: boolean;
}

/** How a body is stored in the journal: its position in the keystream, its length in bytes, its encoding. */
interface Stored {
  readonly position: number;
  readonly stored: number;
  readonly encoding: number;
}

const bodyStreamOf = { meta: 1, content: 2 } as const;
const zstdParameters = { [constants.ZSTD_c_compressionLevel]: 1 };

/** True if a body of the entry is sealed. */
export function isSealed({ kind, content }: Pick<EntryDraft, 'kind' | 'content'>): boolean {
  return content.length > 0 || !isGovernance(kind);
}

/** The most bytes that an entry can take in the journal. */
export function entryBytesMax(draft: EntryDraft): number {
  return entryHeaderBytes + draft.meta.length * 3 + splicedHeaderBytes + bytesOf(draft.content);
}

/**
 * Builds one batch frame in place: chain value before it, frame header, entries, padding, chain value. It is reused for each batch. All
 * records of one event-loop turn cost one hash of the chain and one write.
 */
export class Batch {
  #buffer: Buffer;
  #view: DataView;
  #end = hashBytes + frameHeaderBytes;
  #entries = 0;
  /** Memory for commitment inputs that are too long to be hashed together with others. */
  readonly #scratch = Buffer.alloc(plainAt + partBytesMax + 16);
  readonly #scratchView = new DataView(this.#scratch.buffer, this.#scratch.byteOffset, this.#scratch.length);
  readonly #hashes: EntryHashes;
  readonly #splicer = new Splicer();
  /** The beginning of every entry: a leaf with only the facts of the log, and two empty body headers. */
  readonly #blank = Buffer.alloc(entryHeaderBytes);

  constructor(log: LogPosition, chain: Uint8Array, onLeaf: OnLeaf) {
    this.#hashes = new EntryHashes(onLeaf);
    this.#blank.set(log.gatewayId, leafOffsets.gatewayId);
    this.#blank.writeUInt32BE(log.epoch, leafOffsets.epoch);
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

  /** Appends an entry. Its leaf is completed, and its session advanced to the leaf's hash, at the latest when the frame is finished. */
  add(track: SessionTrack, draft: EntryDraft, logIndex: number, timeMs: number): void {
    this.#reserve(entryBytesMax(draft));
    if (this.#hashes.isFull) {
      this.#hashes.settle(this.#view);
    }
    const leafAt = this.#end;
    this.#buffer.set(this.#blank, leafAt);
    this.#buffer.set(track.idBytes, leafAt + leafOffsets.session);
    writeUint53(this.#view, leafAt + leafOffsets.sessionSeq, track.seq);
    this.#end += entryHeaderBytes;
    const contentIsFacts = draft.contentIsFacts === true;
    let flags = draft.continues === true ? leafFlags.continues : 0;
    if (isGovernance(draft.kind)) {
      flags |= leafFlags.metaClear | leafFlags.hasMeta;
      this.#addClear(leafAt, draft.meta);
    } else if (draft.meta !== '') {
      assert(draft.meta.length <= metaLengthMax, 'facts are bounded by whoever makes them');
      flags |= leafFlags.hasMeta;
      const input = this.#openInput(draft.meta.length * 3);
      const length = input.bytes.write(draft.meta, input.at + plainAt);
      this.#addSealed(track, leafAt, { slot: 'meta', stream: 'meta', length, repeats: false }, input);
    }
    const length = bytesOf(draft.content);
    if (length > 0) {
      flags |= leafFlags.hasContent;
      const input = this.#openInput(length);
      gather(draft.content, input);
      if (draft.factsOnly === true) {
        // The salt is stored nowhere, so that nobody can try out which content the leaf commits to.
        randomFillSync(input.bytes, input.at + commitHeadBytes, saltBytes);
        this.#commit(leafAt, 'content', length, input);
      } else {
        // Content that is kept as long as the facts may not depend on content that is deleted earlier.
        const repeats = draft.repeats === true && !contentIsFacts;
        this.#addSealed(track, leafAt, { slot: 'content', stream: contentIsFacts ? 'meta' : 'content', length, repeats }, input);
      }
    }
    if (draft.factsOnly === true) {
      flags |= leafFlags.factsOnly;
    }
    this.#addLeaf(track, leafAt, { kind: draft.kind, flags, logIndex, timeMs, contentIsFacts });
    this.#hashes.add(track, leafAt);
    if (draft.kind === 'request') {
      track.unanswered ??= track.seq;
    } else if (draft.kind === 'response' && draft.continues !== true) {
      track.unanswered = null;
    }
    track.seq += 1;
    this.#entries += 1;
  }

  /**
   * Closes the frame and returns its bytes for the journal, which are valid until the next `add`. The batch is then empty; call `advance` once the
   * frame is written.
   */
  finish(firstIndex: number, durableOffset: number): Uint8Array {
    return this.#finish(frameTypes.batch, firstIndex, durableOffset);
  }

  /** Returns a checkpoint frame for the journal. The batch must be empty. */
  checkpoint(note: string, size: number, durableOffset: number): Uint8Array {
    const length = Buffer.byteLength(note);
    this.#reserve(length);
    this.#end += this.#buffer.write(note, this.#end);
    return this.#finish(frameTypes.checkpoint, size, durableOffset);
  }

  /** Forgets what a session may repeat. The session must record nothing more. */
  forget(track: SessionTrack): void {
    this.#splicer.forget(track.id);
  }

  /** Continues after a segment header that ends with this chain value. */
  resumeAt(chain: Uint8Array): void {
    this.#buffer.set(chain);
  }

  #finish(type: number, index: number, durableOffset: number): Uint8Array {
    this.#hashes.settle(this.#view);
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

  /** Takes over the chain value of the finished frame. To be called once the frame was written. */
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

  /** Chooses the memory for the input of a commitment: 0x02, slot, session, seq, salt, plaintext. */
  #openInput(plainBytesMax: number): Input {
    const isSmall = plainBytesMax <= drawnBodyBytesMax && this.#hashes.fits(plainAt + plainBytesMax);
    return isSmall
      ? { bytes: this.#hashes.memory, view: this.#hashes.view, at: this.#hashes.inputAt, isSmall }
      : { bytes: this.#scratch, view: this.#scratchView, at: 0, isSmall };
  }

  /** Seals the `length` bytes of plaintext in the input, and adds their commitment to the leaf. */
  #addSealed(track: SessionTrack, leafAt: number, body: Body, input: Input): void {
    const { slot, length } = body;
    const sealer = track.sealing?.current[body.stream];
    if (sealer === undefined) {
      throw new Error('a session without secrets can record only clear facts');
    }
    const { position, stored, encoding } = length <= drawnBodyBytesMax ? this.#mask(sealer.stream, length, input) : this.#encrypt(track, sealer, body);
    this.#commit(leafAt, slot, length, input);
    const headerAt = leafAt + (slot === 'meta' ? entryOffsets.meta : entryOffsets.content);
    this.#view.setUint32(headerAt + bodyOffsets.bytes, stored);
    this.#view.setUint16(headerAt + bodyOffsets.stream, (bodyStreamOf[body.stream] << 8) | encoding);
    writeUint53(this.#view, headerAt + bodyOffsets.position, position);
    this.#end += stored;
  }

  /** Adds the commitment to the leaf for the `length` bytes of plaintext behind the salt in the input. */
  #commit(leafAt: number, slot: BodySlot, length: number, { bytes, view, at, isSmall }: Input): void {
    view.setUint16(at, (2 << 8) | bodySlots[slot]);
    for (let i = 0; i < commitPlaceBytes; i += 4) {
      view.setInt32(at + commitPlaceAt + i, this.#view.getInt32(leafAt + leafOffsets.session + i));
    }
    const commitAt = leafAt + (slot === 'meta' ? leafOffsets.metaCommit : leafOffsets.contentCommit);
    if (isSmall) {
      this.#hashes.commit(plainAt + length, commitAt);
    } else {
      sha256Into(bytes.subarray(0, plainAt + length), this.#buffer, commitAt);
    }
  }

  /** Encrypts a small body with keystream that was drawn in bulk, four bytes at a time. */
  #mask(stream: Keystream, length: number, { view, at }: Input): Stored {
    const { position, keystream, start } = stream.draw(length);
    for (let i = 0; i < saltBytes; i += 4) {
      view.setInt32(at + commitHeadBytes + i, keystream.getInt32(start + i));
    }
    const batch = this.#view;
    const end = this.#end;
    const mask = start + saltBytes;
    const plain = at + plainAt;
    const words = length - (length % 4);
    for (let i = 0; i < words; i += 4) {
      batch.setInt32(end + i, view.getInt32(plain + i) ^ keystream.getInt32(mask + i));
    }
    for (let i = words; i < length; i++) {
      batch.setUint8(end + i, view.getUint8(plain + i) ^ keystream.getUint8(mask + i));
    }
    return { position, stored: length, encoding: bodyEncodings.plain };
  }

  /** Encrypts a large body, which is in the scratch memory: without the parts that it repeats, and compressed if that helps. */
  #encrypt(track: SessionTrack, { keyId, stream }: Sealer, { length, repeats }: Body): Stored {
    const scratch = this.#scratch;
    const plain = scratch.subarray(plainAt, plainAt + length);
    const spliced = repeats && length >= spliceFromBytes ? this.#splicer.splice(track.id, keyId, plain) : null;
    const packed = compress(track, spliced ?? plain);
    const encoded = packed ?? spliced;
    scratch.fill(0, commitHeadBytes, plainAt);
    const input = encoded === null ? scratch.subarray(commitHeadBytes, plainAt + length) : Buffer.concat([scratch.subarray(commitHeadBytes, plainAt), encoded]);
    const { position, output } = stream.encrypt(input);
    scratch.set(output.subarray(0, saltBytes), commitHeadBytes);
    this.#buffer.set(output.subarray(saltBytes), this.#end);
    const encoding = (packed === null ? bodyEncodings.plain : bodyEncodings.zstd) | (spliced === null ? bodyEncodings.plain : bodyEncodings.spliced);
    return { position, stored: input.length - saltBytes, encoding };
  }

  #addLeaf(track: SessionTrack, at: number, facts: { kind: LeafKind; flags: number; logIndex: number; timeMs: number; contentIsFacts: boolean }): void {
    const view = this.#view;
    const sealedMeta = (facts.flags & (leafFlags.hasMeta | leafFlags.metaClear)) === leafFlags.hasMeta;
    const hasContent = storesContent(facts.flags);
    view.setUint32(at, (1 << 24) | (leafKinds[facts.kind] << 16) | facts.flags);
    writeUint53(view, at + leafOffsets.timeMs, facts.timeMs);
    writeUint53(view, at + leafOffsets.logIndex, facts.logIndex);
    const current = track.sealing?.current;
    const meta = sealedMeta ? current?.meta : undefined;
    const content = hasContent ? current?.[facts.contentIsFacts ? 'meta' : 'content'] : undefined;
    view.setUint16(at + leafOffsets.metaClass, meta?.class ?? noClass);
    view.setUint32(at + leafOffsets.metaExpiryDay, meta?.day ?? 0);
    view.setUint16(at + leafOffsets.contentClass, content?.class ?? noClass);
    view.setUint32(at + leafOffsets.contentExpiryDay, content?.day ?? 0);
  }

  #reserve(bytes: number): void {
    // The buffer also needs room for the padding and the chain value.
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

function bytesOf(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) {
    bytes += part.length;
  }
  return bytes;
}

function gather(parts: readonly Uint8Array[], { bytes, at }: Input): void {
  let end = at + plainAt;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
}

/** The compressed body. Null if it is too small, does not shrink enough, or earlier bodies did not. */
function compress(track: SessionTrack, body: Uint8Array): Uint8Array | null {
  if (body.length < compressFromBytes) {
    return null;
  }
  if (track.skipCompression > 0) {
    track.skipCompression -= 1;
    return null;
  }
  // With the pledged size, the tables of the compressor, which are made for each call, are no larger than the body needs.
  const packed = zstdCompressSync(body, { params: zstdParameters, pledgedSrcSize: body.length });
  if (packed.length > body.length - body.length / 8) {
    track.skipCompression = compressionPause;
    return null;
  }
  return packed;
}
