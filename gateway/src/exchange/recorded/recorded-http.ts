import { countOf } from '../../domain/count-of.ts';
import { isUtf8 } from 'node:buffer';
import { decodeBody } from '../../content/codings.ts';
import { headerOf, type Headers, type RequestHead, type ResponseHead } from '../reading.ts';

export interface RecordedRequest {
  readonly head: RequestHead;
  readonly body: Buffer;
}

export interface RecordedResponse {
  readonly head: ResponseHead;
  readonly body: Buffer;
}

/** Most bytes that are searched for a head. */
const headBytesMax = 256 * 1024;
/** Most bytes of a UTF-8 character on one side of the border between two records. */
const cutCharacterBytesMax = 3;

/** Parses a recorded request, with its body decoded as far as possible. Null if the bytes do not begin with the head of a request. */
export function readRecordedRequest(content: Buffer): RecordedRequest | null {
  const read = readHead(content);
  const [, method, path] = /^([A-Z-]+) (\S+) HTTP\/1\.1$/.exec(read?.firstLine ?? '') ?? [];
  return read === null || method === undefined || path === undefined ? null : { head: { method, path, headers: read.headers }, body: read.body };
}

/** Parses a recorded response, with its body decoded as far as possible. Null if the bytes do not begin with the head of a response. */
export function readRecordedResponse(content: Buffer): RecordedResponse | null {
  const read = readHead(content);
  const [, status] = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(read?.firstLine ?? '') ?? [];
  return read === null || status === undefined ? null : { head: { status: Number(status), headers: read.headers }, body: read.body };
}

/** The head of a response, and the bytes after it, with their content codings not undone. */
export interface RecordedHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** Parses the head of a recorded response. Null if the bytes do not begin with one. */
export function readRecordedHead(content: Buffer): RecordedHead | null {
  const read = splitHead(content);
  const [, status, statusText = ''] = /^HTTP\/1\.1 (\d{3})(?: (.*))?$/.exec(read?.firstLine ?? '') ?? [];
  return read === null || status === undefined ? null : { status: Number(status), statusText, headers: read.headers, body: read.body };
}

/** Returns bytes as text if they are text, otherwise their number. */
export function plainText(bytes: Buffer): string {
  return textOf(bytes) ?? `(${countOf(bytes.length, 'byte')} that ${bytes.length === 1 ? 'is' : 'are'} not text)`;
}

/** Returns bytes as text, without the partial characters at their beginning and end. Null if they are not text. */
export function textOf(bytes: Buffer): string | null {
  let start = 0;
  while (start < cutCharacterBytesMax && ((bytes[start] ?? 0) & 0xc0) === 0x80) {
    start += 1;
  }
  for (let cut = 0; cut <= cutCharacterBytesMax; cut += 1) {
    const whole = bytes.subarray(start, bytes.length - cut);
    if (isUtf8(whole)) {
      return whole.toString('utf8');
    }
  }
  return null;
}

/** Returns the bytes of a partial character at the end of a text. */
export function cutCharacter(text: Buffer): Buffer {
  for (let length = 1; length <= Math.min(cutCharacterBytesMax, text.length); length += 1) {
    const byte = text[text.length - length] ?? 0;
    if (byte >= 0xc0) {
      const characterBytes = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return characterBytes > length ? text.subarray(text.length - length) : Buffer.alloc(0);
    }
  }
  return Buffer.alloc(0);
}

interface SplitHead {
  readonly firstLine: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

function readHead(content: Buffer): SplitHead | null {
  const split = splitHead(content);
  return split === null ? null : { ...split, body: inUtf8(split.headers, decodeBody(split.headers, split.body)) };
}

function splitHead(content: Buffer): SplitHead | null {
  const end = content.subarray(0, headBytesMax).indexOf('\r\n\r\n');
  if (end < 0) {
    return null;
  }
  const [firstLine = '', ...lines] = content.toString('latin1', 0, end).split('\r\n');
  const headers = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, Math.max(colon, 0)).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { firstLine, headers, body: content.subarray(end + 4) };
}

/** Returns a body as UTF-8, from the charset that its Content-Type names, without a partial character at its end. */
export function inUtf8(headers: Headers, body: Buffer): Buffer {
  const charset = otherCharset(headers);
  if (charset === null) {
    return body;
  }
  try {
    return Buffer.from(new TextDecoder(charset).decode(body, { stream: true }));
  } catch {
    // The charset is not known here.
    return body;
  }
}

/** Returns the charset of a body; null if it is UTF-8. */
export function otherCharset(headers: Headers): string | null {
  const [, charset] = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(headerOf(headers, 'content-type') ?? '') ?? [];
  return charset === undefined || /^(?:utf-?8|us-ascii)$/i.test(charset) ? null : charset;
}
