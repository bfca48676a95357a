/** Matches a text that may spell characters in a way of SQL alone. */
const mayEscape = /\\|u&|'\s*(?:--[^\n]*)?\n/i;
/** Matches the end of a part of a string with its beginning in a later line (4.1.2.1). */
const continued = /'(?:\s|--[^\n]*\n)*'/g;
const backslash = /\\(?:([0-7]{1,3})|x([\da-f]{1,2})|u([\da-f]{4})|U([\da-f]{8})|(.))/gis;
const named = /uescape\s*'(.)'/gis;
/** Most characters that are tried as an escape. A statement with more of them has a different one for each of its strings. */
const escapesMax = 8;

/**
 * Returns what a statement, or a literal of an array or a row, may say where its strings have escapes: parts of a string in several lines, `E'\100'`, `U&'\0040'`, also with another escape. It is not
 * asked where strings begin and end, because that depends on settings of the session. Null: there is too much of that. https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS
 */
export function unescapedSql(text: string): readonly string[] | null {
  if (!mayEscape.test(text)) {
    return [];
  }
  const joined = text.replaceAll(continued, '');
  const plain = joined.replaceAll(backslash, (_found, octal?: string, ...[short, four, eight, other]: readonly (string | undefined)[]) =>
    octal === undefined ? (other ?? characterOf(Number.parseInt(short ?? four ?? eight ?? '', 16))) : characterOf(Number.parseInt(octal, 8)),
  );
  const escapes = /u&/i.test(text) ? new Set(['\\', ...Array.from(joined.matchAll(named), ([, escape = '']) => escape)]) : new Set<string>();
  if (escapes.size > escapesMax) {
    return null;
  }
  return [joined, plain, ...Array.from(escapes, (escape) => withoutUnicode(joined, escape))];
}

function withoutUnicode(text: string, escape: string): string {
  return text
    .split(escape)
    .map((part, i) => {
      const [found, four, six] = i === 0 ? [] : (/^(?:([\da-f]{4})|\+([\da-f]{6}))/i.exec(part) ?? []);
      return found === undefined ? part : characterOf(Number.parseInt(four ?? six ?? '', 16)) + part.slice(found.length);
    })
    .join('');
}

function characterOf(code: number): string {
  return code > 0x10ffff ? '\u{fffd}' : String.fromCodePoint(code);
}
