import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../domain/errors.ts';
import { spelledSource } from '../domain/text-change.ts';
import { endOfString, jsonTexts, withJsonTexts, type JsonText } from './json-texts.ts';

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
 * Finds the texts of an event that are pieces of longer texts, which other events continue. An event that is not JSON is a text. What such a piece says must not matter for the result: other events are
 * known by it that differ only there. Throws GatewayError `unsupported` if they cannot be found.
 */
export type FindParts = (event: unknown) => EventParts;

export interface EventParts {
  /** The name of the longer text, by the path of each text that is a piece of one. */
  readonly parts: ReadonlyMap<string, string>;
  readonly ends: TextFrame['ends'];
}

/** A member of JSON of which a protocol knows by the request what it is. */
interface KnownMember {
  /** The class of which its value is, whatever it looks like. */
  readonly class: string;
  /** True if it holds bytes in base64. */
  readonly isBase64: boolean;
}

/** Returns what is known of a member by its path, such as `data/password`, or `*` where it may be any; null if nothing is. */
export type KnowMember = (path: string) => KnownMember | null;

export interface FrameParts {
  readonly bytes: number;
  readonly wrap: (text: string) => Buffer;
  /** Null: no text of the frame is a piece of a longer one. */
  readonly findParts: FindParts | null;
  /** True if a value of JSON of which nothing is left may be null, whatever it was. Otherwise a string stays a string. */
  readonly takesNull?: boolean;
  /** Absent: nothing is known of any member. */
  readonly knowMember?: KnowMember;
  /** True if its media type says that it is JSON. */
  readonly isJson?: boolean;
  /** The name of what holds the frame: of a field of a form. Absent: it has none. */
  readonly name?: string;
}

