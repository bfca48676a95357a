import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import {
  brotliDecompress,
  brotliDecompressSync,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzip,
  gunzipSync,
  inflate,
  inflateSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';

/** Most bytes of one decoded body, because a short encoded body may decode to a very long one. */
export const decodedBytesMax = 64 * 1024 * 1024;
/** Most content codings inside one another, because each costs as much as a single one. */
const codingsMax = 3;

interface Limits {
  readonly maxOutputLength: number;
  readonly finishFlush: number;
}

/** The ways in which one content coding is undone (RFC 9110, 8.4.1). */
interface Coding {
  readonly stream: () => Transform;
  readonly now: (bytes: Uint8Array, limits: Limits) => Buffer;
  readonly later: (bytes: Uint8Array, limits: Limits) => Promise<Buffer>;
  /** With this flush, the beginning of a body that was cut off is decoded too. */
  readonly finishFlush: number;
}

const gzip: Coding = { stream: createGunzip, now: gunzipSync, later: promisify(gunzip), finishFlush: constants.Z_SYNC_FLUSH };

const codings: ReadonlyMap<string, Coding> = new Map([
  ['gzip', gzip],
  ['x-gzip', gzip],
  ['deflate', { stream: createInflate, now: inflateSync, later: promisify(inflate), finishFlush: constants.Z_SYNC_FLUSH }],
  ['br', { stream: createBrotliDecompress, now: brotliDecompressSync, later: promisify(brotliDecompress), finishFlush: constants.BROTLI_OPERATION_FLUSH }],
  ['zstd', { stream: createZstdDecompress, now: zstdDecompressSync, later: promisify(zstdDecompress), finishFlush: constants.ZSTD_e_flush }],
]);

/** Returns the content coding that a header names, in lower case. Empty: the body is as it is. */
export function codingOf(contentEncoding: string | undefined): string {
  const coding = contentEncoding?.trim().toLowerCase() ?? '';
  return coding === 'identity' ? '' : coding;
}

/** Returns how to begin to undo a content coding as bytes come; an end that is missing is an error. Null if the coding is unknown, is several codings, or is none. */
export function decoderOf(coding: string): (() => Transform) | null {
  return codings.get(coding)?.stream ?? null;
}

/** Undoes one content coding of a body, even if only its beginning is there. Null if the coding is unknown, the bytes are not in it, or they decode to too much. */
export async function decodeLater(coding: string, body: Uint8Array): Promise<Buffer | null> {
  const known = codings.get(coding);
  return known === undefined ? null : known.later(body, { maxOutputLength: decodedBytesMax, finishFlush: known.finishFlush }).catch(() => null);
}

/** Undoes the content codings of a body, even if only its beginning is there. A body that cannot be decoded is returned as it is. */
export function decodeBody(headers: readonly (readonly [name: string, value: string])[], body: Buffer): Buffer {
  return undoCodings(headers, body) ?? body;
}

/** Undoes the content codings of a body, even if only its beginning is there. Null for a body that cannot be decoded or has more than `bytesMax` bytes when decoded. */
export function undoCodings(headers: readonly (readonly [name: string, value: string])[], body: Buffer, bytesMax = decodedBytesMax): Buffer | null {
  const named = headers.flatMap(([name, value]) => (name === 'content-encoding' ? value.split(',') : []));
  if (named.length > codingsMax) {
    return null;
  }
  try {
    return named.reduceRight<Buffer | null>((decoded, each) => decoded && decodeNow(codingOf(each), decoded, bytesMax), body);
  } catch {
    return null;
  }
}

/** Throws an error of zlib if the bytes are not in the coding, or decode to more than `maxOutputLength`. */
function decodeNow(coding: string, bytes: Buffer, maxOutputLength: number): Buffer | null {
  if (coding === '') {
    return bytes;
  }
  const known = codings.get(coding);
  return known?.now(bytes, { maxOutputLength, finishFlush: known.finishFlush }) ?? null;
}
