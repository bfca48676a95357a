import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate, zstdDecompress } from 'node:zlib';
import type { Attributes, GivenIds } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import type { DirectUrls } from './own-urls.ts';
import { headerOf, type AnswerReader, type Note, type ResponseHead } from '../reading.ts';
import { turnBytesMax, type TakeElsewhere } from '../step.ts';

/** An encoded answer is read for its facts only if its decoded form has at most this many bytes. */
const decodedBytesMax = 64 * 1024 * 1024;

type Decode = (bytes: Uint8Array) => Promise<Buffer>;

/** With these options, the beginning of an answer that was cut off is decoded too. */
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

export interface AnswerFactsParts {
  readonly reader: AnswerReader;
  readonly direct: DirectUrls;
  /** Most bytes of an encoded answer that are held to decode it. */
  readonly encodedBytesMax: number;
  readonly take: TakeElsewhere;
}

/** Gives an answer's bytes to the protocol's reader. They are given as they come, or, if they are encoded, decoded at the end. */
export class AnswerFacts {
  readonly #reader: AnswerReader;
  readonly #directUrls: DirectUrls;
  readonly #encodedBytesMax: number;
  readonly #take: TakeElsewhere;
  #coding = '';
  #encoded: ByteWriter | null = null;
  #encodedBytes = 0;
  #isFinished = false;
  #finishing: Promise<void> | null = null;
  #hasLength = false;
  #isUnread = false;

  constructor({ reader, direct, encodedBytesMax, take }: AnswerFactsParts) {
    this.#reader = reader;
    this.#directUrls = direct;
    this.#take = take;
    this.#encodedBytesMax = encodedBytesMax;
  }

  head(head: ResponseHead): void {
    this.#coding = (headerOf(head.headers, 'content-encoding') ?? '').trim().toLowerCase();
    this.#encoded = this.#coding === '' || this.#coding === 'identity' ? null : new ByteWriter();
    this.#hasLength = headerOf(head.headers, 'content-length') !== undefined;
    this.#directUrls.head(head);
    this.#reader.head(head);
  }

  /** True if the gateway may append an event of its own to the bytes so far. */
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

  /** Completes the facts at the end of the bytes that came. Null: they are complete at once. Rejects only with an error that is a bug. */
  finish(): Promise<void> | null {
    if (!this.#isFinished) {
      this.#isFinished = true;
      this.#finishing = this.#readRest();
    }
    return this.#finishing;
  }

  facts(): Attributes {
    return { ...this.#reader.facts(), ...this.#directUrls.facts(), ...(this.#isUnread ? { [ownAttributes.isWhole]: false } : {}) };
  }

  /**
   * Returns the time to the first byte of the body, with the protocol's own attribute, or the time to the head if the protocol has none. `bodyMs` is null if no
   * body came.
   */
  timeToFirst(headMs: number, bodyMs: number | null): Attributes {
    const reader = this.#reader;
    if (reader.firstBytes === undefined) {
      return { [ownAttributes.firstByteMs]: Math.round(headMs) };
    }
    return bodyMs === null ? {} : reader.firstBytes(Math.round(bodyMs * 1000) / 1_000_000);
  }

  given(): GivenIds | null {
    return this.#reader.given?.() ?? null;
  }

  notes(): readonly Note[] {
    return this.#reader.notes?.() ?? [];
  }

  #readRest(): Promise<void> | null {
    if (this.#encoded === null) {
      const reading = this.#reader.finish?.(this.#take) ?? null;
      return reading === null ? null : this.#orUnread(reading);
    }
    if (this.#encodedBytes > this.#encodedBytesMax) {
      this.#giveUp();
      return null;
    }
    return this.#orUnread(this.#decode(this.#encoded.finish()));
  }

  /** Waits for a reading. If a limit stops it, or nobody waits for it any more, the facts say that they are incomplete. */
  async #orUnread(reading: Promise<void>): Promise<void> {
    try {
      await reading;
    } catch (error) {
      this.#giveUp();
      if (!(error instanceof GatewayError) && !(error instanceof DOMException)) {
        throw error;
      }
    }
  }

  /** Marks the facts as incomplete and tells the protocol's reader, because the answer could not be decoded or read. */
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
    for (let at = 0; at < plain.length; at += turnBytesMax) {
      const piece = plain.subarray(at, at + turnBytesMax);
      this.#directUrls.bytes(piece);
      this.#reader.bytes(piece);
      await nextTurn();
    }
    await this.#reader.finish?.(this.#take);
  }
}
