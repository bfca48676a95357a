import { countOf } from '../../domain/count-of.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { OpenedRecord } from '../../domain/record.ts';
import { readRecordedRequest } from '../../exchange/recorded/recorded-http.ts';
import { contentOf, type Earlier } from '../../exchange/recorded/recorded-pieces.ts';
import { joinPayloads } from '../../exchange/websocket/websocket-frames.ts';
import { AnswerDraft } from './answer-draft.ts';
import { isObject, type JsonObject, jsonText, parseObject, textAt } from './json.ts';
import { findLiveApi } from './live-apis.ts';
import type { LiveShape } from './live-shape.ts';
import { findBelowBase } from './apis.ts';
import { describeError, inputAttributes, keptCharacters, messagesAttribute, type Shown, shown } from './shown.ts';
import { describeFragment, describeMessages, describePart, media, type Message, modalityOf, type Part } from './transcript.ts';

/** Most records of one connection that are searched for the beginning of an answer. */
const answerRecordsMax = 16 * 1024;
/** Fewest characters of a text that is taken for media. A shorter text is always shown. */
const mediaCharactersMin = 64;
/** Most records that one message may be in: more than the limit of a message takes. */
const partsMax = 1024;
const base64 = /^(?:data:[\w.+/;=-]*,)?[A-Za-z0-9+/_-]+={0,2}$/;

/** Makes readable a message of a conversation with a model over WebSocket. Null for any other record. Any bytes are acceptable. Never throws. */
export function showLive(record: OpenedRecord, earlier: Earlier): Shown | null {
  const first = firstPart(record, earlier);
  const shape = first === null ? null : shapeOf(first, earlier);
  if (first === null || shape === null) {
    return null;
  }
  if (record.continues) {
    return { text: `(a part of a message, ${countOf(contentOf(record).length, 'byte')}; its last part shows all of it)`, attributes: {} };
  }
  const bytes = wholeContent(record, first, earlier);
  if (bytes === null) {
    return { text: '(the last part of a message; an earlier part is not at hand)', attributes: { [ownAttributes.isWhole]: false } };
  }
  const payload = joinPayloads(bytes);
  const event = parseObject(payload.toString());
  if (event === null) {
    return { text: `(${countOf(payload.length, 'byte')} that are not a JSON object)`, attributes: {} };
  }
  return record.kind === 'request' ? showAsked(event, shape) : showSaid(event, { record: first, shape, earlier });
}

/**
 * Finds the first record of the message to which a record belongs; null if it is not available. A long message is in several records, and only the first has
 * its facts.
 */
function firstPart(record: OpenedRecord, earlier: Earlier): OpenedRecord | null {
  let first: OpenedRecord | null = record;
  for (let distance = 1; first !== null && opcodeOf(first) === undefined && distance <= partsMax; distance += 1) {
    const before = earlier(record.seq - distance);
    first = before !== null && isSame(before, record) && before.continues ? before : null;
  }
  return first !== null && isMessage(first) ? first : null;
}

function isSame(one: OpenedRecord, other: OpenedRecord): boolean {
  return one.kind === other.kind && one.meta?.request === other.meta?.request;
}

function opcodeOf({ meta }: OpenedRecord): unknown {
  return meta?.attributes?.[ownAttributes.websocketOpcode];
}

function isMessage(record: OpenedRecord): boolean {
  const { [ownAttributes.websocketOpcode]: opcode, [ownAttributes.websocketOffset]: offset } = record.meta?.attributes ?? {};
  return (opcode === 'text' || opcode === 'binary') && offset === undefined;
}

function wholeContent(record: OpenedRecord, first: OpenedRecord, earlier: Earlier): Buffer | null {
  const parts: Buffer[] = [];
  for (let { seq } = first; seq <= record.seq; seq += 1) {
    const part = seq === record.seq ? record : seq === first.seq ? first : earlier(seq);
    if (part === null || !isSame(part, record)) {
      return null;
    }
    parts.push(contentOf(part));
  }
  return Buffer.concat(parts);
}

