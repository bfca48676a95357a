import { decoderOf } from './text-encoding.ts';

/** A string or a quoted name in a text of SQL. */
export interface SqlString {
  readonly kind: 'string' | 'bits' | 'hex' | 'dollar' | 'name';
  /** Where it begins, with what stands before its quote, and where it ends, with what names its escape. */
  readonly start: number;
  readonly end: number;
  /** The text as PostgreSQL reads it; of bits, their digits. */
  readonly text: string;
}

const tokens = /--[^\n\r]*|\/\*|[enbx]?'|(?:u&)?['"]|\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/gi;
const codeEscape = /^\\(?:([0-7]{1,3})|x([\da-fA-F]{1,2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/;
const codeEscapeUnitsMax = 10;
const controls: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const space = new Set(' \t\n\r\f\v');
/** Reads bytes as UTF-8 if they are that, and else each as one character. */
export const readBytes = decoderOf('SQL_ASCII');

/** Returns the bytes of digits in hex, between which there may be white space. */
export function readHex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(/\s/g, ''), 'hex');
}

/**
 * Finds the strings and the quoted names of a text of SQL, by the rules of PostgreSQL. `isEscaping`: a backslash escapes in a string without a prefix too, as
 * `standard_conforming_strings = off` says. Time is linear in the length of the text. https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS
 */
export function sqlStrings(sql: string, isEscaping: boolean): readonly SqlString[] {
  const found: SqlString[] = [];
  const token = new RegExp(tokens);
  for (let match = token.exec(sql); match !== null; match = token.exec(sql)) {
    const [mark] = match;
    if (mark === '/*') {
      token.lastIndex = endOfComment(sql, token.lastIndex);
    } else if (!mark.startsWith('--') && /^\$|['"]$/.test(mark)) {
      const string = mark.startsWith('$') ? dollarAt(sql, match.index, mark) : quotedAt(sql, { start: match.index, mark: mark.toLowerCase(), isEscaping });
      found.push(string);
      token.lastIndex = string.end;
    }
  }
  return found;
}

/** Returns a text without escapes that begin with a backslash: of `E'…'`, COPY, arrays, rows and bytea. */
export function withoutBackslashes(text: string): string {
  const written = latin1(text);
  // An escape is never shorter than what it stands for.
  const bytes = Buffer.allocUnsafe(written.length);
  let length = 0;
  for (let at = 0; at < written.length;) {
    const next = orEnd(written, written.indexOf('\\', at));
    length += bytes.write(written.slice(at, next), length, 'latin1');
    const [said, taken] = unescapedAt(written, next);
    length += bytes.write(said, length, 'latin1');
    at = next + taken;
  }
  return readBytes(bytes.subarray(0, length));
}

/** Returns the bytes for which an escape stands, and how long it is. */
function unescapedAt(written: string, at: number): readonly [bytes: string, taken: number] {
  const letter = written.charAt(at + 1);
  const [found, octal, hex, four, eight] = /[0-7xuU]/.test(letter) ? (codeEscape.exec(written.slice(at, at + codeEscapeUnitsMax)) ?? []) : [];
  if (found === undefined) {
    return [controls[letter] ?? letter, 2];
  }
  const byte = octal === undefined ? Number.parseInt(hex ?? '', 16) : Number.parseInt(octal, 8);
  return [Number.isNaN(byte) ? latin1(characterOf(Number.parseInt(four ?? eight ?? '', 16))) : String.fromCharCode(byte & 0xff), found.length];
}

function dollarAt(sql: string, start: number, mark: string): SqlString {
  const begin = start + mark.length;
  const end = orEnd(sql, sql.indexOf(mark, begin));
  return { kind: 'dollar', start, end: Math.min(end + mark.length, sql.length), text: sql.slice(begin, end) };
}

function quotedAt(sql: string, { start, mark, isEscaping }: { readonly start: number; readonly mark: string; readonly isEscaping: boolean }): SqlString {
  const quote = mark.slice(-1);
  const isEscaped = quote === "'" && (mark === "e'" || (isEscaping && /^n?'$/.test(mark)));
  const parts: string[] = [];
  let end = start;
  for (let next: number | null = start + mark.length; next !== null; next = quote === "'" ? nextPart(sql, end) : null) {
    const close = endOfPart(sql, next, { quote, isEscaped });
    parts.push(sql.slice(next, close));
    end = Math.min(close + 1, sql.length);
  }
  const written = parts.join('').replaceAll(quote + quote, quote);
  const kind = quote === '"' ? 'name' : mark === "b'" ? 'bits' : mark === "x'" ? 'hex' : 'string';
  if (mark.startsWith('u')) {
    const named = escapeAt(sql, end);
    return { kind, start, end: named?.end ?? end, text: withoutUnicode(written, named?.escape ?? '\\') };
  }
  return { kind, start, end, text: isEscaped ? withoutBackslashes(written) : written };
}

/** Returns where the quote stands that ends a part of a string. */
function endOfPart(sql: string, start: number, { quote, isEscaped }: { readonly quote: string; readonly isEscaped: boolean }): number {
  for (let at = start; at < sql.length; at += 1) {
    const sign = sql[at];
    if (sign === quote && sql[at + 1] !== quote) {
      return at;
    }
    at += sign === quote || (sign === '\\' && isEscaped) ? 1 : 0;
  }
  return sql.length;
}

/** Returns where the next part of a string begins, which goes on in a later line; null if it does not. */
function nextPart(sql: string, end: number): number | null {
  const at = pastSpace(sql, end);
  return sql[at] === "'" && /[\n\r]/.test(sql.slice(end, at)) ? at + 1 : null;
}

/** Reads `UESCAPE '!'`. */
function escapeAt(sql: string, end: number): { readonly escape: string; readonly end: number } | null {
  let at = pastSpace(sql, end);
  while (sql.startsWith('/*', at)) {
    at = pastSpace(sql, endOfComment(sql, at + 2));
  }
  const quoted = /^uescape$/i.test(sql.slice(at, at + 'uescape'.length)) ? pastSpace(sql, at + 'uescape'.length) : at;
  const [found, escape = ''] = quoted === at ? [] : (/^e?'(.)'/is.exec(sql.slice(quoted, quoted + "e'!'".length)) ?? []);
  return found === undefined ? null : { escape, end: quoted + found.length };
}

/** Returns where white space and comments of lines end. */
function pastSpace(sql: string, start: number): number {
  let at = start;
  for (let isComment = false; at < sql.length && (isComment || space.has(sql.charAt(at)) || sql.startsWith('--', at)); at += 1) {
    isComment = isComment ? !/[\n\r]/.test(sql.charAt(at)) : sql[at] === '-';
  }
  return at;
}

function endOfComment(sql: string, start: number): number {
  const sign = /\/\*|\*\//g;
  sign.lastIndex = start;
  for (let depth = 1; depth > 0;) {
    const match = sign.exec(sql);
    if (match === null) {
      return sql.length;
    }
    depth += match[0] === '/*' ? 1 : -1;
  }
  return sign.lastIndex;
}

function withoutUnicode(text: string, escape: string): string {
  return text
    .split(escape + escape)
    .map((piece) =>
      piece
        .split(escape)
        .map((part, i) => {
          const [found, four, six] = i === 0 ? [] : (/^(?:([\da-f]{4})|\+([\da-f]{6}))/i.exec(part) ?? []);
          return found === undefined ? part : characterOf(Number.parseInt(four ?? six ?? '', 16)) + part.slice(found.length);
        })
        .join(''),
    )
    .join(escape);
}

function characterOf(code: number): string {
  return code > 0x10ffff ? '\u{fffd}' : String.fromCodePoint(code);
}

/** Returns the bytes of a text in UTF-8, each as one character. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function orEnd(sql: string, position: number): number {
  return position < 0 ? sql.length : position;
}
