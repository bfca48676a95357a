import type { Attributes } from '../../domain/action.ts';
import type { OpenedRecord, Rendering } from '../../domain/record.ts';
import type { ResponseHead } from '../../wire/http/reading.ts';
import { type AnswerError, AnswerDraft } from './answer-draft.ts';
import { ModelAnswer } from './answer.ts';
import { readMessages } from './apis.ts';
import { framingOf, streamTypes } from './framing.ts';
import { jsonText } from './json.ts';
import { plainText, readRecordedRequest, readRecordedResponse } from '../../wire/http/recorded-http.ts';
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
/** How much of an answer's text is put together. */
const answerCharactersMax = 16 * 1024 * 1024;
/** How far before a piece of a stream the piece before it is looked for. */
const pieceDistanceMax = 16;

/** What a person reads of a record. Any bytes are acceptable; what is not known is shown as it is. Never throws. */
export function render(record: OpenedRecord, earlier: Earlier): Rendering {
  const content = Buffer.from(record.content ?? []);
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
  const api = request === null ? null : findApi(request.head);
  if (request === null || api === null) {
    return asItIs(content);
  }
  if (!api.takesBody) {
    return { text: `${request.head.method} ${request.head.path}`, attributes: {} };
  }
  const messages = readMessages(api, request.body);
  return messages === null || messages.length === 0
    ? asItIs(request.body)
    : { text: describeMessages(messages), attributes: { 'gen_ai.input.messages': jsonText(messages) } };
}

function showResponse(record: OpenedRecord, content: Buffer, earlier: Earlier): Shown {
  const response = readRecordedResponse(content);
  const api = apiOf(record, earlier);
  if (response !== null) {
    return (api === null ? null : showAnswer(api, response.head, response.body)) ?? asItIs(response.body);
  }
  return (api === null ? null : showPiece(api, content, pieceBefore(record, earlier))) ?? asItIs(content);
}

/** An answer, or the beginning of a stream. Null where it says nothing that is known. */
function showAnswer(api: Api, head: ResponseHead, body: Buffer): Shown | null {
  const answer = new ModelAnswer(api.shape, answerCharactersMax);
  answer.head(head);
  answer.bytes(body);
  const messages = answer.messages();
  const isStream = answer.valuesRead > 0 && streamTypes.some((type) => isOfType(head, type));
  return isStream || messages.length > 0 || answer.error !== null ? shown(messages, describeMessages(messages), answer.error) : null;
}

/**
 * A later piece of a stream alone: what the events that end in it say. Which stream it is shows in its bytes. The piece before it
 * tells where its first event began; where that is of no help, the piece is read for itself.
 */
function showPiece(api: Api, piece: Buffer, before: Buffer): Shown | null {
  for (const type of [...streamTypes, 'application/json']) {
    for (const lead of before.length === 0 ? [before] : [before, Buffer.alloc(0)]) {
      const framing = framingOf(type);
      const draft = new AnswerDraft(answerCharactersMax);
      framing.push(lead);
      const values = framing.push(piece);
      for (const value of values) {
        api.shape.read(value, draft);
      }
      const messages = draft.messages();
      const isStream = values.length > 0 && streamTypes.includes(type);
      if (isStream || messages.length > 0 || draft.error !== null) {
        return shown(messages, messages.map(describeFragment).join('\n'), draft.error);
      }
    }
  }
  return null;
}

function shown(messages: readonly Message[], text: string, error: AnswerError | null): Shown {
  const failure = error === null ? '' : ['error', error.type, error.message].filter((word) => word !== undefined && word !== '').join(' ');
  return {
    text: [text, failure].filter((line) => line !== '').join('\n'),
    attributes: messages.length === 0 ? {} : { 'gen_ai.output.messages': jsonText(messages) },
  };
}

function isOfType(head: ResponseHead, type: string): boolean {
  return head.headers.some(([name, value]) => name === 'content-type' && value.toLowerCase().startsWith(type));
}

function asItIs(bytes: Buffer): Shown {
  return { text: plainText(bytes), attributes: {} };
}

/** The API of the request that a record answers. */
function apiOf(record: OpenedRecord, earlier: Earlier): Api | null {
  const asked = record.meta?.request === undefined ? null : earlier(record.meta.request);
  const request = readRecordedRequest(Buffer.from(asked?.content ?? []));
  return request === null ? null : findApi(request.head);
}

function pieceBefore(record: OpenedRecord, earlier: Earlier): Buffer {
  for (let distance = 1; distance <= pieceDistanceMax; distance += 1) {
    const candidate = earlier(record.seq - distance);
    if (candidate !== null && candidate.kind === record.kind && candidate.meta?.request === record.meta?.request) {
      const content = Buffer.from(candidate.content ?? []);
      return readRecordedResponse(content)?.body ?? content;
    }
  }
  return Buffer.alloc(0);
}
