import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../domain/errors.ts';
import { jsonTexts, withJsonTexts, type JsonText } from './json-texts.ts';

/** A piece of an answer or a request whose texts are changed and which is released whole: an event, a line, a row, a message, or a body. */
export interface TextFrame {
  readonly bytes: number;
  readonly texts: readonly FrameText[];
  /** Tells by the name of a text in pieces whether it ends with this frame. Null: none does. */
  readonly ends: ((name: string) => boolean) | null;
  /** Returns the bytes of the frame with other texts in place of its own, one for each. */
  compose(texts: readonly string[]): Buffer;
}

interface FrameText {
  readonly text: string;
  /** The name of the longer text of which this text is a piece and which other frames continue. Null: this text is whole. */
  readonly partOf: string | null;
  /** Names where the value comes from. Absent: that is not known. See `TextChange`. */
  readonly sources?: readonly string[];
}

/**
 * Finds the texts of an event that are pieces of longer texts, which other events continue. An event that is not JSON is a text. Throws GatewayError `unsupported` if they cannot be found.
 */
export type FindParts = (event: unknown) => EventParts;

export interface EventParts {
  /** The name of the longer text, by the path of each text that is a piece of one. */
  readonly parts: ReadonlyMap<string, string>;
  readonly ends: TextFrame['ends'];
}

export interface FrameParts {
  readonly bytes: number;
  readonly wrap: (text: string) => Buffer;
  /** Null: no text of the frame is a piece of a longer one. */
  readonly findParts: FindParts | null;
  /** True if a value of JSON of which nothing is left may be null, whatever it was. Otherwise a string stays a string. */
  readonly takesNull?: boolean;
  /** True if its media type says that it is JSON. */
  readonly isJson?: boolean;
}

/** The source of a text that may be of any member. See `TextChange`. */
const anyMember: readonly string[] = ['/*'];
const json = /^\s*["[{]/;
/** Matches a string, or a number that JSON does not have and some servers write. */
const notJson = /("(?:[^"\\]|\\.)*")|\bNaN\b|-?\bInfinity\b/gs;
/** Matches the path of a member that names the media type of bytes, and that of a member that holds them in base64: in MCP, Gemini, and Messages. */
const typeMember = /(?<=^|\/)(?:mimeType|mime_type|media_type)$/;
const contentMember = /(?<=^|\/)(?:blob|data)$/;
const textType = /^(?:text\/[\w.+-]+|application\/(?:[\w.-]+\+)?(?:json|xml))(?:\s*;|$)/i;
/** The parts of an event without texts in pieces. */
export const noParts: EventParts = { parts: new Map(), ends: null };

/** Makes a frame of this many bytes that is one text, or JSON with its texts. `wrap` makes the bytes of the frame. */
export function textFrame(text: string, { bytes, wrap, findParts, takesNull = false, isJson = false }: FrameParts): TextFrame {
  const found = json.test(text) ? jsonTexts(text) : null;
  if (found === null) {
    const ends = findParts?.(text.trim()).ends ?? null;
    if (mayHaveMembers(text, isJson)) {
      const inner = text.trim();
      return { bytes, texts: [{ text: inner, partOf: null, sources: anyMember }], ends, compose: ([changed = '']) => wrap(text.replace(inner, () => changed)) };
    }
    return { bytes, texts: [{ text, partOf: null }], ends, compose: ([changed = '']) => wrap(changed) };
  }
  const { parts, ends } = findParts === null ? noParts : partsOf(text, findParts);
  const encoded = encodedTexts(found);
  return {
    bytes,
    texts: found.map((each) => ({
      text: encoded.get(each) ?? each.text,
      partOf: each.path === null ? null : (parts.get(each.path) ?? null),
      ...(each.path === null ? {} : { sources: [`/${each.path}`] }),
    })),
    ends,
    compose: (changed) => {
      const written = found.map((each, i) => {
        const [was, is] = [encoded.get(each), changed[i] ?? each.text];
        return was === undefined ? is : was === is ? each.text : Buffer.from(is).toString('base64');
      });
      return wrap(withJsonTexts(text, found, written, takesNull));
    },
  };
}

/** True if a text that is not read as JSON may be taken for it by others, who then find members in it. */
function mayHaveMembers(text: string, isJson: boolean): boolean {
  return isJson ? jsonTexts(text) === null : json.test(text) && text.includes(':', text.indexOf('{') + 1) && text.includes('{');
}

/** Returns the texts in base64 among those of a JSON document, decoded: those of which a member beside them says that they are text. */
function encodedTexts(found: readonly JsonText[]): ReadonlyMap<JsonText, string> {
  const places = new Set(
    found.flatMap(({ text, path }) => (path?.endsWith('ype') === true && typeMember.test(path) && textType.test(text) ? [path.replace(typeMember, '')] : [])),
  );
  const held = places.size === 0 ? [] : found.filter(({ path }) => path !== null && contentMember.test(path) && places.has(path.replace(contentMember, '')));
  return new Map(
    held.flatMap((each) => {
      const bytes = Buffer.from(each.text, 'base64');
      return bytes.toString('base64') === each.text && isUtf8(bytes) && !bytes.includes(0) ? [[each, bytes.toString()] as const] : [];
    }),
  );
}

/** Finds the parts of a text. A list counts as its events, one after the other. Throws GatewayError `unsupported` if the text is not one JSON document. */
function partsOf(text: string, findParts: FindParts): EventParts {
  let event: unknown;
  try {
    event = parseLenient(text.replace(/^\u{feff}/u, ''));
  } catch (cause) {
    throw new GatewayError('unsupported', 'Policy changes texts, and whether an event that is not JSON continues a text cannot be found.', { cause });
  }
  if (!Array.isArray(event)) {
    return findParts(event);
  }
  const parts = event.flatMap((each, i) => [...findParts(each).parts].map(([path, name]) => [`${i}/${path}`, name] as const));
  return { parts: new Map(parts), ends: null };
}

function parseLenient(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replaceAll(notJson, (_found, quoted = 'null') => quoted));
  }
}

/** Returns bytes as text. Throws GatewayError `unsupported` if they are not UTF-8, or hold NUL, as UTF-16 does. */
export function utf8Text(bytes: Buffer): string {
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new GatewayError('unsupported', 'Policy changes texts, and no texts can be found in bytes that are not UTF-8.');
  }
  return bytes.toString();
}
