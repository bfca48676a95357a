import { isUtf8 } from 'node:buffer';
import { brotliDecompressSync, constants, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { headerOf, type Headers } from './reading.ts';

const decodedBytesMax = 8 * 1024 * 1024;
const headBytesMax = 256 * 1024;
const headEnd = Buffer.from('\r\n\r\n');

/** A recorded message over HTTP, or a later piece of one: then it has no head. */
export interface RecordedMessage {
  /** `POST /v1/x HTTP/1.1`, `HTTP/1.1 200 OK` */
  readonly startLine: string | null;
  readonly headers: Headers;
  /** Content codings undone where they can be. */
  readonly body: Buffer;
  /** The content coding that could not be undone; '' for none. */
  readonly coding: string;
}

/** What there is of a body that was cut is decoded too. */
const zlibOptions = { maxOutputLength: decodedBytesMax, finishFlush: constants.Z_SYNC_FLUSH };

const decoders: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes, zlibOptions),
  'x-gzip': (bytes) => gunzipSync(bytes, zlibOptions),
  deflate: (bytes) => inflateSync(bytes, zlibOptions),
  br: (bytes) => brotliDecompressSync(bytes, { maxOutputLength: decodedBytesMax, finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: (bytes) => zstdDecompressSync(bytes, { maxOutputLength: decodedBytesMax, finishFlush: constants.ZSTD_e_flush }),
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

/** Undoes the content coding that the headers name, also of a body of which only the beginning is there. */
export function decodeBody(headers: Headers, body: Buffer): { readonly body: Buffer; readonly coding: string } {
  const coding = (headerOf(headers, 'content-encoding') ?? '').trim().toLowerCase();
  if (body.length === 0 || coding === '' || coding === 'identity') {
    return { body, coding: '' };
  }
  try {
    const decoded = decoders[coding]?.(body);
    return decoded === undefined ? { body, coding } : { body: decoded, coding: '' };
  } catch {
    return { body, coding };
  }
}

/** The body as text; what is none is named by type and size. */
export function bodyText({ body, headers, coding }: RecordedMessage): string {
  if (coding !== '') {
    return `(${body.length} bytes of ${coding})`;
  }
  const type = headerOf(headers, 'content-type') ?? '';
  return wholeText(body) ?? `(${body.length} bytes${type === '' ? '' : ` of ${type}`})`;
}

/** Null for what is no text. A character may be cut by the beginning or the end of a record. */
function wholeText(bytes: Buffer): string | null {
  const edgeBytes = 3;
  let start = 0;
  while (start < edgeBytes && ((bytes[start] ?? 0) & 0xc0) === 0x80) {
    start += 1;
  }
  for (let cut = 0; cut <= edgeBytes; cut += 1) {
    const whole = bytes.subarray(start, Math.max(bytes.length - cut, start));
    if (isUtf8(whole)) {
      return whole.includes(0) ? null : whole.toString('utf8');
    }
  }
  return null;
}
