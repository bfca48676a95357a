import type { Use } from './catalogue.ts';
import { isEveryRow } from './every-row.ts';
import { readExpression } from './expressions.ts';
import { readCall } from './calls.ts';
import { readDefinition } from './definitions.ts';
import { relationName, type Reading } from './reading.ts';
import type { Relation } from './resolve.ts';
import { settingOf } from './setting-query.ts';
import { noteAll, noteColumn, Scope, type Source } from './scope.ts';
import { statementKind } from './statement-kinds.ts';
import { constantNumber, list, names, ofType, textOf, tree, typed, type Tree } from './tree.ts';

/** Reads a query or a statement that changes rows: at the beginning of a text, in WITH, in brackets, or in another statement. */
export function readQuery(node: unknown, reading: Reading, outer: Scope | null): void {
  const [type, members] = typed(node);
  reading.deeper(() => {
    switch (type) {
      case 'SelectStmt':
        readSelect(members, reading, outer);
        break;
      case 'InsertStmt':
        readInsert(members, reading, outer);
        break;
      case 'UpdateStmt':
      case 'DeleteStmt':
        readChange(type === 'UpdateStmt' ? 'update' : 'delete', members, reading, outer);
        break;
      case 'MergeStmt':
        readMerge(members, reading, outer);
        break;
      default:
        readDefinition(type, members, reading);
    }
  });
}

/** Returns the constant LIMIT of a query; null if there is none. */
export function limitOf(select: Tree): number | null {
  return textOf(select['limitOption']) === 'LIMIT_OPTION_COUNT' ? constantNumber(select['limitCount']) : null;
}

function readSelect(select: Tree, reading: Reading, outer: Scope | null): void {
  const scope = new Scope(outer);
  if (!reading.isNested) {
    reading.draft.add('read');
  }
  readWith(select['withClause'], reading, scope);
  if (textOf(select['op']) !== 'SETOP_NONE') {
    for (const side of [select['larg'], select['rarg']]) {
      readQuery({ SelectStmt: tree(side) }, reading, scope);
    }
  }
  readFrom(select['fromClause'], reading, scope);
  const { setting } = reading;
  reading.setting = settingOf(select);
  const { targetList, whereClause, groupClause, havingClause, windowClause, valuesLists, distinctClause, sortClause, limitOffset, limitCount } = select;
  readExpression(
    [targetList, whereClause, groupClause, havingClause, windowClause, valuesLists, distinctClause, sortClause, limitOffset, limitCount],
    reading,
    scope,
  );
  reading.setting = setting;
  readLocks(select, reading, scope);
  if (select['intoClause'] !== undefined) {
    readInto(tree(select['intoClause']), reading);
  }
}

/**
 * Reads the table that SELECT INTO or CREATE TABLE AS makes, after its query. Its columns have the types of the query, so that their code runs where rows are added.
 * `isHidden`: the query is not in this text.
 */
export function readInto(into: Tree, reading: Reading, isHidden = false): void {
  const range = tree(into['rel']);
  const tables = reading.names.make(relationName(range), textOf(range['relpersistence']) === 't');
  reading.draft.add('define', 'write');
  reading.always('event_trigger');
  for (const table of tables) {
    reading.draft.writes.add(table);
  }
  if (isHidden || reading.hasTypesWithCode) {
    reading.names.define();
    reading.draft.isLost ||= tables.some((table) => table.startsWith('pg_temp.'));
  }
}

/** Reads FOR UPDATE and its like: rows are locked, for which PostgreSQL asks for the right to change them and writes to the table. */
function readLocks(select: Tree, reading: Reading, scope: Scope): void {
  for (const clause of list(select['lockingClause'])) {
    const locked = list(ofType(clause, 'LockingClause')?.['lockedRels']).map((range) => textOf(ofType(range, 'RangeVar')?.['relname']));
    reading.draft.add('write');
    for (const { alias, relation } of scope.sources) {
      if (locked.length === 0 || locked.includes(alias)) {
        // The rows of a view are locked in its tables.
        const isView = relation === null || relation.found.some(({ runs = [] }) => runs.some(({ on }) => on.includes('read')));
        for (const table of isView ? reading.draft.reads : relation.tables) {
          reading.draft.writes.add(table);
        }
      }
    }
  }
}

