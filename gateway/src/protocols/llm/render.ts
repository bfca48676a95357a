import type { Attributes } from '../../domain/action.ts';
import type { OpenedRecord, Rendering } from '../../domain/record.ts';
import { headerOf, type RequestHead, type ResponseHead } from '../../wire/http/reading.ts';
import { decodeBody, plainText, readRecordedRequest, readRecordedResponse } from '../../wire/http/recorded-http.ts';
import { type AnswerError, AnswerDraft, type KeptCharacters } from './answer-draft.ts';
import { ModelAnswer } from './answer.ts';
import { readMessages } from './apis.ts';
import { awsType, framingOf, isEventStream, sseType } from './framing.ts';
import { jsonText } from './json.ts';
import { type Api, findApi } from './routes.ts';
import { describeFragment, describeMessages, type Message } from './transcript.ts';

/** Finds a record of the same session by its number; null when it is not at hand. */
type Earlier = (seq: number) => OpenedRecord | null;

interface Shown {
  readonly text: string;
  readonly attributes: Attributes;
}

/** What one rendering shows at most; the record has all of it. */
const charactersMax = 512 * 1024;
/** How much of an answer is put together. */
const kept: KeptCharacters = { text: 16 * 1024 * 1024, arguments: 16 * 1024 * 1024 };
/** How far before a piece of a stream the pieces before it are looked for, and how much of them is taken. */
const pieceDistanceMax = 64;
const leadBytesMax = 1024 * 1024;
/** Segments of a target's base path. */
const baseSegmentsMax = 8;
const headEnd = '\r\n\r\n';

/** What a person reads of a record. Any bytes are acceptable; what is not known is shown as it is. Never throws. */
export function render(record: OpenedRecord, earlier: Earlier): Rendering {
  const content = contentOf(record);
  const { text, attributes } = record.kind === 'request' ? showRequest(content) : showResponse(record, content, earlier);
  const leftOut = text.length - charactersMax;
  return {
    mediaType: 'text/plain; charset=utf-8',
    text: leftOut > 0 ? `${text.slice(0, charactersMax)}… ${leftOut} characters more` : text,
    attributes,
  };
}

function showRequest(content: Buffer): Shown {
  const request = readRecordedRequest(content);
  if (request === null) {
    return asItIs(content);
  }
  const { head, body } = request;
  const api = findRecordedApi(head);
  const messages = api?.takesBody === true ? (readMessages(api, body) ?? []) : [];
  return messages.length === 0
    ? { text: [`${head.method} ${head.path}`, plainText(body)].filter((line) => line !== '').join('\n'), attributes: {} }
    : { text: describeMessages(messages), attributes: { 'gen_ai.input.messages': jsonText(messages) } };
}

function showResponse(record: OpenedRecord, content: Buffer, earlier: Earlier): Shown {
  const response = readRecordedResponse(content);
  const api = apiOf(record, earlier);
  if (response !== null) {
    return (api === null ? null : showAnswer(api, response.head, response.body)) ?? asItIs(response.body);
  }
  return (api === null ? null : showPiece(api, content, piecesBefore(record, earlier))) ?? asItIs(content);
}

/** An answer, or the beginning of a stream. Null where it says nothing that is known. */
function showAnswer(api: Api, head: ResponseHead, body: Buffer): Shown | null {
  const answer = new ModelAnswer(api.shape, kept);
  answer.head(head);
  answer.bytes(body);
  const messages = answer.messages();
  // The beginning of an event says nothing yet.
  const isStream = isEventStream(headerOf(head.headers, 'content-type') ?? '') && (answer.valuesRead > 0 || answer.unread === 0);
  return isStream || messages.length > 0 || answer.error !== null
    ? shown(messages, [describeMessages(messages), describeError(answer.error), describeUnread(answer.unread)])
    : null;
}

/**
 * A later piece of a stream: what the events that end in it say. The pieces before it, as far as they are at hand, tell where its first event began
 * and what stream it is; without them that shows in its bytes.
 */
