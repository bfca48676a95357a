import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate, zstdDecompress } from 'node:zlib';
import type { Attributes, GivenIds } from '../domain/action.ts';
import { wholeAttribute } from '../domain/record.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import type { DirectUrls } from './own-urls.ts';
import { headerOf, type AnswerReader, type Note, type ResponseHead } from './reading.ts';

/** An encoded answer is read for its facts only if it is at most this long when decoded. */
const decodedBytesMax = 64 * 1024 * 1024;

type Decode = (bytes: Uint8Array) => Promise<Buffer>;

/** With these options the beginning of an answer that was cut is decoded too. */
const zlibOptions = { maxOutputLength: decodedBytesMax, finishFlush: constants.Z_SYNC_FLUSH };
const [gunzipAsync, inflateAsync, brotliAsync, zstdAsync] = [promisify(gunzip), promisify(inflate), promisify(brotliDecompress), promisify(zstdDecompress)];

const decoders: Readonly<Record<string, Decode>> = {
  gzip: (bytes) => gunzipAsync(bytes, zlibOptions),
  'x-gzip': (bytes) => gunzipAsync(bytes, zlibOptions),
  deflate: (bytes) => inflateAsync(bytes, zlibOptions),
  br: (bytes) => brotliAsync(bytes, { maxOutputLength: decodedBytesMax, finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: (bytes) => zstdAsync(bytes, { maxOutputLength: decodedBytesMax, finishFlush: constants.ZSTD_e_flush }),
};

/** Undoes a content coding; null if the coding is unknown, the bytes are not in it, or they decode to too much. */
async function decodeContent(coding: string, bytes: Uint8Array): Promise<Uint8Array | null> {
  if (coding === 'identity' || coding === '') {
    return bytes;
  }
  const decode = decoders[coding];
  return decode === undefined ? null : decode(bytes).catch(() => null);
}

/** Gives an answer's bytes to the protocol's reader as they come, or decoded at the end where they are encoded. */
export class AnswerFacts {
  readonly #reader: AnswerReader;
  readonly #directUrls: DirectUrls;
  readonly #encodedBytesMax: number;
  #coding = '';
  #encoded: ByteWriter | null = null;
  #encodedBytes = 0;
  #decoding: Promise<void> | null = null;
  #hasLength = false;
  #isUnread = false;

  /** `encodedBytesMax`: what is held of an encoded answer. */
  constructor(reader: AnswerReader, directUrls: DirectUrls, encodedBytesMax: number) {
    this.#reader = reader;
    this.#directUrls = directUrls;
    this.#encodedBytesMax = encodedBytesMax;
  }

  head(head: ResponseHead): void {
    this.#coding = (headerOf(head.headers, 'content-encoding') ?? '').trim().toLowerCase();
    this.#encoded = this.#coding === '' || this.#coding === 'identity' ? null : new ByteWriter();
    this.#hasLength = headerOf(head.headers, 'content-length') !== undefined;
    this.#directUrls.head(head);
    this.#reader.head(head);
  }

  /** The gateway may add an event of its own behind what came so far. */
  get isBetweenEvents(): boolean {
    return this.#encoded === null && !this.#hasLength && this.#reader.isBetweenEvents === true;
  }

  bytes(piece: Uint8Array): void {
    if (this.#encoded === null) {
      this.#directUrls.bytes(piece);
      this.#reader.bytes(piece);
      return;
    }
    this.#encodedBytes += piece.length;
    if (this.#encodedBytes <= this.#encodedBytesMax) {
      this.#encoded.bytes(piece);
    } else {
      this.#encoded = new ByteWriter();
    }
  }

  /** Completes the facts at the end of the bytes that came. Null: they are complete at once. */
  finish(): Promise<void> | null {
    if (this.#encoded === null) {
      return null;
    }
    if (this.#encodedBytes > this.#encodedBytesMax) {
      this.#giveUp();
      return null;
    }
    this.#decoding ??= this.#decode(this.#encoded.finish());
    return this.#decoding;
  }

  facts(): Attributes {
    return { ...this.#reader.facts(), ...this.#directUrls.facts(), ...(this.#isUnread ? { [wholeAttribute]: false } : {}) };
  }

  /** The time to the first bytes of the body by the protocol's own name, or, where it has none, the time to the head. `bodyMs` is null when no body came. */
  timeToFirst(headMs: number, bodyMs: number | null): Attributes {
    const reader = this.#reader;
    if (reader.firstBytes === undefined) {
      return { 'countersign.first_byte_ms': Math.round(headMs) };
    }
    return bodyMs === null ? {} : reader.firstBytes(Math.round(bodyMs * 1000) / 1_000_000);
  }

  given(): GivenIds | null {
    return this.#reader.given?.() ?? null;
  }

  notes(): readonly Note[] {
    return this.#reader.notes?.() ?? [];
  }

  /** The answer could not be decoded: its facts are marked as incomplete, and the protocol's reader is told. */
  #giveUp(): void {
    this.#isUnread = true;
    this.#reader.unreadable?.();
  }

  async #decode(encoded: Buffer): Promise<void> {
    const plain = await decodeContent(this.#coding, encoded);
    if (plain === null) {
      this.#giveUp();
      return;
    }
    this.#directUrls.bytes(plain);
    this.#reader.bytes(plain);
  }
}
