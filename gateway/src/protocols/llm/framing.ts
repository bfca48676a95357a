import { SseParser } from '../../content/sse.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { AwsEventStream, type AwsMessage } from '../../content/aws-event-stream.ts';
import { type JsonObject, parseObject } from './json.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { JsonDocuments } from './json-documents.ts';

/** Splits the bytes of an answer into its JSON objects. Any bytes are acceptable, in any pieces. */
export interface Framing {
  push(piece: Uint8Array): readonly JsonObject[];
  /** The bytes of an answer that were left unread because its first document is long. */
  readonly long?: Buffer | null;
  /** Number of events or documents that could not be read. */
  readonly skipped: number;
  /** True if the answer is a stream and the bytes that came end with the end of an event: another event may follow. */
  readonly isBetweenEvents: boolean;
}

export const sseType = 'text/event-stream';
export const awsType = 'application/vnd.amazon.eventstream';

export const linesType = 'application/x-ndjson';

export function isEventStream(contentType: string): boolean {
  return [sseType, awsType, linesType].includes(mediaTypeOf(contentType));
}

/** Chooses the framing by the `content-type` of the answer. A type that is not a known stream is read as JSON. An event or document longer than `eventBytesMax` bytes is skipped and counted. An answer that begins with a document of `readBytesMax` or more is left unread; a list is not. */
export function framingOf(contentType: string, eventBytesMax = defaultEventBytesMax, readBytesMax = Infinity): Framing {
  switch (mediaTypeOf(contentType)) {
    case sseType:
      return sse(eventBytesMax);
    case awsType:
      return awsEventStream(eventBytesMax);
    case linesType:
      return lines(eventBytesMax);
    default:
      return documents(eventBytesMax, readBytesMax);
  }
}

export function mediaTypeOf(contentType: string): string {
  const [mediaType = ''] = contentType.toLowerCase().split(';', 1);
  return mediaType.trim();
}

const lineFeed = 0x0a;
/** The data that OpenAI sends after the last event. */
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

function documents(documentBytesMax: number, readBytesMax = Infinity): Framing {
  const found = new JsonDocuments(documentBytesMax);
  let [unreadable, hasRead] = [0, false];
  /** All bytes from the beginning of the first document, if it is longer than may be read here. Empty: it is too long to be held. */
  let long: ByteWriter | null = null;
  const hold = (bytes: Uint8Array): void => {
    const isTooLong = (long?.length ?? 0) + bytes.length > documentBytesMax;
    unreadable += isTooLong ? 1 : 0;
    long = isTooLong ? new ByteWriter() : (long ?? new ByteWriter()).bytes(bytes);
  };
  const read = (piece: Uint8Array): JsonObject[] => {
    const values = found.push(piece).flatMap((document) => {
      hasRead = true;
      const value = parseObject(document.toString());
      unreadable += value === null ? 1 : 0;
      return value === null ? [] : [value];
    });
    if (!hasRead && !found.isList && found.heldBytes >= readBytesMax) {
      hold(found.giveUp());
    }
    return values;
  };
  return {
    push(piece) {
      const values: JsonObject[] = [];
      // The piece is read in parts, because a document that ends within one part is not long.
      for (let at = 0; at < piece.length; at += readBytesMax) {
        if (long !== null) {
          hold(piece.subarray(at));
          break;
        }
        values.push(...read(piece.subarray(at, at + readBytesMax)));
      }
      return values;
    },
    get long() {
      return long === null || long.length === 0 ? null : long.finish();
    },
    get skipped() {
      return found.skipped + unreadable + (found.isInside ? 1 : 0);
    },
    // The answer is one document, or a list that must be closed.
    isBetweenEvents: false,
  };
}

/** Reads one object per line: the end of the line is the end of the event. */
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

/** Gives a message as an object with one member, which is the event under the name of its type. The API's reference describes a stream in this form. Null if the message cannot be read. */
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
