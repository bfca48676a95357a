import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { type OpenedRecord, plainRendering, type Rendering, wholeRendering } from '../../domain/record.ts';
import { headerOf, readAnswer, type RequestHead, type ResponseHead } from '../../exchange/reading.ts';
import { frameText } from '../../exchange/recorded/recorded-frame.ts';
import { plainText, readRecordedRequest, readRecordedResponse } from '../../exchange/recorded/recorded-http.ts';
import {
  contentOf,
  type Earlier,
  type Piece,
  pieceText,
  readPiece,
  requestPart,
  wholeAnswer,
  wholeRequest,
  type WholeAnswer,
} from '../../exchange/recorded/recorded-pieces.ts';
import { eventBytesMax } from '../../exchange/target/http-options.ts';
import { AnswerDraft } from './answer-draft.ts';
import { type Kept, ModelAnswer } from './answer.ts';
import { readMessages } from './model-request.ts';
import { awsType, framerOf, isEventStream, sseType, valueOf } from './framing.ts';
import { showLive } from './render-live.ts';
import { type Api, findApi, findBelowBase } from './apis.ts';
import { describeError, inputAttributes, keptCharacters, messagesAttribute, type Shown, shown } from './shown.ts';
import { describeFragment, describeMessages } from './transcript.ts';

/** Makes a record readable for people. Any bytes are acceptable; unknown content is shown as it is. Never throws. */
export function render(record: OpenedRecord, earlier: Earlier): Rendering {
  const content = contentOf(record);
  const {
    text,
    attributes,
    isJoined = false,
  }: Shown = showLive(record, earlier) ??
  frameText(record, earlier) ??
  (record.kind === 'request' ? showRequest(record, content, earlier) : showResponse(record, content, earlier));
  return isJoined ? wholeRendering(text, attributes) : plainRendering(text, attributes);
}

/** Shows a request. A request in several records is shown with the last of them, because a single part of its body may be nothing but media. */
function showRequest(record: OpenedRecord, content: Buffer, earlier: Earlier): Shown {
  const isFirst = record.meta?.request === undefined;
  if (isFirst && !record.continues) {
    return showWholeRequest(content);
  }
  const first = readRecordedRequest(isFirst ? content : contentOf(earlier(record.meta?.request)));
  const takesBody = first !== null && findRecordedApi(first.head)?.takesBody === true;
  if (!takesBody) {
    return isFirst ? showWholeRequest(content) : pieceText(record, earlier);
  }
  const whole = wholeRequest(record, earlier);
  return whole === null ? requestPart(record, earlier) : { ...showWholeRequest(whole), isJoined: true };
}

function showWholeRequest(content: Buffer): Shown {
  const request = readRecordedRequest(content);
  if (request === null) {
    return asItIs(content);
  }
  const { head, body } = request;
  const api = findRecordedApi(head);
  const messages = api?.takesBody === true ? (readMessages(api, body) ?? []) : [];
  return messages.length === 0
    ? { text: [`${head.method} ${head.path}`, plainText(body)].filter((line) => line !== '').join('\n'), attributes: {} }
    : { text: describeMessages(messages), attributes: inputAttributes(messages) };
}

function showResponse(record: OpenedRecord, content: Buffer, earlier: Earlier): Shown {
  const response = readRecordedResponse(content);
  const api = readerOf(record, earlier);
  if (response !== null) {
    return (api === null ? null : showAnswer(api, response.head, response.body)) ?? asItIs(response.body);
  }
  const piece = readPiece(record, earlier);
  const whole = api === null ? null : wholeAnswer(record, earlier);
  const isJson = whole !== null && !isEventStream(headerOf(whole.head.headers, 'content-type') ?? '');
  const ofWhole = api !== null && isJson ? showAnswer(api, whole.head, whole.body) : null;
  const { text, attributes } = ofWhole ?? (api === null ? null : showPiece(api, piece)) ?? pieceText(record, earlier);
  return { text, attributes: { ...attributes, ...(api === null || record.continues ? {} : assembled(api, whole)) }, isJoined: ofWhole !== null };
}

