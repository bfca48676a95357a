/** A piece of a statement. `plain`: it has no form of its own. */
export interface StatementToken {
  readonly is: 'keyword' | 'text' | 'comment' | 'plain';
  readonly text: string;
}

/** So much of a statement is divided. What follows is plain. */
const charactersMax = 20_000;

const keywords: ReadonlySet<string> = new Set(
  `add all alter analyze and as asc begin between by call cascade case check column commit conflict constraint copy create cross current database default
  delete desc distinct do drop else end except execute exists explain false fetch first for foreign from full function grant group having if ilike in index
  inner insert intersect into is join key lateral left like limit listen lock materialized merge natural not nothing notify null nulls offset on only or order
  outer over partition primary procedure read recursive references release rename replace returning revoke right rollback row rows savepoint schema select
  set share show start table temporary then to transaction trigger true truncate type union unique update user using vacuum values view when where window
  with work`
    .trim()
    .split(/\s+/),
);

/** Comments, texts in quotes (also what begins and is not ended), names in quotes, and words. */
const form =
  /(?<comment>--[^\n]*|\/\*[^]*?(?:\*\/|$))|(?<text>\b[eE]'(?:[^'\\]|\\[^]|'')*'?|'(?:[^']|'')*'?|\$(?<tag>\w*)\$[^]*?(?:\$\k<tag>\$|$))|"[^"]*"?|(?<word>[\p{L}_][\p{L}\p{N}_]*)/gu;

/** Divides a statement of SQL for the eye alone, in the forms that its dialects share: nothing is decided by it. */
export function statementTokens(statement: string): readonly StatementToken[] {
  const tokens: StatementToken[] = [];
  let from = 0;
  const add = (is: StatementToken['is'], text: string): void => {
    if (text !== '') {
      tokens.push({ is, text });
    }
  };
  for (const { index, 0: text, groups = {} } of statement.slice(0, charactersMax).matchAll(form)) {
    const is = groups['comment'] !== undefined ? 'comment' : groups['text'] !== undefined ? 'text' : keywords.has(text.toLowerCase()) ? 'keyword' : 'plain';
    if (is !== 'plain') {
      add('plain', statement.slice(from, index));
      add(is, text);
      from = index + text.length;
    }
  }
  add('plain', statement.slice(from));
  return tokens;
}