function readWith(clause: unknown, reading: Reading, scope: Scope): void {
  const { ctes, recursive } = tree(clause);
  const all = list(ctes).map((each) => ofType(each, 'CommonTableExpr') ?? tree(null));
  if (recursive === true) {
    for (const { ctename } of all) {
      scope.ctes.add(textOf(ctename));
    }
  }
  for (const { ctename, ctequery, search_clause: search, cycle_clause: cycle } of all) {
    const [type] = typed(ctequery);
    if (type !== 'SelectStmt') {
      reading.statement(statementKind(type.replace('Stmt', '').toLowerCase()));
    }
    readQuery(ctequery, reading, scope);
    readExpression(
      [search, cycle].map((part) => ({ List: { items: [part] } })),
      reading,
      scope,
    );
    // Without RECURSIVE, a query does not see its own name: there it is the name of a table.
    scope.ctes.add(textOf(ctename));
  }
}

function readFrom(items: unknown, reading: Reading, scope: Scope): void {
  for (const item of list(items)) {
    reading.deeper(() => {
      readFromItem(item, reading, scope);
    });
  }
}

function readFromItem(item: unknown, reading: Reading, scope: Scope): void {
  const [type, members] = typed(item);
  const alias = textOf(tree(members['alias'])['aliasname']);
  switch (type) {
    case 'RangeVar':
      scope.sources.push(readSource(members, reading, scope));
      return;
    case 'JoinExpr':
      readJoin(members, reading, scope);
      return;
    case 'RangeSubselect':
      readQuery(members['subquery'], reading, scope);
      break;
    case 'RangeTableSample':
      readFrom([members['relation']], reading, scope);
      readCall(names(members['method']), list(members['args']), reading);
      readExpression([members['args'], members['repeatable']], reading, scope);
      return;
    case 'RangeFunction':
    case 'RangeTableFunc':
    case 'JsonTable':
      readExpression(item, reading, scope);
      break;
    default:
      reading.draft.unknown();
      readExpression(item, reading, scope);
  }
  scope.sources.push({ alias, relation: null });
}

function readJoin(join: Tree, reading: Reading, scope: Scope): void {
  const before = scope.sources.length;
  readFrom([join['larg'], join['rarg']], reading, scope);
  if (join['alias'] !== undefined) {
    // The columns have the name of the join then, and perhaps names of their own.
    for (const source of scope.sources.slice(before)) {
      noteAll(source, reading.draft);
    }
  }
  readExpression(join['quals'], reading, scope);
  const shared = names(join['usingClause']);
  if (shared.length > 0 || join['isNatural'] === true) {
    reading.callOthers('operator', ['=']);
  }
  for (const source of scope.sources) {
    if (join['isNatural'] === true) {
      noteAll(source, reading.draft);
    }
    for (const column of shared) {
      noteColumn(source, column, reading.draft);
    }
  }
}

/** Reads a name in FROM: of a table, or of a query of WITH that hides tables. */
function readSource(range: Tree, reading: Reading, scope: Scope): Source {
  const name = relationName(range);
  const last = name.at(-1) ?? '';
  const alias = textOf(tree(range['alias'])['aliasname']) || last;
  const relation = name.length === 1 && scope.hasCte(last) ? null : reading.use(name, 'read');
  if (tree(range['alias'])['colnames'] !== undefined) {
    // The columns have other names then.
    noteAll({ alias, relation }, reading.draft);
  }
  return { alias, relation };
}

/** Reads the table that a statement changes. It is never the name of a query of WITH. */
function readTarget(range: unknown, reading: Reading, scope: Scope, ...uses: readonly Use[]): Relation {
  const members = tree(range);
  const name = relationName(members);
  const relation = reading.use(name, ...uses);
  scope.sources.push({ alias: textOf(tree(members['alias'])['aliasname']) || (name.at(-1) ?? ''), relation });
  return relation;
}

function readInsert(insert: Tree, reading: Reading, outer: Scope | null): void {
  const scope = new Scope(outer);
  readWith(insert['withClause'], reading, scope);
  const conflict = tree(insert['onConflictClause']);
  const updates = textOf(conflict['action']) === 'ONCONFLICT_UPDATE';
  const relation = readTarget(insert['relation'], reading, scope, 'insert', ...(updates ? ['update' as const] : []));
  const columns = list(insert['cols']);
  noteTargets(columns, relation, reading);
  if (columns.length === 0) {
    noteAll({ alias: '', relation }, reading.draft);
  }
  readExpression(columns, reading, scope);
  if (insert['selectStmt'] !== undefined) {
    readValues(tree(tree(insert['selectStmt'])['SelectStmt']), reading, scope);
  }
  if (updates) {
    scope.sources.push({ alias: 'excluded', relation });
    reading.statement('update');
    noteReads(relation, reading);
    noteTargets(conflict['targetList'], relation, reading);
  }
  readExpression([conflict['targetList'], conflict['whereClause'], { InferClause: tree(conflict['infer']) }], reading, scope);
  readReturning(insert, relation, reading, scope);
}

