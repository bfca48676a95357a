import { GatewayError } from '../domain/errors.ts';

export interface JsonLimits {
  /** Most levels of objects and arrays inside one another. */
  readonly depthMax: number;
  /** Most values of all kinds, over all levels: a value takes time and memory however few bytes it has. */
  readonly valuesMax: number;
}

/** The default limits. The largest requests that are known hold token ids: OpenAI accepts 300,000 of them in one request. */
const defaultJsonLimits: JsonLimits = { depthMax: 64, valuesMax: 1_000_000 };

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Parses JSON that every parser reads alike (ATTACKS A12): an object has no key twice, not even in different case, because some parsers do not
 * tell case apart; there is no key `__proto__`; the text is valid UTF-8 and its depth is limited. Time is linear. Throws GatewayError `malformed` for any other
 * input, and `limit_exceeded` if it has too many values.
 *
 * The value is only for deciding. The bytes are forwarded, so numbers that a double cannot hold do not change on the way.
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits = defaultJsonLimits): unknown {
  return parseStrictJsonText(decodeUtf8(bytes), limits);
}

/** Parses as `parseStrictJson` does, for a target whose parsers all tell case apart: keys that differ in case are two keys. */
export function parseCasedJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  checkStructure(text, defaultJsonLimits, (keys, quoted) => {
    addOwnKey(keys, keyOf(quoted));
  });
  return parse(text);
}

/** Parses as `parseStrictJson` does. Null: not all parsers read it alike, or it is none. */
export function readStrictJson(bytes: Uint8Array): { readonly value: unknown } | null {
  try {
    return { value: parseStrictJson(bytes) };
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}

/** Parses a text as `parseStrictJson` parses bytes, with the same errors. */
export function parseStrictJsonText(text: string, limits: JsonLimits = defaultJsonLimits): unknown {
  checkStructure(text, limits, addKey);
  return parse(text);
}

/** Parses JSON that nothing is decided by. Any keys are allowed, and of equal keys the last counts, as in `JSON.parse`. Limits and errors are those of `parseStrictJson`. */
export function parseJsonText(text: string, limits: JsonLimits = defaultJsonLimits): unknown {
  checkStructure(text, limits, () => {});
  return parse(text);
}

/** Throws GatewayError as `parseJsonText` does for text that is over a limit. The caller parses the text itself. */
export function checkJson(text: string, limits: JsonLimits = defaultJsonLimits): void {
  checkStructure(text, limits, () => {});
}

/** Returns a function that throws GatewayError `malformed` for an object with a key that differs from one of `names` only in case: a parser that does not tell case apart would take it for that name. */
export function lookalikeGuard(names: readonly string[]): (object: object) => void {
  const exact = new Set(names);
  const folded = new Set(names.map(foldCase));
  return (object) => {
    if (Object.keys(object).some((key) => !exact.has(key) && folded.has(foldCase(key)))) {
      throw new GatewayError('malformed', `The JSON has a key that differs only in case from one of these: ${names.join(', ')}.`);
    }
  };
}

/** Decodes strictly. It keeps a byte order mark, which then is not valid JSON (RFC 8259, section 8.1). */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new GatewayError('malformed', 'The JSON is not valid UTF-8.', { cause: error });
  }
}

/** Parses without the parser's own error message, which would quote the input. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GatewayError('malformed', 'The body is not valid JSON.');
  }
}

/** Checks depth, keys and the number of values. It is right about strings, keys and nesting if the text is JSON; any other text is refused by the parser afterwards. */
function checkStructure(text: string, { depthMax, valuesMax }: JsonLimits, onKey: (keys: Set<string>, quoted: string) => void): void {
  /** The folded keys of each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let isKeyNext = false;
  /** An upper bound of the number of values: each value but the first stands after a comma, or begins an object or a list. */
  let values = 1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = stringEnd(text, at);
      const keys = open.at(-1) ?? null;
      if (isKeyNext && keys !== null) {
        onKey(keys, text.slice(at, end + 1));
      }
      isKeyNext = false;
      at = end;
    } else if (code === openBrace || code === openBracket) {
      open.push(code === openBrace ? new Set() : null);
      if (open.length > depthMax) {
        throw new GatewayError('malformed', `The JSON is nested more than ${depthMax} levels deep.`);
      }
      isKeyNext = true;
      values += 1;
    } else if (code === closeBrace || code === closeBracket) {
      open.pop();
    } else if (code === comma) {
      isKeyNext = true;
      values += 1;
    }
    if (values > valuesMax) {
      throw new GatewayError('limit_exceeded', `The JSON has more than ${valuesMax} values.`);
    }
  }
}

/** The position of the quote that ends the string which begins at `start`. Each run of backslashes is counted once, because it stands before only one quote. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === backslash) {
      before -= 1;
    }
    if ((end - 1 - before) % 2 === 0) {
      return end;
    }
  }
  throw new GatewayError('malformed', 'The JSON has a string without an end.');
}

function addKey(keys: Set<string>, quoted: string): void {
  addOwnKey(keys, foldCase(keyOf(quoted)));
}

function keyOf(quoted: string): string {
  return quoted.includes('\\') ? String(parse(quoted)) : quoted.slice(1, -1);
}

function addOwnKey(keys: Set<string>, folded: string): void {
  if (folded === '__proto__') {
    throw new GatewayError('malformed', 'The JSON has a key __proto__.');
  }
  if (keys.has(folded)) {
    throw new GatewayError('malformed', 'The JSON has a key twice in one object, or two that differ only in case.');
  }
  keys.add(folded);
}

/** Matches nearly all keys. These are folded already. */
const plainKey = /^[a-z0-9_]*$/;

/**
 * Folds a key so that two keys are equal if any parser may take them for the same: under Unicode's case folding, and after lone surrogates are replaced. It uses
 * lower case and then upper case: either alone keeps apart some letters that fold alike (the sign of Kelvin, the long s, the capital sharp s). The result is in lower case.
 */
function foldCase(key: string): string {
  if (plainKey.test(key)) {
    return key;
  }
  return key.toWellFormed().toLowerCase().toUpperCase().toLowerCase();
}
