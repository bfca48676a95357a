import { readBytes, readHex, sqlStrings, withoutBackslashes } from './sql-strings.ts';

/** Strings within strings are read so many times, such as those of a function's body. */
const depthMax = 3;
/** All readings together are at most so many times as long as the text, and `unitsMin` more. Texts of clients that mean well need far less. */
const growthMax = 8;
const unitsMin = 64 * 1024;
/** Matches bytea in hex (8.4.1). */
const hex = /\\x([\da-f][\da-f\s]{3,})/gi;

/**
 * Returns what a statement, a value or a row of COPY may say where escapes of SQL are undone: strings in several parts, `E'\100'`, `U&'\0040'`, `'\x40'`, those of arrays and rows, and one within another. How
 * strings without a prefix are read depends on settings of the session, so both ways count. Null: there is too much of that.
 */
export function unescapedSql(text: string): readonly string[] | null {
  const readings = new Set<string>();
  let left = text.length * growthMax + unitsMin;
  const read = (each: string, depth: number): boolean => {
    for (const reading of depth < depthMax ? onceRead(each) : []) {
      if (!readings.has(reading)) {
        left -= reading.length;
        if (left < 0) {
          return false;
        }
        readings.add(reading);
        if (!read(reading, depth + 1)) {
          return false;
        }
      }
    }
    return true;
  };
  const isWhole = read(text, 0);
  readings.delete(text);
  return isWhole ? [...readings] : null;
}

function* onceRead(text: string): Generator<string> {
  const isEscaping = text.includes('\\');
  if (isEscaping) {
    yield withoutBackslashes(text);
    const bytes = Array.from(text.matchAll(hex), ([, digits = '']) => readBytes(readHex(digits)));
    yield* bytes.length === 0 ? [] : [bytes.join('\n')];
  }
  for (const escaping of /['"$]/.test(text) ? (isEscaping ? [false, true] : [false]) : []) {
    for (const string of sqlStrings(text, escaping)) {
      if (string.kind === 'hex') {
        yield readBytes(readHex(string.text));
      } else if (string.kind === 'dollar' || !text.slice(string.start, string.end).includes(string.text)) {
        yield string.text;
      }
    }
  }
}