/** Finds the API by the request that opened the connection. A message belongs to that request, or answers a message that does. */
function shapeOf({ meta }: OpenedRecord, earlier: Earlier): LiveShape | null {
  const asked = meta?.request === undefined ? null : earlier(meta.request);
  const opened = asked !== null && isMessage(asked) && asked.meta?.request !== undefined ? earlier(asked.meta.request) : asked;
  const request = readRecordedRequest(contentOf(opened));
  return request === null ? null : (findBelowBase(request.head, findLiveApi)?.shape ?? null);
}

function showAsked(event: JsonObject, shape: LiveShape): Shown {
  const messages = messagesOf(event, shape);
  return messages.length === 0 ? asJson(event) : { text: describeMessages(messages), attributes: inputAttributes(messages) };
}

function messagesOf(event: JsonObject, shape: LiveShape): readonly Message[] {
  try {
    return shape.messages(event);
  } catch {
    return [];
  }
}

interface Said {
  readonly record: OpenedRecord;
  readonly shape: LiveShape;
  readonly earlier: Earlier;
}

function showSaid(event: JsonObject, said: Said): Shown {
  const draft = new AnswerDraft(keptCharacters, true);
  const progress = said.shape.read(event, draft);
  const messages = draft.messages();
  if (messages.every(({ parts, finish_reason: reason }) => parts.length === 0 && reason === undefined) && draft.error === null) {
    return asJson(event);
  }
  const { text, attributes } = shown(messages, [...messages.map(describeFragment), describeError(draft.error)], { unread: 0, isTextCut: draft.isTextCut });
  return { text, attributes: { ...attributes, ...(progress === 'ends' ? assembled(event, said) : {}) } };
}

/** Puts an answer together from its events: the record that completes an answer shows the whole of it. */
function assembled(event: JsonObject, { record, shape, earlier }: Said): Shown['attributes'] {
  const lane = shape.laneOf(event);
  const events = [event];
  for (let seq = record.seq - 1; seq > (record.meta?.request ?? seq) && record.seq - seq < answerRecordsMax; seq -= 1) {
    const before = earlier(seq);
    const first = before === null || before.continues || !isSame(before, record) ? null : firstPart(before, earlier);
    const bytes = before === null || first === null ? null : wholeContent(before, first, earlier);
    const said = bytes === null ? null : parseObject(joinPayloads(bytes).toString());
    if (said !== null && shape.laneOf(said) === lane) {
      if (shape.read(said, new AnswerDraft(keptCharacters, true)) === 'ends') {
        break;
      }
      events.push(said);
    }
  }
  const draft = new AnswerDraft(keptCharacters);
  for (const each of events.toReversed()) {
    shape.read(each, draft);
  }
  return messagesAttribute(draft.messages());
}

function asJson(event: JsonObject): Shown {
  try {
    return { text: jsonText(withoutMedia(event, { name: '', holder: {}, type: textAt(event, 'type') ?? '' })), attributes: {} };
  } catch {
    return { text: '(nested too deep)', attributes: {} };
  }
}

/** The member of an event that contains a value. */
interface Member {
  /** The name of the member, or of the member whose list it is in. */
  readonly name: string;
  readonly holder: JsonObject;
  /** The type of the event. */
  readonly type: string;
}

/** Replaces media in a value by their type, size and digest. */
function withoutMedia(value: unknown, at: Member): unknown {
  if (typeof value === 'string') {
    return isMedia(value, at) ? describePart(mediaOf(value, at)) : value;
  }
  if (Array.isArray(value)) {
    return value.map((each) => withoutMedia(each, at));
  }
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutMedia(member, { ...at, name, holder: value })]))
    : value;
}

function isMedia(value: string, { name, type }: Member): boolean {
  const mayHoldMedia = /^(?:audio|data|b64_json|partial_image_b64|result|image_url|file_data)$/.test(name) || (name === 'delta' && type.includes('audio'));
  return mayHoldMedia && value.length >= mediaCharactersMin && base64.test(value);
}

function mediaOf(value: string, { name, holder }: Member): Part {
  if (value.startsWith('data:')) {
    return media(modalityOf(value.slice('data:'.length)), { uri: value });
  }
  const mimeType = textAt(holder, 'mimeType') ?? textAt(holder, 'mime_type');
  return media(mimeType !== undefined ? modalityOf(mimeType) : name === 'audio' || name === 'delta' ? 'audio' : 'image', { mimeType, base64: value });
}
