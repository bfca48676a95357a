/** How a server reads texts of SQL, as the settings of the connection and its version say. */
export interface SqlReading {
  /** `sql_mode` has `ANSI_QUOTES`: what is in double quotes is a name. */
  readonly isAnsiQuotes: boolean;
  /** `sql_mode` has `NO_BACKSLASH_ESCAPES`: a backslash in a string is a character like others. */
  readonly isWithoutEscapes: boolean;
  /** The beginnings of comments whose content the server runs, as `/*!50000` and `/*M!100100`. It skips those of all others. */
  readonly running: ReadonlySet<string>;
}

/** A token of a text of SQL. `text` of a string or a quoted name is what stands between its quotes, with quotes and escapes undone. */
export interface SqlToken {
  readonly kind: 'word' | 'name' | 'string' | 'sign';
  readonly text: string;
}

/** The statements of a text, or why nobody can say what the server makes of the text. */
export type LexedSql =
  | { readonly statements: readonly (readonly SqlToken[])[] }
  | { readonly unclear: 'nested comment' | 'unterminated' | 'null character' | 'too many tokens' };

const space = /[\t-\r ]+/y;
const word = /[\w$\u0080-\uffff]+/y;
const restOfLine = /[^\n]*/y;
/** The beginning of a comment whose content some servers run: those of this version or a later one. */
const conditional = /\/\*M?!(?:\d{5,6})?/y;
const tokensMax = 400_000;
const escapes: Readonly<Record<string, string>> = { '0': '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\u001a' };

/**
 * Splits a text of SQL into statements and tokens, by the rules of MySQL and MariaDB. Optimizer hints are comments. A comment within one whose content some
 * servers run makes the text unclear, and so does what does not end. Of a compound statement (`BEGIN NOT ATOMIC`, the body of a routine) each part is
 * a statement here. What is empty between semicolons is none here, though the server may answer it. Time is linear in the length of the text.
 * https://mariadb.com/kb/en/comment-syntax/
 */
export function lexSql(sql: string, reading: SqlReading): LexedSql {
  if (sql.includes('\0')) return { unclear: 'null character' };
  const statements: SqlToken[][] = [];
  let tokens: SqlToken[] = [];
  let isInside = false;
  let count = 0;
  for (let at = 0; at < sql.length;) {
    const blank = matchedAt(space, sql, at) ?? (isLineComment(sql, at) ? matchedAt(restOfLine, sql, at) : undefined);
    const mark = sql.charAt(at);
    if (blank !== undefined) {
      at += blank.length;
    } else if (sql.startsWith('/*', at)) {
      const begun = matchedAt(conditional, sql, at);
      const end = sql.indexOf('*/', at + 2);
      if (end === -1) return { unclear: 'unterminated' };
      if (isInside || (begun !== undefined && sql.slice(at + 2, end).includes('/*'))) return { unclear: 'nested comment' };
      isInside = begun !== undefined && reading.running.has(begun);
      at = isInside ? at + (begun?.length ?? 0) : end + 2;
    } else if (isInside && sql.startsWith('*/', at)) {
      isInside = false;
      at += 2;
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
    count += 1;
    if (count > tokensMax) return { unclear: 'too many tokens' };
  }
  if (isInside) return { unclear: 'unterminated' };
  if (tokens.length > 0) statements.push(tokens);
  return { statements };
}

/** Returns the beginnings of comments in a text whose content some servers run, also where they may be in a string. */
export function conditionsIn(sql: string): readonly string[] {
  return [...new Set(sql.match(new RegExp(conditional.source, 'g')) ?? [])];
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
