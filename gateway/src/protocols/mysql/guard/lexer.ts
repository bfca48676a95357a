/** How a server reads texts of SQL, as its greeting and the settings of the connection say. */
export interface SqlReading {
  /** `sql_mode` has `ANSI_QUOTES`: what is in double quotes is a name. */
  readonly isAnsiQuotes: boolean;
  /** `sql_mode` has `NO_BACKSLASH_ESCAPES`: a backslash in a string is a character like others. */
  readonly isWithoutEscapes: boolean;
}

/** A token of a text of SQL. `text` of a string or a quoted name is what stands between its quotes, with quotes and escapes undone. */
interface SqlToken {
  readonly kind: 'word' | 'name' | 'string' | 'sign';
  readonly text: string;
}

/** The statements of a text, or why nobody can say what the server makes of the text. */
export type LexedSql =
  | { readonly statements: readonly (readonly SqlToken[])[] }
  | { readonly unclear: 'conditional comment' | 'unterminated' | 'null character' };

const space = /[\t-\r ]+/y;
const word = /[\w$\u0080-\uffff]+/y;
const restOfLine = /[^\n]*/y;
const escapes: Readonly<Record<string, string>> = { '0': '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\u001a' };

/**
 * Splits a text of SQL into statements and tokens, by the rules of MySQL and MariaDB. A comment whose content some servers execute (`/*!`, `/*M!`) makes the
 * text unclear, and so does what does not end. Optimizer hints are comments. Of a compound statement (`BEGIN NOT ATOMIC`, the body of a routine) each part is
 * a statement here. What is empty between semicolons is none here, though the server may answer it. Time is linear in the length of the text.
 * https://mariadb.com/kb/en/comment-syntax/
 */
export function lexSql(sql: string, reading: SqlReading): LexedSql {
  if (sql.includes('\0')) return { unclear: 'null character' };
  const statements: SqlToken[][] = [];
  let tokens: SqlToken[] = [];
  for (let at = 0; at < sql.length;) {
    const blank = matchedAt(space, sql, at) ?? (isLineComment(sql, at) ? matchedAt(restOfLine, sql, at) : undefined);
    const mark = sql.charAt(at);
    if (blank !== undefined) {
      at += blank.length;
    } else if (sql.startsWith('/*', at)) {
      if (/^M?!/.test(sql.slice(at + 2, at + 4))) return { unclear: 'conditional comment' };
      const end = sql.indexOf('*/', at + 2);
      if (end === -1) return { unclear: 'unterminated' };
      at = end + 2;
    } else if (mark === "'" || mark === '"' || mark === '`') {
      const quoted = quotedAt(sql, at, mark !== '`' && !reading.isWithoutEscapes && !(mark === '"' && reading.isAnsiQuotes));
      if (quoted === undefined) return { unclear: 'unterminated' };
      tokens.push({ kind: mark === '`' || (mark === '"' && reading.isAnsiQuotes) ? 'name' : 'string', text: quoted.text });
      at = quoted.end;
    } else if (mark === ';') {
      if (tokens.length > 0) statements.push(tokens);
      tokens = [];
      at += 1;
    } else {
      const text = matchedAt(word, sql, at);
      tokens.push(text === undefined ? { kind: 'sign', text: mark } : { kind: 'word', text });
      at += text?.length ?? 1;
    }
  }
  if (tokens.length > 0) statements.push(tokens);
  return { statements };
}

/** `--` begins a comment only before white space, a control character or the end. */
function isLineComment(sql: string, at: number): boolean {
  return sql[at] === '#' || (sql.startsWith('--', at) && (at + 2 === sql.length || sql.charCodeAt(at + 2) <= 0x20 || sql.charCodeAt(at + 2) === 0x7f));
}

function matchedAt(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

/** Reads what begins with the quote at `start`. A doubled quote stands for one. */
function quotedAt(sql: string, start: number, isEscaping: boolean): { readonly text: string; readonly end: number } | undefined {
  const quote = sql.charAt(start);
  const parts: string[] = [];
  for (let at = start + 1; at < sql.length; at += 1) {
    const mark = sql.charAt(at);
    if (mark === '\\' && isEscaping) {
      at += 1;
      const escaped = sql.charAt(at);
      // LIKE reads these two itself, so the server leaves their backslash.
      parts.push(escaped === '%' || escaped === '_' ? `\\${escaped}` : (escapes[escaped] ?? escaped));
    } else if (mark !== quote) {
      parts.push(mark);
    } else if (sql.charAt(at + 1) === quote) {
      parts.push(quote);
      at += 1;
    } else {
      return { text: parts.join(''), end: at + 1 };
    }
  }
  return undefined;
}
