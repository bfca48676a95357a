import { countOf } from '../../domain/count-of.ts';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { OpenedRecord } from '../../domain/record.ts';
import { headerOf, type ResponseHead } from '../reading.ts';
import { decodeBody, undoCodings } from '../../content/codings.ts';
import { cutCharacter, inUtf8, otherCharset, plainText, readRecordedHead, readRecordedResponse, textOf } from './recorded-http.ts';

/** Finds a record of the same session by its number; null if it is not available. */
export type Earlier = (seq: number) => OpenedRecord | null;

/** A record of an answer after its first one, with its content coding undone. */
export interface Piece {
  /** The head of the answer. Null if the answer's first record is not available; then nothing is decoded. */
  readonly head: ResponseHead | null;
  /** The bytes of the answer before this piece that an event in this piece may need. */
  readonly lead: Buffer;
  readonly bytes: Buffer;
}

/** Most earlier records that are searched for earlier pieces of an answer. The search also ends when these have more than `leadBytesMax` bytes. */
const pieceDistanceMax = 64;
const leadBytesMax = 1024 * 1024;
/** Most earlier records that are searched for the part before another one. */
const partDistanceMax = 1000;
/** Most decoded bytes of a piece together with the bytes before it, because these are decoded again for each piece. A longer piece is shown as it is. */
const decodedBytesMax = 16 * 1024 * 1024;
const headEnd = '\r\n\r\n';
const headStart = Buffer.from('HTTP/1.1 ');

/**
 * Returns the bytes of a later record of a body in UTF-8, with the content coding of an answer undone. A partial character at the end of the part before comes
 * first.
 */
function decodedPiece(record: OpenedRecord, earlier: Earlier): Buffer {
  const head = record.kind === 'response' ? headBefore(record, earlier) : null;
  if (head === null || (headerOf(head.headers, 'content-encoding') === undefined && otherCharset(head.headers) === null)) {
    return joinedWith(partBefore(record, earlier), contentOf(record));
  }
  const { head: known, lead, bytes } = readPiece(record, earlier);
  if (known === null) {
    return inUtf8(head.headers, bytes);
  }
  const read = inUtf8(known.headers, lead);
  const all = inUtf8(known.headers, Buffer.concat([lead, bytes])).subarray(read.length);
  // UTF-8 is shown as it is, with partial characters.
  return read === lead ? joinedWith(lead, all) : all;
}

function joinedWith(before: Buffer | null, bytes: Buffer): Buffer {
  const cut = before === null ? null : cutCharacter(before);
  return cut === null || cut.length === 0 ? bytes : Buffer.concat([cut, bytes]);
}

/** Returns the earlier part of the same body, without the head. Null if there is none, or if it is not available. */
function partBefore(record: OpenedRecord, earlier: Earlier): Buffer | null {
  const { kind, seq: own, meta } = record;
  const request = meta?.request;
  const first = request === undefined ? own : Math.max(kind === 'request' ? request : request + 1, own - partDistanceMax);
  for (let seq = own - 1; seq >= first; seq -= 1) {
    const part = earlier(seq);
    if (part?.kind === kind && (part.meta?.request === request || (kind === 'request' && seq === request))) {
      const content = contentOf(part);
      const isFirst = kind === 'request' ? seq === request : content.subarray(0, headStart.length).equals(headStart);
      const end = isFirst ? content.indexOf(headEnd) : -1;
      return end < 0 ? content : content.subarray(end + headEnd.length);
    }
  }
  return null;
}

/** Returns a later record of a body as text. */
export function pieceText(record: OpenedRecord, earlier: Earlier): { readonly text: string; readonly attributes: Attributes } {
  const bytes = decodedPiece(record, earlier);
  const goesOn = (partBefore(record, earlier)?.length ?? 0) > 0 && textOf(bytes) !== null;
  return { text: plainText(bytes), attributes: goesOn ? { [ownAttributes.begunText]: true } : {} };
}

/**
 * Shows one part of a request in several records. A part before the last shows only its size. The last part shows its own text; this is used if earlier parts
 * are not available.
 */
export function requestPart(record: OpenedRecord, earlier: Earlier): { readonly text: string; readonly attributes: Attributes } {
  if (record.continues) {
    return { text: `(a part of a request, ${countOf(record.content?.length ?? 0, 'byte')}; its last part shows all of it)`, attributes: {} };
  }
  const { text } = pieceText(record, earlier);
  return { text: `(the parts of the request before this one are not at hand)\n${text}`, attributes: { [ownAttributes.isWhole]: false } };
}

/** Reads a piece of an answer together with the bytes before it. Content codings are undone if the beginning of the answer is available. */
export function readPiece(record: OpenedRecord, earlier: Earlier): Piece {
  const piece = contentOf(record);
  const { head, bytes } = piecesBefore(record, earlier);
  if (head === null) {
    return { head, lead: bytes, bytes: piece };
  }
  // A coding can only be undone from its beginning.
  const lead = undoCodings(head.headers, bytes, decodedBytesMax);
  const whole = lead === null ? null : undoCodings(head.headers, Buffer.concat([bytes, piece]), decodedBytesMax);
  return lead === null || whole === null
    ? { head, lead: lead === null ? bytes : Buffer.alloc(0), bytes: piece }
    : { head, lead, bytes: whole.subarray(lead.length) };
}

/** An answer that was recorded in pieces and is joined again. */
export interface WholeAnswer {
  readonly head: ResponseHead;
  /** The body with its content coding undone. */
  readonly body: Buffer;
}

/** The whole answer that ends in this record; null if a piece of it is not available, or if it does not end here. */
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

/** The whole request that ends in this record; null if it does not end here, or if its beginning is not available. */
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

/** The bytes of an answer before one of its pieces, as they were recorded: content codings are not undone. */
interface Before {
  readonly head: ResponseHead | null;
  readonly bytes: Buffer;
}

function piecesBefore(record: OpenedRecord, earlier: Earlier): Before {
  const head = headBefore(record, earlier);
  const isPlain = head === null || headerOf(head.headers, 'content-encoding') === undefined;
  const pieces: Buffer[] = [];
  let bytes = 0;
  const last = Math.max(record.meta?.request ?? 0, record.seq - pieceDistanceMax);
  for (let seq = record.seq - 1; seq >= last && bytes <= leadBytesMax; seq -= 1) {
    const content = pieceOf(record, earlier(seq));
    if (content !== null) {
      const isFirst = readRecordedResponse(content) !== null;
      const body = isFirst ? content.subarray(content.indexOf(headEnd) + headEnd.length) : content;
      // After an empty line a new event of text/event-stream begins.
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

/** Finds the head of the answer that a piece belongs to. Its first record comes soon after that of the request. */
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

/** Returns the content of a record if it belongs to the same answer. */
function pieceOf(record: OpenedRecord, candidate: OpenedRecord | null): Buffer | null {
  const isSame = candidate?.kind === record.kind && candidate.meta?.request === record.meta?.request;
  return isSame ? contentOf(candidate) : null;
}

/** Returns a view, not a copy. */
export function contentOf(record: OpenedRecord | null): Buffer {
  const content = record?.content ?? new Uint8Array();
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}
