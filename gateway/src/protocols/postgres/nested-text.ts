import { endOfString } from '../../content/json-texts.ts';

/** Changes the text of an element; null makes it NULL. */
type ChangeElement = (text: string) => string | null;

/** Matches the bounds of an array that do not begin at 1, which stand before it. */
const dimensions = /^(?:\[[-+]?\d+:[-+]?\d+\])+=/;
const signs = '{},"';

/**
 * Returns an array, as PostgreSQL writes it, with its elements changed. Elements that are not changed stay as they were written. Null: it is no array.
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
export function changedArray(text: string, change: ChangeElement): string | null {
  const start = dimensions.exec(text)?.[0].length ?? 0;
  if (text[start] !== '{' || !text.endsWith('}')) {
    return null;
  }
  const pieces = [text.slice(0, start)];
  for (let at = start; at < text.length;) {
    const sign = text.charAt(at);
    if (sign === '{' || sign === '}' || sign === ',') {
      pieces.push(sign);
      at += 1;
      continue;
    }
    const end = sign === '"' ? endOfString(text, at) : endOfPlain(text, at);
    if (end === null) {
      return null;
    }
    const written = text.slice(at, end);
    pieces.push(written === 'NULL' ? written : changedElement(written, sign === '"', change));
    at = end;
  }
  return pieces.join('');
}

function endOfPlain(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && !signs.includes(text.charAt(at))) {
    at += 1;
  }
  return at;
}

function changedElement(written: string, isQuoted: boolean, change: ChangeElement): string {
  const text = isQuoted ? written.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : written;
  const changed = change(text);
  if (changed === null) {
    return 'NULL';
  }
  return changed === text ? written : `"${changed.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/**
 * Returns a row, as PostgreSQL writes it, with its columns changed. Columns that are not changed stay as they were written. Null: it is no row.
 * https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX
 */
export function changedComposite(text: string, change: ChangeElement): string | null {
  if (!text.startsWith('(') || !text.endsWith(')')) {
    return null;
  }
  const pieces = ['('];
  const last = text.length - 1;
  for (let at = 1; at <= last; at += 1) {
    const end = endOfColumn(text, at, last);
    if (end === null) {
      return null;
    }
    const written = text.slice(at, end);
    pieces.push(written === '' ? '' : changedColumn(written, change), text.charAt(end));
    at = end;
  }
  return pieces.join('');
}

/** Returns the position of the comma or bracket after a column; null if a bracket or a quote is where none can be. */
function endOfColumn(text: string, start: number, last: number): number | null {
  let isQuoted = false;
  for (let at = start; at <= last; at += 1) {
    const sign = text.charAt(at);
    if (sign === '"') {
      isQuoted = !isQuoted;
    } else if (sign === '\\') {
      at += 1;
    } else if (!isQuoted && (sign === ',' || sign === '(' || sign === ')')) {
      return sign === ',' || (sign === ')' && at === last) ? at : null;
    }
  }
  return null;
}

function changedColumn(written: string, change: ChangeElement): string {
  const text = written.replaceAll(/\\(.)|""|"/gs, (found, escaped: string | undefined) => escaped ?? (found === '""' && written !== '""' ? '"' : ''));
  const changed = change(text);
  if (changed === null) {
    return '';
  }
  return changed === text ? written : `"${changed.replaceAll(/["\\]/g, '$&$&')}"`;
}