function showPiece(api: Api, piece: Buffer, before: Before): Shown | null {
  const { type, lead, last } = decodePiece(piece, before);
  if (type !== null) {
    return showEvents(api, { type, isCertain: true, lead, piece: last });
  }
  for (const guess of [sseType, awsType, 'application/json']) {
    for (const guessedLead of [before.bytes, Buffer.alloc(0)]) {
      const guessed = showEvents(api, { type: guess, isCertain: false, lead: guessedLead, piece });
      if (guessed !== null) {
        return guessed;
      }
    }
  }
  return null;
}

interface Piece {
  readonly type: string;
  /** The type was said by the answer's head. */
  readonly isCertain: boolean;
  readonly lead: Buffer;
  readonly piece: Buffer;
}

/** The events that end in `piece`, after `lead`. Null where it is no such stream, and where it holds nothing but what cannot be read. */
function showEvents(api: Api, { type, isCertain, lead, piece }: Piece): Shown | null {
  const framing = framingOf(type);
  const draft = new AnswerDraft(kept, true);
  framing.push(lead);
  const unreadBefore = framing.skipped;
  const values = framing.push(piece);
  for (const value of values) {
    api.shape.read(value, draft);
  }
  const messages = draft.messages();
  const unread = framing.skipped - unreadBefore;
  // The middle of an event says nothing yet.
  const isStream = isEventStream(type) && (values.length > 0 || (isCertain && unread === 0));
  return isStream || messages.length > 0 || draft.error !== null
    ? shown(messages, [...messages.map(describeFragment), describeError(draft.error), describeUnread(unread)])
    : null;
}

function shown(messages: readonly Message[], lines: readonly string[]): Shown {
  return {
    text: lines.filter((line) => line !== '').join('\n'),
    attributes: messages.length === 0 ? {} : { 'gen_ai.output.messages': jsonText(messages) },
  };
}

function describeError(error: AnswerError | null): string {
  return error === null ? '' : ['error', error.type, error.message].filter((word) => word !== undefined && word !== '').join(' ');
}

function describeUnread(unread: number): string {
  return unread <= 0 ? '' : `(${unread} ${unread === 1 ? 'event' : 'events'} more that cannot be read)`;
}

function asItIs(bytes: Buffer): Shown {
  return { text: plainText(bytes), attributes: {} };
}

/** The API of the request that a record answers. */
function apiOf(record: OpenedRecord, earlier: Earlier): Api | null {
  const asked = record.meta?.request === undefined ? null : earlier(record.meta.request);
  const request = readRecordedRequest(contentOf(asked));
  return request === null ? null : findRecordedApi(request.head);
}

/** A path is recorded as it was sent, below the base path of the target: that may be any of its beginnings. */
function findRecordedApi(head: RequestHead): Api | null {
  let { path } = head;
  for (let dropped = 0; dropped <= baseSegmentsMax; dropped += 1) {
    const api = findApi({ ...head, path });
    const next = path.indexOf('/', 1);
    if (api !== null || next < 0) {
      return api;
    }
    path = path.slice(next);
  }
  return null;
}

/** What came of an answer before one of its pieces, as far as it matters to that piece. */
interface Before {
  /** Null when the first piece is not at hand. */
  readonly head: ResponseHead | null;
  /** As they were recorded. */
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
function contentOf(record: OpenedRecord | null): Buffer {
  const content = record?.content ?? new Uint8Array();
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

/** The piece and what is before it with their coding undone, which takes all of them from the first. */
function decodePiece(piece: Buffer, { head, bytes }: Before): { readonly type: string | null; readonly lead: Buffer; readonly last: Buffer } {
  if (head === null) {
    return { type: null, lead: bytes, last: piece };
  }
  const lead = decodeBody(head.headers, bytes);
  const whole = decodeBody(head.headers, Buffer.concat([bytes, piece]));
  return { type: headerOf(head.headers, 'content-type') ?? '', lead, last: whole.subarray(lead.length) };
}
