import { readHex, sqlStrings, type SqlString } from './sql-strings.ts';
import { place } from './text-place.ts';

const bytea = /^\\x([\da-f\s]*)$/i;
/** Matches an escape that is one byte of a longer character. Which character that is depends on the encoding of the server. */
const byteEscape = /\\(?:[2-7]\d\d|x[89a-f][\da-f])/i;
const notAscii = /[^\0-\u{7f}]/gu;

/**
 * Changes what the literals of a statement say: behind escapes, in several parts, in bytes. Each stays a literal of its kind. A literal stays as it is if it says something else under another
 * `standard_conforming_strings`, and so does what is no literal. Dollars quote texts without escapes, which may be statements themselves: of them only bytea is changed.
 */
export function changeLiterals(sql: string, change: (text: string) => string): string {
  // A literal without an end takes the space behind the statement too, and so is none of the statement's own.
  const whole = `${sql} `;
  const literals = sqlStrings(whole, false);
  const otherwise = new Map((sql.includes('\\') ? sqlStrings(whole, true) : literals).map((literal) => [literal.start, literal]));
  let changed = '';
  let done = 0;
  for (const literal of literals) {
    const { kind, start, end, text } = literal;
    const other = otherwise.get(start);
    const isAlike = kind !== 'name' && other?.end === end && end <= sql.length;
    const again = isAlike ? changedLiteral(sql.slice(start, end), literal, { isSure: other.text === text, change }) : null;
    if (again !== null) {
      changed += sql.slice(done, start) + again;
      done = end;
    }
  }
  return changed + sql.slice(done);
}

interface LiteralChange {
  readonly change: (text: string) => string;
  /** True if no setting changes what the literal says. */
  readonly isSure: boolean;
}

/** Returns how a changed literal is written; null if it stays as it is. */
function changedLiteral(written: string, { kind, text }: SqlString, { isSure, change }: LiteralChange): string | null {
  // Where a backslash escapes, hex of bytea says something else. But what takes its place holds no value, however it is read.
  const digits = kind === 'hex' ? text : bytea.exec(text)?.[1];
  if (digits !== undefined) {
    const bytes = place(readHex(digits), (changed) => changed);
    const changed = change(bytes.text);
    return changed === bytes.text ? null : writtenAs(written, `${kind === 'hex' ? '' : '\\x'}${bytes.write(changed).toString('hex')}`);
  }
  if (!isSure || kind === 'dollar' || (/^e/i.test(written) && byteEscape.test(written))) {
    return null;
  }
  const changed = change(text);
  return changed === text ? null : writtenAs(written, changed);
}

/** Writes a text as a literal of the same kind as another one. */
function writtenAs(written: string, text: string): string {
  const [mark = ''] = /^(?:\$[^$]*\$|[^']*')/.exec(written) ?? [];
  if (mark.startsWith('$')) {
    return mark + text + mark;
  }
  const quoted = text.replaceAll("'", "''");
  const isUnicode = /^u/i.test(mark);
  if (!isUnicode && !/^e/i.test(mark)) {
    return `${mark}${quoted}'`;
  }
  const asWritten = new Set(written.match(notAscii));
  const escaped = quoted.replaceAll('\\', '\\\\').replaceAll(notAscii, (sign) => (asWritten.has(sign) ? sign : escapeOf(sign, isUnicode)));
  return `${mark}${escaped}'`;
}

/** Returns the escape of a character: of `U&'…'`, or of `E'…'`. */
function escapeOf(character: string, isUnicode: boolean): string {
  const code = (character.codePointAt(0) ?? 0).toString(16);
  const isLong = character.length > 1;
  return isUnicode ? `\\${isLong ? '+' : ''}${code.padStart(isLong ? 6 : 4, '0')}` : `\\${isLong ? 'U' : 'u'}${code.padStart(isLong ? 8 : 4, '0')}`;
}
