import { GatewayError } from '../domain/errors.ts';
import { AwsMessages, composeAwsMessage, withPayload } from './aws-event-stream.ts';
import type { AwsMessage, Frame, Splitter } from './frame.ts';
import { Framer, lines as linesOf, wholeBody } from './framer.ts';
import { SseEvents } from './sse.ts';
import { boundaryOf, multipartFrame, urlencodedFrame } from './form-frames.ts';
import { TextFrames, textFrame, utf8Text, type EventParts, type FindParts, type KnowMember, type TextFrame } from './text-frame.ts';

/** Splits a body into frames whose texts can be changed. Any bytes are acceptable, in any pieces. */
export interface TextFramer {
  /** Returns the frames that end in this piece. Throws GatewayError `limit_exceeded` for a frame that is too long. */
  push(bytes: Buffer): readonly TextFrame[];
  /** Ends the body. Returns the frame that had no end of its own. */
  end(): readonly TextFrame[];
  /** True if all bytes so far are in frames that were returned, and another frame may follow. False where that is not known. */
  isBetweenFrames(): boolean;
}

export interface FramerOptions {
  /** Most bytes of one frame. */
  readonly frameBytesMax: number;
  readonly findParts: FindParts | null;
  /** See `FrameParts`. */
  readonly takesNull?: boolean;
  /** See `FrameParts`. */
  readonly knowMember?: KnowMember;
  /** True if JSON is in lines, each with a document. */
  readonly areLines?: boolean;
  /** See `FrameParts`. */
  readonly isJson?: boolean;
  /** See `FrameParts`. */
  readonly name?: string;
}

