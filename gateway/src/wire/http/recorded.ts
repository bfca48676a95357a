import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { Headers } from './reading.ts';
import { headerOf } from './reading.ts';

const decodedBytesMax = 8 * 1024 * 1024;
const headBytesMax = 256 * 1024;
const headEnd = Buffer.from('\r\n\r\n');

/** A recorded message over HTTP, or a later piece of one: then it has no head. */
export interface RecordedMessage {
  /** `POST /v1/x HTTP/1.1`, `HTTP/1.1 200 OK` */
  readonly startLine: string | null;
  readonly headers: Headers;
  /** Content codings undone where they can be. */
  readonly body: Uint8Array;
  /** The content coding that could not be undone; '' for none. */
  readonly coding: string;
}

const decoders: Readonly<Record<string, (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** Any bytes are acceptable. */
export function readRecorded(content: Uint8Array): RecordedMessage {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  const at = bytes.subarray(0, headBytesMax).indexOf(headEnd);
  const [startLine = '', ...lines] = at === -1 ? [] : bytes.toString('latin1', 0, at).split('\r\n');
  if (!/^(?:[A-Z-]+ \S+ HTTP\/1\.1|HTTP\/1\.1 \d{3} .*)$/.test(startLine)) {
    return { startLine: null, headers: [], body: bytes, coding: '' };
  }
  const headers = lines.map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)] as const;
  });
  return { startLine, headers, ...decodeBody(headers, bytes.subarray(at + headEnd.length)) };
}

function decodeBody(headers: Headers, body: Buffer): { readonly body: Uint8Array; readonly coding: string } {
  const coding = (headerOf(headers, 'content-encoding') ?? '').trim().toLowerCase();
  if (body.length === 0 || coding === '' || coding === 'identity') {
    return { body, coding: '' };
  }
  try {
    const decoded = decoders[coding]?.(body, { maxOutputLength: decodedBytesMax });
    return decoded === undefined ? { body, coding } : { body: decoded, coding: '' };
  } catch {
    return { body, coding };
  }
}

/** The body as text; what is none is named by type and size. */
export function bodyText({ body, headers, coding }: RecordedMessage): string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const type = headerOf(headers, 'content-type') ?? '';
  if (coding !== '') {
    return `(${body.length} bytes of ${coding})`;
  }
  const text = bytes.toString('utf8');
  return text.includes('�') || text.includes('\0') ? `(${body.length} bytes${type === '' ? '' : ` of ${type}`})` : text;
}
