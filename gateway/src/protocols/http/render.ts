import type { OpenedRecord, Rendering } from '../../domain/record.ts';
import type { Headers } from '../../wire/http/reading.ts';
import { frameText } from '../../wire/http/recorded-frame.ts';
import { plainText, readRecordedRequest, readRecordedResponse } from '../../wire/http/recorded-http.ts';

/** What one rendering shows at most; the record has all of it. */
const charactersMax = 512 * 1024;

/** Heads of messages as lines, bodies and frames as text where they are text. Never throws. */
export function render({ kind, content, meta }: OpenedRecord): Rendering {
  const text = content === null ? '' : (frameText(content, meta?.attributes ?? {}) ?? shown(kind, Buffer.from(content)));
  const leftOut = text.length - charactersMax;
  return {
    mediaType: 'text/plain; charset=utf-8',
    text: leftOut > 0 ? `${text.slice(0, charactersMax)}… ${leftOut} characters more` : text,
    attributes: {},
  };
}

function shown(kind: string, content: Buffer): string {
  const request = kind === 'request' ? readRecordedRequest(content) : null;
  if (request !== null) {
    return message(`${request.head.method} ${request.head.path}`, request.head.headers, request.body);
  }
  const response = readRecordedResponse(content);
  return response === null ? plainText(content) : message(`HTTP ${response.head.status}`, response.head.headers, response.body);
}

function message(firstLine: string, headers: Headers, body: Buffer): string {
  const lines = [firstLine, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return [...lines, ...(body.length === 0 ? [] : ['', plainText(body)])].join('\n');
}