/** Matches a line with its end. */
const line = /([^\r\n]*)(\r\n|\r|\n|$)/g;
/** Matches an event of one line of data. */
const onlyData = /^data: ?([^\r\n]*)[\r\n]*$/;
/** The fields that an event may have. A comment has a field without a name. */
const knownFields: ReadonlySet<string> = new Set(['data', 'event', 'id', 'retry', '']);
/** Matches a line of an event whose data begin like JSON. */
const jsonLine = /^data: ?[[{"]/;
/** Matches a line that may stand before such a line in an event stream. */
const earlierLine = /^(?:event|id|retry)?:/;

/** Chooses how to split a body of this media type. Null if no texts can be found in it. */
export function framerOf(contentType: string, options: FramerOptions): TextFramer | null {
  if (!isUtf8Named(contentType)) {
    return null;
  }
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  switch (type.trim()) {
    case 'text/event-stream':
      return sseFramer(options);
    case 'application/x-ndjson':
    case 'application/jsonl':
      return lineFramer({ ...options, isJson: true });
    case 'application/vnd.amazon.eventstream':
      return awsFramer(options);
    case 'application/x-www-form-urlencoded':
      return wholeFramer(options, (bytes) => [urlencodedFrame(bytes)]);
    case 'multipart/form-data':
      return formFramer(contentType, options);
    default:
      if (options.areLines === true && isJson(type.trim())) {
        return lineFramer({ ...options, isJson: true });
      }
      return isText(type.trim()) ? wholeFramer(options, (bytes) => bodyFrames(bytes, { ...options, isJson: isJson(type.trim()) })) : null;
  }
}

/** Each part of the form is split like a body of its own media type. A form within a form is not. */
function formFramer(contentType: string, options: FramerOptions): TextFramer | null {
  const boundary = boundaryOf(contentType);
  const framesOf = (type: string, name: string, bytes: Buffer): readonly TextFrame[] | null => {
    const framer = /^\s*multipart/i.test(type) ? null : framerOf(type, { ...options, findParts: null, name });
    return framer === null ? null : [...framer.push(bytes), ...framer.end()];
  };
  return boundary === null ? null : wholeFramer(options, (bytes) => [multipartFrame(bytes, { boundary, framesOf })]);
}

/** True if a media type names no encoding other than UTF-8. Clients differ in which of several they take, and some take it for JSON too. */
function isUtf8Named(contentType: string): boolean {
  return [...contentType.matchAll(/charset[\s*]*=\s*["']?([^\s;,"']*)/gi)].every(([, charset = '']) => /^(?:utf-?8|us-ascii)$/i.test(charset));
}

function isText(type: string): boolean {
  return isJson(type) || /^(?:text\/[^,]*)?$/.test(type);
}

/** True for JSON, and for a script, which may hand over JSON to a function. */
function isJson(type: string): boolean {
  return /^(?:application\/(?:[\w.-]+\+)?json|text\/(?:json|(?:java|ecma)script))$/.test(type);
}

/**
 * Each event of an event stream is a frame. Its data are one text, or JSON; each other line of it is a text too. A piece without any field of an event is one
 * text, or JSON. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
function sseFramer(options: FramerOptions): TextFramer {
  let isFirst = true;
  const frames = new TextFrames();
  const events = new SseEvents({ areCommentsApart: false });
  // The texts of an event are found in its bytes, so the event itself is not read.
  const unread = (bytes: Buffer): Frame => ({ is: 'other', bytes });
  const splitter: Splitter = { isStream: true, ends: (bytes) => events.ends(bytes), frame: unread, last: unread };
  return framed(new Framer(splitter, options.frameBytesMax), options, ({ bytes }) => {
    const text = utf8Text(bytes);
    const mark = isFirst && text.startsWith('\u{feff}') ? 1 : 0;
    isFirst = false;
    const frameOf = (data: string): TextFrame => frames.frame(data, { bytes: bytes.length, wrap: (changed) => Buffer.from(changed), ...options });
    // Most events are one line of data, and stay as they are.
    const [, only] = onlyData.exec(text) ?? [];
    if (only !== undefined) {
      const inner = frameOf(only);
      const write = (changed: readonly string[]): Buffer => Buffer.from(writeEvent(eventLines(text), inner.compose(changed).toString(), new Map()));
      return { ...inner, compose: (changed) => (isSame(inner, changed) ? bytes : write(changed)) };
    }
    const lines = eventLines(text.slice(mark));
    if (!lines.every(isKnown)) {
      if (lines.some((each) => each.field + each.value !== '' && isKnown(each))) {
        throw new GatewayError('unsupported', 'Policy changes texts, and a line of an event in an event stream is not one.');
      }
      return frameOf(text);
    }
    const others = lines.filter(({ isData, value }) => !isData && value !== '');
    const held = lines.filter(({ isData }) => isData).map(({ value }) => value);
    const inner: TextFrame = held.length === 0 ? { bytes: bytes.length, texts: [], ends: null, compose: () => Buffer.alloc(0) } : frameOf(held.join('\n'));
    const texts = [...inner.texts, ...others.map(({ value }) => ({ text: value, partOf: null }))];
    return {
      ...inner,
      texts,
      compose: (changed) => {
        if (isSame({ texts }, changed)) {
          return bytes;
        }
        const { length } = inner.texts;
        const values = new Map(others.map((each, i) => [each, (changed[length + i] ?? '').replaceAll(/[\r\n]+/g, ' ')]));
        return Buffer.from(text.slice(0, mark) + writeEvent(lines, inner.compose(changed.slice(0, length)).toString(), values));
      },
    };
  });
}

/** A line of an event. */
interface EventLine {
  /** The name of the field, with the colon and the space behind it. */
  readonly field: string;
  readonly value: string;
  /** The characters that end the line. */
  readonly end: string;
  readonly isData: boolean;
}

/** Reads the lines of an event. It may have millions of them, for which regular expressions take seconds. */
function eventLines(text: string): readonly EventLine[] {
  const lines: EventLine[] = [];
  const nextOf = (sign: string, at: number): number => {
    const next = text.indexOf(sign, at);
    return next === -1 ? text.length : next;
  };
  // Each character is searched only once: a position is searched again only after it was passed.
  let [feed, back] = [nextOf('\n', 0), nextOf('\r', 0)];
  for (let at = 0; at < text.length;) {
    feed = feed < at ? nextOf('\n', at) : feed;
    back = back < at ? nextOf('\r', at) : back;
    const end = Math.min(feed, back);
    const next = end === back && feed === back + 1 ? end + 2 : end + 1;
    lines.push(eventLine(text.slice(at, end), text.slice(end, next)));
    at = next;
  }
  return lines;
}

function isKnown({ field, value }: EventLine): boolean {
  return knownFields.has(field === '' ? value : field.slice(0, field.indexOf(':')));
}

/** True if the texts of a frame are its own. */
function isSame({ texts }: Pick<TextFrame, 'texts'>, changed: readonly string[]): boolean {
  return changed.every((each, i) => each === texts[i]?.text);
}

function eventLine(text: string, end: string): EventLine {
  const colon = text.indexOf(':');
  const valueAt = colon + (text[colon + 1] === ' ' && colon >= 0 ? 2 : 1);
  return { field: text.slice(0, valueAt), value: text.slice(valueAt), end, isData: text.startsWith('data:') };
}

/** Writes an event with other data, in the place of its first line of data, and with other values in its other lines. */
function writeEvent(lines: readonly EventLine[], changed: string, values: ReadonlyMap<EventLine, string>): string {
  const first = lines.find(({ isData }) => isData);
  const write = (each: EventLine): string => {
    const { field, value, end, isData } = each;
    if (!isData) {
      return field + (values.get(each) ?? value) + end;
    }
    return each === first ? field + changed.replaceAll('\n', `${end === '' ? '\n' : end}data: `) + end : '';
  };
  return lines.map(write).join('');
}

/** Each line is a frame. */
function lineFramer(options: FramerOptions): TextFramer {
  const frames = new TextFrames();
  return framed(new Framer(linesOf(), options.frameBytesMax), options, ({ bytes }) => wholeFrame(bytes, options, frames));
}

/** Holds the body until it is whole. */
function wholeFramer(options: FramerOptions, framesOf: (bytes: Buffer) => readonly TextFrame[]): TextFramer {
  const body = new Framer(wholeBody(), options.frameBytesMax);
  return {
    push: (bytes) => {
      assertKept(body.push(bytes), options);
      return [];
    },
    end: () => body.end().flatMap(({ bytes }) => framesOf(bytes)),
    isBetweenFrames: () => false,
  };
}

/**
 * The body is one frame. Only in a list of events can one text continue another. A body that is an event stream, or lines of JSON, is split like one, because
 * there are clients that read it so whatever its head says.
 */
function bodyFrames(bytes: Buffer, options: FramerOptions): readonly TextFrame[] {
  const text = utf8Text(bytes);
  const isStream = isEventStream(text);
  if (isStream || isLines(text)) {
    const framer = isStream ? sseFramer({ ...options, isJson: false }) : lineFramer(options);
    return [...framer.push(bytes), ...framer.end()];
  }
  return [wholeFrame(bytes, /^\s*\[/.test(text) ? options : { ...options, findParts: null })];
}

/** True if a body begins like an event stream with JSON, whatever its head says. */
function isEventStream(text: string): boolean {
  for (const [, each = ''] of text.replace(/^\u{feff}/u, '').matchAll(line)) {
    if (each !== '' && !earlierLine.test(each)) {
      return jsonLine.test(each);
    }
  }
  return false;
}

/** True if the first of several lines is a JSON document, as in lines of JSON. */
function isLines(text: string): boolean {
  const end = text.indexOf('\n');
  const first = text.slice(0, Math.max(end, 0)).trim();
  try {
    return first.startsWith('{') && text.slice(end).trim() !== '' && JSON.parse(first) !== null;
  } catch {
    return false;
  }
}

/** Makes a frame of bytes that are one text, or JSON. Throws GatewayError `unsupported` if they are not UTF-8. */
function wholeFrame(bytes: Buffer, options: FramerOptions, frames = new TextFrames()): TextFrame {
  const text = utf8Text(bytes);
  return frames.frame(text, { bytes: bytes.length, wrap: (changed) => (changed === text ? bytes : Buffer.from(changed)), ...options });
}

/** Each message of application/vnd.amazon.eventstream is a frame. Its payload is one text, or JSON; an event of Bedrock may hold another one in base64. Throws GatewayError `malformed`, or `unsupported` for a payload that is no text. */
function awsFramer({ frameBytesMax, findParts }: FramerOptions): TextFramer {
  const stream = new Framer(new AwsMessages(), frameBytesMax);
  const textsOf = (frame: Frame): TextFrame => {
    if (frame.is !== 'message') {
      throw new GatewayError('malformed', 'Policy changes texts, and a message of the event stream is damaged, too long or not whole.');
    }
    return awsFrame(frame.message, findParts);
  };
  return {
    push: (bytes) => stream.push(bytes).map(textsOf),
    end: () => stream.end().map(textsOf),
    isBetweenFrames: () => false,
  };
}

function awsFrame(message: AwsMessage, findParts: FindParts | null): TextFrame {
  const { bytes, headers, payload } = message;
  const said = headers.get(':error-message');
  if (said !== undefined && payload.length === 0) {
    const wrap = (changed: string): Buffer => composeAwsMessage({ ...Object.fromEntries(headers), ':error-message': changed }, payload);
    return textFrame(said, { bytes: bytes.length, wrap, findParts: null });
  }
  if (said !== undefined) {
    throw new GatewayError('unsupported', 'Policy changes texts in answers of this target, and an error of the event stream has a payload.');
  }
  const type = headers.get(':event-type') ?? '';
  const text = utf8Text(payload);
  const inner = type === 'chunk' ? encodedEvent(text) : null;
  if (inner !== null) {
    const wrap = (changed: string): Buffer => withPayload(message, JSON.stringify({ bytes: Buffer.from(changed).toString('base64') }));
    return textFrame(utf8Text(inner), { bytes: bytes.length, wrap, findParts });
  }
  return textFrame(text, {
    bytes: bytes.length,
    wrap: (changed) => (changed === text ? bytes : withPayload(message, changed)),
    findParts: findParts === null ? null : (event) => partsBelow(`${type}/`, findParts({ [type]: event })),
  });
}

/** Returns the event in base64 that a chunk of Bedrock holds; null if there is none. */
function encodedEvent(text: string): Buffer | null {
  try {
    const { bytes }: { readonly bytes?: unknown } = JSON.parse(text);
    return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : null;
  } catch {
    return null;
  }
}

function partsBelow(prefix: string, { parts, ends }: EventParts): EventParts {
  return { parts: new Map([...parts].map(([path, name]) => [path.slice(prefix.length), name])), ends };
}

/** Makes the texts of each frame that a framer cuts. */
function framed(framer: Framer, options: FramerOptions, textsOf: (frame: Frame) => TextFrame): TextFramer {
  return {
    push: (bytes) => assertKept(framer.push(bytes), options).map(textsOf),
    end: () => framer.end().map(textsOf),
    isBetweenFrames: () => framer.isBetweenFrames,
  };
}

/** Throws GatewayError `limit_exceeded` if a frame is too long to be changed. */
function assertKept(frames: readonly Frame[], { frameBytesMax }: FramerOptions): readonly Frame[] {
  if (frames.some(({ is }) => is === 'long')) {
    throw new GatewayError('limit_exceeded', `Policy changes texts, and one of them is longer than ${frameBytesMax} bytes.`);
  }
  return frames;
}
