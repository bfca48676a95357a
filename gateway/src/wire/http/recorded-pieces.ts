import type { OpenedRecord } from '../../domain/record.ts';
import { headerOf, type ResponseHead } from './reading.ts';
import { decodeBody, inUtf8, readRecordedHead, readRecordedResponse } from './recorded-http.ts';

/** Finds a record of the same session by its number; null when it is not at hand. */
export type Earlier = (seq: number) => OpenedRecord | null;

/** A record of an answer behind its first, with its content coding undone. */
export interface Piece {
  /** Of the answer; null when its first record is not at hand: then nothing is decoded. */
  readonly head: ResponseHead | null;
  /** What came before, as far as it matters to an event that ends in this piece. */
  readonly lead: Buffer;
  readonly bytes: Buffer;
}

/** How far before a piece the pieces before it are looked for, and how much of them is taken. */
const pieceDistanceMax = 64;
const leadBytesMax = 1024 * 1024;
const headEnd = '\r\n\r\n';
const headStart = Buffer.from('HTTP/1.1 ');

/** The bytes of a record of an answer that is not its first, with their content coding undone. */
export function decodedPiece(record: OpenedRecord, earlier: Earlier): Buffer {
  const head = headBefore(record, earlier);
  const isPlain = head === null || headerOf(head.headers, 'content-encoding') === undefined;
  const bytes = isPlain ? contentOf(record) : readPiece(record, earlier).bytes;
  return head === null ? bytes : inUtf8(head.headers, bytes);
}

/** The same with what came before. */
export function readPiece(record: OpenedRecord, earlier: Earlier): Piece {
  const piece = contentOf(record);
  const { head, bytes } = piecesBefore(record, earlier);
  if (head === null) {
    return { head, lead: bytes, bytes: piece };
  }
  // A coding is undone from its beginning only.
  const lead = decodeBody(head.headers, bytes);
  const whole = decodeBody(head.headers, Buffer.concat([bytes, piece]));
  return { head, lead, bytes: whole.subarray(lead.length) };
}

/** An answer that was recorded in pieces, put together. */
export interface WholeAnswer {
  readonly head: ResponseHead;
  /** With its content coding undone. */
  readonly body: Buffer;
}

/** All of the answer that ends in this record; null where a piece of it is not at hand, or it goes on. */
export function wholeAnswer(record: OpenedRecord, earlier: Earlier): WholeAnswer | null {
  const request = record.meta?.request;
  if (request === undefined || record.continues) {
    return null;
  }
  const pieces: Buffer[] = [contentOf(record)];
  for (let seq = record.seq - 1; seq > request; seq -= 1) {
    const content = pieceOf(record, earlier(seq));
    if (content !== null) {
      pieces.push(content);
      const response = content.subarray(0, headStart.length).equals(headStart) ? readRecordedHead(content) : null;
      if (response !== null) {
        const body = Buffer.concat([response.body, ...pieces.slice(0, -1).toReversed()]);
        return { head: response, body: decodeBody(response.headers, body) };
      }
    }
  }
  return null;
}

/** All of the request that ends in this record; null where it goes on, or its beginning is not at hand. */
export function wholeRequest(record: OpenedRecord, earlier: Earlier): Buffer | null {
  const first = record.meta?.request;
  if (first === undefined || record.continues) {
    return null;
  }
  const parts: Buffer[] = [contentOf(record)];
  for (let seq = record.seq - 1; seq >= first; seq -= 1) {
    const part = earlier(seq);
    if (part?.kind === 'request' && (seq === first || part.meta?.request === first)) {
      parts.push(contentOf(part));
    } else if (seq === first) {
      return null;
    }
  }
  return Buffer.concat(parts.toReversed());
}

/** What came of an answer before one of its pieces, as it was recorded. */
interface Before {
  readonly head: ResponseHead | null;
  readonly bytes: Buffer;
}

function piecesBefore(record: OpenedRecord, earlier: Earlier): Before {
  const head = headBefore(record, earlier);
  const isPlain = head === null || headerOf(head.headers, 'content-encoding') === undefined;
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (let distance = 1; distance <= pieceDistanceMax && bytes <= leadBytesMax; distance += 1) {
    const content = pieceOf(record, earlier(record.seq - distance));
    if (content !== null) {
      const isFirst = readRecordedResponse(content) !== null;
      const body = isFirst ? content.subarray(content.indexOf(headEnd) + headEnd.length) : content;
      // No event of text/event-stream goes on behind an empty line.
      const isBoundary = isPlain && /(?:\n\n|\r\n\r\n|\r\r)$/.test(body.toString('latin1', Math.max(body.length - 4, 0)));
      pieces.unshift(isBoundary ? Buffer.alloc(0) : body);
      bytes += body.length;
      if (isFirst || isBoundary) {
        return { head, bytes: Buffer.concat(pieces) };
      }
    }
  }
  return { head: null, bytes: Buffer.concat(pieces) };
}

/** The head of the answer that a piece is of: its first record comes soon behind that of the request. */
function headBefore(record: OpenedRecord, earlier: Earlier): ResponseHead | null {
  const request = record.meta?.request ?? record.seq;
  for (let seq = request + 1; seq < record.seq && seq <= request + pieceDistanceMax; seq += 1) {
    const content = pieceOf(record, earlier(seq));
    if (content !== null) {
      return readRecordedResponse(content)?.head ?? null;
    }
  }
  return null;
}

/** The content of a record that is of the same answer. */
function pieceOf(record: OpenedRecord, candidate: OpenedRecord | null): Buffer | null {
  const isSame = candidate?.kind === record.kind && candidate.meta?.request === record.meta?.request;
  return isSame ? contentOf(candidate) : null;
}

/** A view, not a copy. */
export function contentOf(record: OpenedRecord | null): Buffer {
  const content = record?.content ?? new Uint8Array();
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}
