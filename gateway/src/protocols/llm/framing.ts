import type { AwsMessage, Frame } from '../../content/frame.ts';
import { AwsMessages } from '../../content/aws-event-stream.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { Framer } from '../../content/framer.ts';
import { JsonDocuments } from '../../content/json-documents.ts';
import { SseEvents } from '../../content/sse.ts';
import { type JsonObject, parseObject } from './json.ts';

export const sseType = 'text/event-stream';
export const awsType = 'application/vnd.amazon.eventstream';
export const linesType = 'application/x-ndjson';
/** The data that OpenAI sends after the last event. */
const lastData = '[DONE]';

export function isEventStream(contentType: string): boolean {
  return [sseType, awsType, linesType].includes(mediaTypeOf(contentType));
}

/** Chooses how an answer is cut by its `content-type`. A type that is not a known stream is read as JSON. `readBytesMax` is as in `Kept`. */
export function framerOf(contentType: string, eventBytesMax = defaultEventBytesMax, readBytesMax = Infinity): Framer {
  switch (mediaTypeOf(contentType)) {
    case sseType:
      return new Framer(new SseEvents(), eventBytesMax);
    case awsType:
      return new Framer(new AwsMessages(), eventBytesMax);
    case linesType:
      return new Framer(new JsonDocuments({ isStream: true }), eventBytesMax);
    default:
      return new Framer(new JsonDocuments({ scannedBytesMax: readBytesMax }), eventBytesMax);
  }
}

export function mediaTypeOf(contentType: string): string {
  const [mediaType = ''] = contentType.toLowerCase().split(';', 1);
  return mediaType.trim();
}

/** Returns the JSON object of a frame. `unread`: the frame cannot be read, or is not whole. Null: it says nothing. */
export function valueOf(frame: Frame): JsonObject | 'unread' | null {
  switch (frame.is) {
    case 'event':
      return frame.event.data === lastData ? null : (parseObject(frame.event.data) ?? 'unread');
    case 'message':
      return named(frame.message) ?? 'unread';
    case 'document':
      return parseObject(frame.bytes.toString()) ?? 'unread';
    case 'damaged':
    case 'long':
      return 'unread';
    case 'whole':
    case 'other':
    case 'unended':
    case 'rest':
      return null;
    default:
      return frame satisfies never;
  }
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
