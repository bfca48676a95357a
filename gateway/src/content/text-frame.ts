import { jsonTexts, withJsonTexts } from './json-texts.ts';

/** A piece of an answer or a request whose texts are changed, and that goes on whole: an event, a line, a row, a message, a body. */
export interface TextFrame {
  readonly bytes: number;
  readonly texts: readonly FrameText[];
  /** Says by its name whether a text in pieces is over after this frame. Null: none is. */
  readonly ends: ((name: string) => boolean) | null;
  /** The bytes of the frame with other texts in the place of its own, one for each. */
  compose(texts: readonly string[]): Buffer;
}

interface FrameText {
  readonly text: string;
  /** If the text is a piece of a longer one that other frames continue, the name of that one. Null: the text is whole. */
  readonly partOf: string | null;
}

/** Says which texts of a JSON event are pieces of longer ones that other events continue. Never throws. */
export type FindParts = (event: unknown) => EventParts;

export interface EventParts {
  /** By the path of each such text, the name of the text that it is a piece of. */
  readonly parts: ReadonlyMap<string, string>;
  readonly ends: TextFrame['ends'];
}

export interface FrameParts {
  readonly bytes: number;
  readonly wrap: (text: string) => Buffer;
  /** Null: no text of the frame is a piece of a longer one. */
  readonly findParts: FindParts | null;
}

const json = /^\s*["[{]/;
/** Of an event without such texts. */
export const noParts: EventParts = { parts: new Map(), ends: null };

/** A frame of so many bytes that is one text, or JSON with its texts. `wrap` makes the bytes of the frame. */
export function textFrame(text: string, { bytes, wrap, findParts }: FrameParts): TextFrame {
  if (!json.test(text)) {
    return { bytes, texts: [{ text, partOf: null }], ends: null, compose: ([changed = '']) => wrap(changed) };
  }
  const { parts, ends } = findParts === null ? noParts : partsOf(text, findParts);
  const found = jsonTexts(text);
  return {
    bytes,
    texts: found.map((each) => ({ text: each.text, partOf: parts.get(each.path ?? '') ?? null })),
    ends,
    compose: (changed) => wrap(withJsonTexts(text, found, changed)),
  };
}

/** A list counts as its events, one after the other. */
function partsOf(text: string, findParts: FindParts): EventParts {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    return noParts;
  }
  if (!Array.isArray(event)) {
    return findParts(event);
  }
  const parts = event.flatMap((each, i) => [...findParts(each).parts].map(([path, name]) => [`${i}/${path}`, name] as const));
  return { parts: new Map(parts), ends: null };
}
