import { readExpression } from './expressions.ts';
import { readQuery } from './queries.ts';
import type { Reading } from './reading.ts';
import { readStatement } from './statements.ts';
import { constantText, isTree, list, names, ofType, textOf, tree, type Tree } from './tree.ts';

/** Nodes of PL/pgSQL whose parts are all that they do. */
const plainNodes: ReadonlySet<string> = new Set(
  `action diag_item exception exception_block condition case_when if_elsif function nsitem rec recfield row type var variable raise_option
  stmt_assert stmt_assign stmt_block stmt_call stmt_case stmt_close stmt_commit stmt_execsql stmt_exit stmt_fetch stmt_forc stmt_foreach_a stmt_fori
  stmt_fors stmt_getdiag stmt_if stmt_loop stmt_open stmt_perform stmt_raise stmt_return stmt_return_next stmt_return_query stmt_rollback stmt_while`
    .split(/\s+/)
    .map((name) => `PLpgSQL_${name}`),
);

/** The ways in which PL/pgSQL parses a text: as a statement, as an expression, and others as an assignment. */
const asStatement = 0;
const asExpression = 2;

/** Reads the code of a function or DO block. */
export function readPlpgsql(code: string, reading: Reading): void {
  const [parsed, ...more] = reading.parser.plpgsql(reading.source()) ?? [];
  const body = ofType(parsed, 'PLpgSQL_function');
  if (body === null || more.length > 0 || !isTree(body['action'])) {
    reading.draft.unknown();
    return;
  }
  reading.inBody(code, () => {
    readNodes(body, reading);
  });
}

function readNodes(node: unknown, reading: Reading): void {
  if (Array.isArray(node)) {
    for (const each of node) {
      readNodes(each, reading);
    }
  } else if (isTree(node)) {
    reading.deeper(() => {
      for (const name in node) {
        readMember(name, node[name], reading);
      }
    });
  }
}

function readMember(name: string, value: unknown, reading: Reading): void {
  if (name === 'dynquery') {
    readDynamic(value, reading);
    return;
  }
  const members = tree(value);
  switch (name) {
    case 'PLpgSQL_expr':
      readText(textOf(members['query']), members['parseMode'], reading);
      return;
    case 'PLpgSQL_type':
      readType(textOf(members['typname']), reading);
      return;
    case 'PLpgSQL_stmt_dynexecute':
    case 'PLpgSQL_stmt_dynfors': {
      const { query, ...rest } = members;
      readDynamic(query, reading);
      readNodes(rest, reading);
      return;
    }
    case 'PLpgSQL_stmt_commit':
      reading.draft.ends = true;
      return;
    case 'PLpgSQL_stmt_open':
      reading.draft.opens = true;
      readNodes(value, reading);
      return;
    default:
      if (name.startsWith('PLpgSQL_') && !plainNodes.has(name)) {
        reading.draft.unknown();
      }
      readNodes(value, reading);
  }
}

/** Reads a text that runs as SQL. It is known only if it is constant. */
function readDynamic(node: unknown, reading: Reading): void {
  const query = textOf(ofType(node, 'PLpgSQL_expr')?.['query']);
  const [only, ...more] = reading.parser.statements(`SELECT ${query}`) ?? [];
  const targets = list(ofType(only?.['stmt'], 'SelectStmt')?.['targetList']);
  const text = more.length === 0 && targets.length === 1 ? constantText(ofType(targets[0], 'ResTarget')?.['val']) : null;
  readText(query, asExpression, reading);
  if (text === null) {
    reading.draft.add('execute');
    reading.draft.unknown();
  } else {
    reading.body(text);
  }
}

function readText(query: string, mode: unknown, reading: Reading): void {
  if (mode === asStatement || mode === undefined) {
    readSql(query, reading, readStatement);
  } else if (mode === asExpression) {
    readSql(`SELECT ${query}`, reading, readValue);
  } else {
    readAssignment(query, reading);
  }
}

/** Reads `target := value`, where the target may have subscripts. */
function readAssignment(text: string, reading: Reading): void {
  const [target, subscripts = ''] = /^[\w."$\s]+((?:\[[^\][=]*\]\s*)*)(?::=|=)/.exec(text) ?? [];
  if (target === undefined) {
    reading.draft.unknown();
    return;
  }
  readSql(`SELECT ${text.slice(target.length)}`, reading, readValue);
  for (const [, subscript = ''] of subscripts.matchAll(/\[([^\]]*)\]/g)) {
    readSql(`SELECT ${subscript.replace(/(?<!:):(?!:)/, ',')}`, reading, readValue);
  }
}

function readValue(node: unknown, reading: Reading): void {
  readQuery(node, reading, null);
}

function readSql(text: string, reading: Reading, read: (node: unknown, reading: Reading) => void): void {
  const statements: readonly Tree[] | null = reading.parser.statements(text);
  if (statements?.length !== 1) {
    reading.draft.unknown();
  }
  for (const { stmt } of statements ?? []) {
    read(stmt, reading);
  }
}

/** Reads the type of a variable: assigning to it may check a domain. `a.b%TYPE` is the type of a column, or of a part of a variable, whose own type was read. */
function readType(name: string, reading: Reading): void {
  const [, text = '', percent] = /^(.*?)(%\s*(?:row)?type\s*)?$/is.exec(name) ?? [];
  const [only] = reading.parser.statements(`SELECT NULL::${text}`) ?? [];
  const [target, ...more] = list(ofType(only?.['stmt'], 'SelectStmt')?.['targetList']);
  const type = ofType(ofType(target, 'ResTarget')?.['val'], 'TypeCast')?.['typeName'];
  if (type === undefined || more.length > 0) {
    reading.draft.unknown();
    return;
  }
  const parts = names(tree(type)['names']);
  const isOfColumn = percent !== undefined && !/row/i.test(percent);
  reading.callType(isOfColumn ? parts.slice(0, -1) : parts);
  readExpression(tree(type)['typmods'], reading, null);
}