/** Reads the rows that are inserted. Rows that the text itself gives are not read from anywhere. */
function readValues(select: Tree, reading: Reading, scope: Scope): void {
  const isPlain = select['valuesLists'] !== undefined && select['withClause'] === undefined;
  if (isPlain) {
    readExpression([select['valuesLists'], select['sortClause'], select['limitCount'], select['limitOffset']], reading, scope);
  } else {
    readQuery({ SelectStmt: select }, reading, scope);
  }
}

function readChange(use: 'update' | 'delete', change: Tree, reading: Reading, outer: Scope | null): void {
  const scope = new Scope(outer);
  readWith(change['withClause'], reading, scope);
  const relation = readTarget(change['relation'], reading, scope, use);
  const where = change['whereClause'];
  const targets = list(change['targetList']);
  readFrom(use === 'update' ? change['fromClause'] : change['usingClause'], reading, scope);
  noteTargets(targets, relation, reading);
  if (where !== undefined || targets.length > 0) {
    // PostgreSQL asks for the right to read the columns of a condition.
    noteReads(relation, reading);
  }
  readExpression([targets, where], reading, scope);
  readReturning(change, relation, reading, scope);
  reading.draft.hasWhere &&= !isEveryRow(where, reading.draft);
}

function readMerge(merge: Tree, reading: Reading, outer: Scope | null): void {
  const scope = new Scope(outer);
  readWith(merge['withClause'], reading, scope);
  const clauses = list(merge['mergeWhenClauses']).map((clause) => tree(tree(clause)['MergeWhenClause']));
  const uses = [...new Set(clauses.flatMap(({ commandType }) => mergeUses[textOf(commandType)] ?? []))];
  const relation = readTarget(merge['relation'], reading, scope, ...uses);
  noteReads(relation, reading);
  reading.draft.add('write');
  readFrom([merge['sourceRelation']], reading, scope);
  for (const clause of clauses) {
    const changes = mergeUses[textOf(clause['commandType'])] ?? [];
    noteTargets(clause['targetList'], relation, reading);
    changes.forEach((change) => reading.statement(change));
    // Rows without a match may be all rows, whatever the match is.
    const isForAll = textOf(clause['matchKind']) === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE' || isEveryRow(merge['joinCondition'], reading.draft);
    if (changes.length > 0 && !changes.includes('insert') && isForAll && isEveryRow(clause['condition'], reading.draft)) {
      reading.draft.hasWhere = false;
    }
    readExpression([clause['condition'], clause['targetList'], clause['values']], reading, scope);
  }
  readExpression(merge['joinCondition'], reading, scope);
  readReturning(merge, relation, reading, scope);
}

const mergeUses: Readonly<Record<string, readonly ('insert' | 'update' | 'delete')[]>> = {
  CMD_INSERT: ['insert'],
  CMD_UPDATE: ['update'],
  CMD_DELETE: ['delete'],
};

/** Notes the columns that a statement sets. */
function noteTargets(targets: unknown, relation: Relation, reading: Reading): void {
  for (const target of list(targets)) {
    const column = textOf(ofType(target, 'ResTarget')?.['name']);
    if (column !== '') {
      noteColumn({ alias: '', relation }, column, reading.draft);
    }
  }
}

/** Notes that the table that is changed is read too. */
function noteReads({ tables }: Relation, reading: Reading): void {
  reading.draft.add('read');
  for (const table of tables) {
    reading.draft.reads.add(table);
  }
}

function readReturning(statement: Tree, relation: Relation, reading: Reading, scope: Scope): void {
  const returning = statement['returningList'] ?? tree(statement['returningClause'])['exprs'];
  if (returning !== undefined) {
    noteReads(relation, reading);
    readExpression([returning, tree(statement['returningClause'])['options']], reading, scope);
  }
}
