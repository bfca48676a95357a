import { SseParser } from '../../content/sse.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { AwsEventStream, type AwsMessage } from '../../content/aws-event-stream.ts';
import { type JsonObject, parseObject } from './json.ts';
import { JsonDocuments } from './json-documents.ts';

/** Cuts the bytes of an answer into the JSON objects it is made of. Any bytes are acceptable, in any pieces. */
export interface Framing {
  push(piece: Uint8Array): readonly JsonObject[];
  /** What there was and could not be read. */
  readonly skipped: number;
  /** What came is part of a stream and ends with the end of an event: another one may follow. */
  readonly isBetweenEvents: boolean;
}

export const sseType = 'text/event-stream';
export const awsType = 'application/vnd.amazon.eventstream';

export const linesType = 'application/x-ndjson';

export function isEventStream(contentType: string): boolean {
  return [sseType, awsType, linesType].includes(mediaTypeOf(contentType));
}

/** By the `content-type` of the answer; what is none of the kinds of stream is taken for JSON. An event or document that is longer than `eventBytesMax` is skipped and counted. */
export function framingOf(contentType: string, eventBytesMax = defaultEventBytesMax): Framing {
  switch (mediaTypeOf(contentType)) {
    case sseType:
      return sse(eventBytesMax);
    case awsType:
      return awsEventStream(eventBytesMax);
    case linesType:
      return lines(eventBytesMax);
    default:
      return documents(eventBytesMax);
  }
}

export function mediaTypeOf(contentType: string): string {
  const [mediaType = ''] = contentType.toLowerCase().split(';', 1);
  return mediaType.trim();
}

const lineFeed = 0x0a;
/** What OpenAI puts after the last event. */
const lastData = '[DONE]';

function sse(eventBytesMax: number): Framing {
  const parser = new SseParser(eventBytesMax);
  let unreadable = 0;
  return {
    push(piece) {
      return parser.push(piece).flatMap(({ data }) => {
        const value = parseObject(data);
        unreadable += value === null && data !== lastData ? 1 : 0;
        return value === null ? [] : [value];
      });
    },
    get skipped() {
      return parser.skipped + unreadable;
    },
    get isBetweenEvents() {
      return parser.isBetweenEvents;
    },
  };
}

function documents(documentBytesMax: number): Framing {
  const found = new JsonDocuments(documentBytesMax);
  let unreadable = 0;
  return {
    push(piece) {
      return found.push(piece).flatMap((document) => {
        const value = parseObject(document);
        unreadable += value === null ? 1 : 0;
        return value === null ? [] : [value];
      });
    },
    get skipped() {
      return found.skipped + unreadable + (found.isInside ? 1 : 0);
    },
    // One document, or a list that must be closed.
    isBetweenEvents: false,
  };
}

/** One object a line: the end of the line is the end of the event. */
function lines(lineBytesMax: number): Framing {
  const found = documents(lineBytesMax);
  let isLineEnded = true;
  return {
    push(piece) {
      isLineEnded = piece.length === 0 ? isLineEnded : piece.at(-1) === lineFeed;
      return found.push(piece);
    },
    get skipped() {
      return found.skipped;
    },
    get isBetweenEvents() {
      return isLineEnded;
    },
  };
}

function awsEventStream(messageBytesMax: number): Framing {
  const stream = new AwsEventStream(messageBytesMax);
  let unreadable = 0;
  return {
    push(piece) {
      return stream.push(piece).flatMap((message) => {
        const value = named(message);
        unreadable += value === null ? 1 : 0;
        return value === null ? [] : [value];
      });
    },
    get skipped() {
      return stream.skipped + unreadable;
    },
    get isBetweenEvents() {
      return stream.isBetweenMessages;
    },
  };
}

/** An event is an object whose one member is the event, named by its type: the form that the API's reference describes a stream in. */
function named({ headers, payload }: AwsMessage): JsonObject | null {
  const type = headers.get(':event-type') ?? headers.get(':exception-type');
  if (type === undefined) {
    // An error outside of the API's model has no payload.
    const code = headers.get(':error-code');
    return code === undefined ? null : { [code]: { message: headers.get(':error-message') ?? '' } };
  }
  const event = payload.length === 0 ? {} : parseObject(payload.toString('utf8'));
  return event === null ? null : { [type]: event };
}