/** The whole message of an answer in several records, for its last record. It is the same as that of an answer in one record. */
function assembled({ shape, kept }: Reader, whole: WholeAnswer | null): Attributes {
  if (whole === null) {
    return { [ownAttributes.isWhole]: false };
  }
  const answer = new ModelAnswer(shape, kept);
  readAnswer(answer, whole.head, [whole.body]);
  return { ...messagesAttribute(answer.messages()), ...(answer.unread === 0 && !answer.isTextCut ? {} : { [ownAttributes.isWhole]: false }) };
}

/** Shows an answer, or the beginning of a stream. Null if it says nothing that is known. */
function showAnswer({ shape, kept }: Reader, head: ResponseHead, body: Buffer): Shown | null {
  const answer = new ModelAnswer(shape, kept);
  readAnswer(answer, head, [body]);
  const messages = answer.messages();
  // The beginning of an event says nothing yet.
  const isStream = isEventStream(headerOf(head.headers, 'content-type') ?? '') && (answer.valuesRead > 0 || answer.unread === 0);
  return isStream || messages.length > 0 || answer.error !== null ? shown(messages, [describeMessages(messages), describeError(answer.error)], answer) : null;
}

/**
 * Shows a later piece of a stream: the text of the events that end in it. The earlier pieces, if they are available, tell the kind of stream and where the
 * first event of this piece began. Without them both are guessed from the bytes of the piece.
 */
function showPiece(api: Reader, { head, lead, bytes }: Piece): Shown | null {
  if (head !== null) {
    return showEvents(api, { type: headerOf(head.headers, 'content-type') ?? '', isCertain: true, lead, piece: bytes });
  }
  for (const guess of [sseType, awsType, 'application/json']) {
    for (const guessedLead of [lead, Buffer.alloc(0)]) {
      const guessed = showEvents(api, { type: guess, isCertain: false, lead: guessedLead, piece: bytes });
      if (guessed !== null) {
        return guessed;
      }
    }
  }
  return null;
}

interface Events {
  readonly type: string;
  /** True if the head of the answer states the type; false if it is a guess. */
  readonly isCertain: boolean;
  readonly lead: Buffer;
  readonly piece: Buffer;
}

/** Shows the events that end in `piece`, which comes after `lead`. Null if it is not a stream of this type, or holds only unreadable events. */
function showEvents({ shape, kept }: Reader, { type, isCertain, lead, piece }: Events): Shown | null {
  const framer = framerOf(type, kept.eventBytes);
  const draft = new AnswerDraft(kept, true);
  framer.push(lead);
  const found = framer.push(piece).map(valueOf);
  const values = found.flatMap((value) => (value === null || value === 'unread' ? [] : [value]));
  const unread = found.filter((value) => value === 'unread').length;
  for (const value of values) {
    shape.read(value, draft);
  }
  const messages = draft.messages();
  // The middle of an event says nothing yet.
  const isStream = isEventStream(type) && (values.length > 0 || (isCertain && unread === 0));
  return isStream || messages.length > 0 || draft.error !== null
    ? shown(messages, [...messages.map(describeFragment), describeError(draft.error)], { unread, isTextCut: draft.isTextCut })
    : null;
}

function asItIs(bytes: Buffer): Shown {
  return { text: plainText(bytes), attributes: {} };
}

/** How to read the answers of an API, within the limits that the target's options set. */
interface Reader {
  readonly shape: Api['shape'];
  readonly kept: Kept;
}

/** Finds how to read a record by the request that it answers. */
function readerOf(record: OpenedRecord, earlier: Earlier): Reader | null {
  const asked = record.meta?.request === undefined ? null : earlier(record.meta.request);
  const request = readRecordedRequest(contentOf(asked));
  const api = request === null ? null : findRecordedApi(request.head);
  const { target, targets = [] } = record.channelFacts ?? {};
  const eventBytes = eventBytesMax(targets.find(({ name }) => name === target) ?? { options: {} });
  return api === null ? null : { shape: api.shape, kept: { ...keptCharacters, eventBytes } };
}

function findRecordedApi(head: RequestHead): Api | null {
  return findBelowBase(head, findApi);
}
