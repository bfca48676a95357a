import { readFunction } from './bodies.ts';
import type { Run } from './catalogue.ts';
import { readDefinition } from './definitions.ts';
import { readExpression } from './expressions.ts';
import { limitOf, readQuery } from './queries.ts';
import { QueryLineage } from './query-lineage.ts';
import type { Reading } from './reading.ts';
import type { StatementKind } from './statement-kinds.ts';
import { list, tree, typed } from './tree.ts';

const queryKinds: Readonly<Record<string, StatementKind>> = {
  SelectStmt: 'select',
  InsertStmt: 'insert',
  UpdateStmt: 'update',
  DeleteStmt: 'delete',
  MergeStmt: 'merge',
};

/** Reads the statements of a text, or what its definitions make run. A text that cannot be parsed is unknown. */
export function readStatements({ sql, defines }: Pick<Run, 'sql' | 'defines'>, reading: Reading): void {
  const statements = reading.parser.statements(sql);
  if (statements === null) {
    reading.draft.isOfConstants = true;
    // PostgreSQL takes a text without a statement, which the parser may refuse.
    if (!isEmpty(sql)) {
      reading.draft.unknown();
    }
    return;
  }
  if (!reading.isNested) {
    reading.always('cast');
    reading.always('comparison');
  }
  for (const { stmt, stmt_location: from, stmt_len: length } of statements) {
    reading.source = () => partOf(sql, from, length);
    if (defines === true) {
      readDefined(stmt, reading);
    } else {
      readStatement(stmt, reading);
    }
    if (!reading.isNested) {
      noteFilters(stmt, reading);
    }
  }
  const [only] = statements;
  if (!reading.isNested && statements.length === 1) {
    const { draft } = reading;
    draft.rowsLimit = limitOfStatement(only?.['stmt']);
    draft.isOfConstants ||= draft.rowsLimit !== null;
  }
}

/** Notes the columns in the conditions of a statement. The code of functions may have any that it names. */
function noteFilters(node: unknown, reading: Reading): void {
  const { draft } = reading;
  const queries = new QueryLineage(reading.apart());
  queries.query(queryOf(node), null);
  draft.isOfConstants ||= queries.isOfConstants;
  const runsCode = draft.statements.has('do') || [...draft.functions].some((name) => !name.startsWith('pg_catalog.'));
  for (const filter of [...queries.filters, ...(runsCode ? draft.columns : [])]) {
    const found = filter.endsWith('.*') ? reading.names.relation(splitName(filter.slice(0, -'.*'.length))).found : [];
    const columns = found.flatMap(({ schema, name, columns: all = [] }) => all.map((column) => `${schema}.${name}.${column}`));
    for (const each of columns.length === 0 ? [filter] : columns) {
      draft.filters.add(each);
    }
  }
}

/** Returns the query within a statement; the statement itself if it has none. */
function queryOf(node: unknown): unknown {
  const [type, members] = typed(node);
  return queryKinds[type] === undefined ? (members['query'] === undefined ? null : queryOf(members['query'])) : node;
}

function splitName(table: string): readonly string[] {
  const dot = table.indexOf('.');
  return [table.slice(0, dot), table.slice(dot + 1)];
}

/** Reads what the target does to plan a text. A text that is not one query, or statement that changes rows, is unknown. */
export function readPlanned(sql: string, reading: Reading): void {
  const statements = reading.parser.statements(sql) ?? [];
  const [type, members] = typed(statements[0]?.['stmt']);
  if (statements.length !== 1 || queryKinds[type] === undefined || members['intoClause'] !== undefined) {
    reading.draft.unknown();
    return;
  }
  reading.isPlanning = true;
  readStatements({ sql }, reading);
}

/** Returns the text of one statement. Its place is counted in bytes. */
function partOf(sql: string, from: unknown, length: unknown): string {
  const start = typeof from === 'number' ? from : 0;
  const bytes = Buffer.from(sql);
  return bytes.toString('utf8', start, typeof length === 'number' && length > 0 ? start + length : bytes.length);
}

/** Reads what runs by a definition: the body of a function, the expressions of statistics, or the actions of a rule. */
function readDefined(node: unknown, reading: Reading): void {
  const [type, members] = typed(node);
  if (type === 'CreateFunctionStmt') {
    readFunction(members, reading);
  } else if (type === 'CreateStatsStmt') {
    const leave = reading.names.within([], false);
    readExpression(members['exprs'], reading, null);
    leave();
  } else if (type === 'RuleStmt') {
    const leave = reading.names.within([], false);
    readExpression(members['whereClause'], reading, null);
    readAll(members['actions'], reading);
    leave();
  } else {
    reading.draft.unknown();
  }
}

/** Returns whether a text has only white space, comments of one line and semicolons. */
function isEmpty(sql: string): boolean {
  return /^(?:[\s;]|--[^\n\r]*(?:[\n\r]|$))*$/.test(sql);
}

/** Reads one statement: of a text, of a body, or within EXPLAIN, PREPARE and others. */
export function readStatement(node: unknown, reading: Reading): void {
  const [type, members] = typed(node);
  const kind = queryKinds[type];
  if (kind === undefined) {
    readDefinition(type, members, reading);
    return;
  }
  const isInto = type === 'SelectStmt' && members['intoClause'] !== undefined;
  reading.statement(isInto ? 'select_into' : kind);
  readQuery(node, reading, null);
}

/** The number of rows by which the parser says FETCH ALL. */
const fetchAll = 0x7fff_ffff;

function limitOfStatement(node: unknown): number | null {
  const [type, members] = typed(node);
  if (type === 'SelectStmt') {
    return limitOf(members);
  }
  const isForward = type === 'FetchStmt' && members['ismove'] !== true && (members['direction'] ?? 'FETCH_FORWARD') === 'FETCH_FORWARD';
  const { howMany } = members;
  const rows = typeof howMany === 'number' ? howMany : Number(howMany);
  return isForward && Number.isSafeInteger(rows) && rows >= 0 && rows < fetchAll ? rows : null;
}

/** Reads several statements that stand where a list of nodes is. */
export function readAll(nodes: unknown, reading: Reading): void {
  for (const node of list(nodes)) {
    const inner = typed(node);
    if (inner[0] === 'List') {
      readAll(tree(inner[1])['items'], reading);
    } else {
      readStatement(node, reading);
    }
  }
}