/** The source of a text that may be of any member. See `TextChange`. */
const anyMember: readonly string[] = ['/*'];
const json = /^\s*["[{]/;
/** Matches a string, or a number that JSON does not have and some servers write. */
const notJson = /("(?:[^"\\]|\\.)*")|\bNaN\b|-?\bInfinity\b/gs;
/** Matches what is written between the quotes of a string without escapes. */
const plainString = /^[ !#-[\]-\uffff]*$/;
/** Matches the path of a member that names the media type of bytes, and that of a member that holds them in base64: in MCP, Gemini, and Messages. */
const typeMember = /(?<=^|\/)(?:mimeType|mime_type|media_type)$/;
const contentMember = /(?<=^|\/)(?:blob|data)$/;
const textType = /^(?:text\/[\w.+-]+|application\/(?:[\w.-]+\+)?(?:json|xml))(?:\s*;|$)/i;
/** The parts of an event without texts in pieces. */
export const noParts: EventParts = { parts: new Map(), ends: null };

/** Makes a frame of this many bytes that is one text, or JSON with its texts. `wrap` makes the bytes of the frame. */
export function textFrame(text: string, parts: FrameParts): TextFrame {
  const document = readDocument(text, parts);
  return document === null ? plainFrame(text, parts) : documentFrame(document, parts);
}

/**
 * Makes the frames of one stream. Most events of a stream say the same as the one before except for their piece of a text. Of such an event only that piece is read: it has the other texts, and the
 * names of longer texts, of the event before.
 */
export class TextFrames {
  /** The last document in which a text is a piece of a longer one. Null: there was none. */
  #last: RepeatedDocument | null = null;

  frame(text: string, parts: FrameParts): TextFrame {
    const repeated = this.#last?.read(text) ?? null;
    const document = repeated ?? readDocument(text, parts);
    if (document === null) {
      return plainFrame(text, parts);
    }
    if (repeated === null && parts.findParts !== null) {
      this.#last = repeatedDocument(document) ?? this.#last;
    }
    return documentFrame(document, parts);
  }
}

function plainFrame(text: string, { bytes, wrap, findParts, knowMember, isJson = false, name }: FrameParts): TextFrame {
  const ends = findParts?.(text.trim()).ends ?? null;
  if (mayHaveMembers(text, isJson)) {
    const inner = text.trim();
    return {
      bytes,
      texts: [{ text: inner, partOf: null, sources: [...anyMember, ...classSources(knowMember?.('*'))] }],
      ends,
      compose: ([changed = '']) => wrap(text.replace(inner, () => changed)),
    };
  }
  const sources = name === undefined ? {} : { sources: [`=${name}`] };
  return { bytes, texts: [{ text, partOf: null, ...sources }], ends, compose: ([changed = '']) => wrap(changed) };
}

/** A JSON document with its texts. */
interface Document {
  readonly text: string;
  /** Finds the texts in the document. */
  readonly found: () => readonly JsonText[];
  /** The texts in base64, decoded. */
  readonly encoded: ReadonlyMap<JsonText, string>;
  readonly texts: readonly FrameText[];
  readonly ends: TextFrame['ends'];
}

/** Null: the text is no JSON. */
function readDocument(text: string, { findParts, knowMember, name }: FrameParts): Document | null {
  const found = json.test(text) ? jsonTexts(text, { areSpellingsWhole: true }) : null;
  if (found === null) {
    return null;
  }
  const { parts, ends } = findParts === null ? noParts : partsOf(text, findParts);
  const known = knownMembers(found, knowMember);
  const encoded = encodedTexts(found, known);
  const named = name === undefined ? [] : [`=${name}`];
  const texts = found.map((each): FrameText => {
    const said = encoded.get(each) ?? each.text;
    if (each.isSpelling === true) {
      return { text: said, partOf: null, sources: spelledSource };
    }
    return each.path === null
      ? { text: said, partOf: null }
      : { text: said, partOf: parts.get(each.path) ?? null, sources: [...named, `/${each.path}`, ...classSources(known.get(each))] };
  });
  return { text, found: () => found, encoded, texts, ends };
}

function documentFrame(document: Document, { bytes, wrap, takesNull = false }: FrameParts): TextFrame {
  const { text, encoded, texts, ends } = document;
  const compose = (changed: readonly string[]): Buffer => {
    if (texts.every((each, i) => each.text === (changed[i] ?? each.text))) {
      return wrap(text);
    }
    const found = document.found();
    const written = found.map((each, i) => {
      const [was, is] = [encoded.get(each), changed[i] ?? each.text];
      return was === undefined ? is : was === is ? each.text : Buffer.from(is).toString('base64');
    });
    return wrap(withJsonTexts(text, found, written, takesNull));
  };
  return { bytes, texts, ends, compose };
}

/** Reads documents that differ from an earlier one only in pieces of longer texts. */
class RepeatedDocument {
  readonly #document: Document;
  /** The indexes of the pieces among the texts. */
  readonly #pieces: readonly number[];
  /** The part of the document before each piece, with the opening quote, and the part behind the last piece. */
  readonly #between: readonly string[];

  constructor(document: Document, pieces: readonly number[]) {
    const found = document.found();
    const bounds = pieces.flatMap((i) => [(found[i]?.start ?? 0) + 1, (found[i]?.end ?? 0) - 1]);
    this.#document = document;
    this.#pieces = pieces;
    this.#between = [0, ...pieces.map((_, i) => bounds[2 * i + 1] ?? 0)].map((from, i) => document.text.slice(from, bounds[2 * i]));
  }

  /** Null: the text differs in something else. */
  read(text: string): Document | null {
    const { texts, encoded, ends } = this.#document;
    const read = texts.slice();
    let at = 0;
    for (let i = 0; i < this.#pieces.length; i += 1) {
      const piece = this.#pieces[i] ?? 0;
      const before = this.#between[i] ?? '';
      const of = texts[piece];
      const end = of !== undefined && text.slice(at, at + before.length) === before ? endOfString(text, at + before.length - 1) : null;
      const said = end === null ? null : readString(text.slice(at + before.length, end - 1));
      if (of === undefined || end === null || said === null) {
        return null;
      }
      read[piece] = { ...of, text: said };
      at = end - 1;
    }
    const rest = this.#between.at(-1) ?? '';
    if (text.slice(at) !== rest) {
      return null;
    }
    return { text, found: () => jsonTexts(text, { areSpellingsWhole: true }) ?? [], encoded, texts: read, ends };
  }
}

/** Null: no text of the document is a piece of a longer one. Of a text in base64, and of the name of its type, another text may mean that it is none. */
function repeatedDocument(document: Document): RepeatedDocument | null {
  const found = document.found();
  const pieces =
    document.encoded.size > 0
      ? []
      : [...document.texts.keys()].filter((i) => {
          const path = found[i]?.path ?? '';
          return document.texts[i]?.partOf !== null && document.text[found[i]?.start ?? 0] === '"' && !typeMember.test(path) && !contentMember.test(path);
        });
  return pieces.length === 0 ? null : new RepeatedDocument(document, pieces);
}

/** Returns what is written between the quotes of a string of JSON; null if that cannot be there. */
function readString(written: string): string | null {
  if (plainString.test(written)) {
    return written;
  }
  try {
    return String(JSON.parse(`"${written}"`));
  } catch {
    return null;
  }
}

/** True if a text that is not read as JSON may be taken for it by others, who then find members in it. */
function mayHaveMembers(text: string, isJson: boolean): boolean {
  return isJson ? jsonTexts(text) === null : json.test(text) && text.includes(':', text.indexOf('{') + 1) && text.includes('{');
}

function knownMembers(found: readonly JsonText[], knowMember: KnowMember = () => null): ReadonlyMap<JsonText, KnownMember> {
  return new Map(
    found.flatMap((each) => {
      const known = each.path === null ? null : knowMember(each.path);
      return known === null ? [] : [[each, known] as const];
    }),
  );
}

/** Returns the source of a value that says its class. See `TextChange`. */
function classSources(known: KnownMember | null | undefined): readonly string[] {
  return known === null || known === undefined ? [] : [`!${known.class}`];
}

/**
 * Returns the texts in base64 among those of a JSON document, decoded: those of which a member beside them says that they are text, and those that the protocol knows.
 * Of the latter, one that is no text stands for itself, so that what takes its place is written in base64.
 */
function encodedTexts(found: readonly JsonText[], known: ReadonlyMap<JsonText, KnownMember>): ReadonlyMap<JsonText, string> {
  const places = new Set(
    found.flatMap(({ text, path }) => (path?.endsWith('ype') === true && typeMember.test(path) && textType.test(text) ? [path.replace(typeMember, '')] : [])),
  );
  const held = places.size === 0 ? [] : found.filter(({ path }) => path !== null && contentMember.test(path) && places.has(path.replace(contentMember, '')));
  return new Map([
    ...held.flatMap((each) => {
      const decoded = decodedText(each.text);
      return decoded === null ? [] : [[each, decoded] as const];
    }),
    ...[...known].flatMap(([each, { isBase64 }]) => (isBase64 ? [[each, decodedText(each.text) ?? each.text] as const] : [])),
  ]);
}

/** Returns the text that another one in base64 says; null if that is none. */
function decodedText(encoded: string): string | null {
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded && isUtf8(bytes) && !bytes.includes(0) ? bytes.toString() : null;
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
