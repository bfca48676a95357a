import { GatewayError } from '../domain/errors.ts';

export interface JsonLimits {
  /** Objects and arrays inside one another. */
  readonly depthMax: number;
  /** Of all kinds, at every depth: a value takes time and memory however few bytes it has. */
  readonly valuesMax: number;
}

/** The most values that clients are known to send are token ids: OpenAI takes 300,000 of them in one request. */
const defaultJsonLimits: JsonLimits = { depthMax: 64, valuesMax: 1_000_000 };

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Reads JSON that every parser reads alike (ATTACKS A12): no key twice in one object, also not in another case, as some parsers do not
 * tell case apart; no `__proto__`; valid UTF-8; limited depth. Linear in time. All else is a GatewayError `malformed`, and `limit_exceeded` where it
 * has too many values.
 *
 * The value is for deciding only. What is forwarded are the bytes, so numbers that a double cannot hold do not change on the way.
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits = defaultJsonLimits): unknown {
  return parseStrictJsonText(decodeUtf8(bytes), limits);
}

/** The same of text that is decoded already. */
export function parseStrictJsonText(text: string, limits: JsonLimits = defaultJsonLimits): unknown {
  checkStructure(text, limits, addKey);
  return parse(text);
}

/** JSON that is only looked at, not decided on: any keys, the last of equal ones as everywhere, and the same limits. */
export function parseJsonText(text: string, limits: JsonLimits = defaultJsonLimits): unknown {
  checkStructure(text, limits, () => {});
  return parse(text);
}

/** What refuses an object with a key that a parser which does not tell case apart takes for one of `names`. */
export function lookalikeGuard(names: readonly string[]): (object: object) => void {
  const exact = new Set(names);
  const folded = new Set(names.map(foldCase));
  return (object) => {
    if (Object.keys(object).some((key) => !exact.has(key) && folded.has(foldCase(key)))) {
      throw new GatewayError('malformed', `The JSON has a key that differs only in case from one of these: ${names.join(', ')}.`);
    }
  };
}

/** A byte order mark is kept: JSON does not begin with one (RFC 8259, section 8.1). */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new GatewayError('malformed', 'The JSON is not valid UTF-8.', { cause: error });
  }
}

/** The parser's own message would quote the input. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GatewayError('malformed', 'The body is not valid JSON.');
  }
}

/** Checks depth, keys and the number of values. What it takes for strings, keys and nesting is right where the text is JSON, and of other text nothing is believed. */
function checkStructure(text: string, { depthMax, valuesMax }: JsonLimits, onKey: (keys: Set<string>, quoted: string) => void): void {
  /** The folded keys of each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let isKeyNext = false;
  /** At most so many: each but the first stands behind a comma, or begins an object or a list. */
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

/** Position of the quote that ends the string which begins at `start`. Each run of backslashes stands before one quote, so it is counted once. */
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
  const key = quoted.includes('\\') ? String(parse(quoted)) : quoted.slice(1, -1);
  const folded = foldCase(key);
  if (folded === '__PROTO__') {
    throw new GatewayError('malformed', 'The JSON has a key __proto__.');
  }
  if (keys.has(folded)) {
    throw new GatewayError('malformed', 'The JSON has a key twice in one object, or two that differ only in case.');
  }
  keys.add(folded);
}

/** What nearly all keys are: their folding is no question. */
const plainKey = /^[a-z0-9_]*$/;

/**
 * Keys that any parser may take for one: equal under Unicode's case folding, or in what is left when lone surrogates are replaced. Lower case
 * first, then upper: either alone tells some letters apart that fold alike (the sign of Kelvin, the long s, the capital sharp s).
 */
function foldCase(key: string): string {
  if (plainKey.test(key)) {
    return key.toUpperCase();
  }
  return key.toWellFormed().toLowerCase().toUpperCase();
}
