import type { Effect } from './facts.ts';
import { readExpression } from './expressions.ts';
import { readQuery } from './queries.ts';
import { relationName, type Reading } from './reading.ts';
import { readSetting } from './session-settings.ts';
import type { StatementKind } from './statement-kinds.ts';
import { readStatement } from './statements.ts';
import { constantNumber, constantText, list, ofType, textOf, tree, type Tree } from './tree.ts';

type Reader = (statement: Tree, reading: Reading) => void;

const plain =
  (kind: StatementKind, ...effects: readonly Effect[]): Reader =>
  (_, reading) => {
    reading.statement(kind);
    reading.draft.add(...effects);
  };

/** Statements about the session, its transactions and cursors, and about the work of the server. */
const readers: Readonly<Record<string, Reader>> = {
  TransactionStmt: readTransaction,
  VariableShowStmt: plain('show', 'read'),
  VariableSetStmt: readSet,
  ConstraintsSetStmt: plain('set_constraints', 'read'),
  DiscardStmt: (_, reading) => {
    reading.statement('discard');
    reading.draft.add('read');
    reading.draft.timeout = '';
    reading.names.resetPath();
  },
  DeallocateStmt: plain('deallocate', 'read'),
  ClosePortalStmt: plain('close', 'read'),
  ListenStmt: plain('listen', 'read'),
  UnlistenStmt: plain('unlisten', 'read'),
  NotifyStmt: plain('notify', 'write'),
  CheckPointStmt: plain('checkpoint', 'administer'),
  LoadStmt: plain('load', 'administer', 'execute', 'unknown'),
  PrepareStmt: (statement, reading) => {
    reading.statement('prepare');
    noteName('prepared', statement['name'], reading);
    readExpression(statement['argtypes'], reading, null);
    readStatement(statement['query'], reading);
  },
  ExecuteStmt: (statement, reading) => {
    reading.statement('execute');
    reading.draft.executed.add(textOf(statement['name']));
    readExpression(statement['params'], reading, null);
  },
  DeclareCursorStmt: (statement, reading) => {
    reading.statement('declare');
    noteName('declared', statement['portalname'], reading);
    reading.draft.add('read');
    readQuery(statement['query'], reading, null);
  },
  FetchStmt: (statement, reading) => {
    reading.statement(statement['ismove'] === true ? 'move' : 'fetch');
    reading.draft.fetched.add(textOf(statement['portalname']));
    reading.draft.add('read');
  },
  LockStmt: (statement, reading) => {
    reading.statement('lock');
    reading.draft.add('administer');
    useAll(statement['relations'], reading);
  },
  VacuumStmt: (statement, reading) => {
    const relations = list(statement['rels']).map((relation) => ({ RangeVar: tree(ofType(relation, 'VacuumRelation')?.['relation']) }));
    reading.statement(statement['is_vacuumcmd'] === true ? 'vacuum' : 'analyze');
    reading.draft.add('administer');
    useAll(relations, reading);
    if (relations.length === 0) {
      // Every table is meant, and the expressions of their indexes run.
      reading.draft.unknown();
    }
  },
  ClusterStmt: (statement, reading) => {
    reading.statement('cluster');
    maintain([statement['relation']], reading);
  },
  ReindexStmt: (statement, reading) => {
    reading.statement('reindex');
    maintain([statement['relation']], reading);
  },
};

/** Reads a statement about the session or the server's work. Returns false if it is of another kind. */
export function readSession(type: string, statement: Tree, reading: Reading): boolean {
  const read = readers[type];
  read?.(statement, reading);
  return read !== undefined;
}

/** Notes the name of a statement or a cursor. One that a body makes stands for the text that the body had then, which nobody can tell later. */
function noteName(kind: 'prepared' | 'declared', node: unknown, reading: Reading): void {
  reading.draft[kind].add(textOf(node));
  if (reading.isNested) {
    reading.draft.unknown();
  }
}

function useAll(ranges: unknown, reading: Reading): void {
  for (const range of list(ranges)) {
    const relation = ofType(range, 'RangeVar');
    if (relation !== null) {
      reading.use(relationName(relation), 'refresh');
    }
  }
}

/** Reads work on one relation, or on all if none is named. */
function maintain(ranges: readonly unknown[], reading: Reading): void {
  reading.draft.add('administer');
  reading.always('event_trigger');
  const [named] = ranges;
  if (named === undefined) {
    reading.draft.unknown();
  } else {
    useAll([{ RangeVar: named }], reading);
  }
}

const transactionKinds: Readonly<Record<string, StatementKind>> = {
  TRANS_STMT_BEGIN: 'begin',
  TRANS_STMT_START: 'begin',
  TRANS_STMT_COMMIT: 'commit',
  TRANS_STMT_ROLLBACK: 'rollback',
  TRANS_STMT_SAVEPOINT: 'savepoint',
  TRANS_STMT_RELEASE: 'release',
  TRANS_STMT_ROLLBACK_TO: 'rollback',
  TRANS_STMT_PREPARE: 'prepare_transaction',
  TRANS_STMT_COMMIT_PREPARED: 'commit_prepared',
  TRANS_STMT_ROLLBACK_PREPARED: 'rollback_prepared',
};

function readTransaction(statement: Tree, reading: Reading): void {
  const kind = transactionKinds[textOf(statement['kind'])];
  if (kind === undefined) {
    reading.draft.unknown();
    return;
  }
  reading.statement(kind);
  // A prepared transaction outlives its session, and anybody of the role may end it.
  reading.draft.add(kind.endsWith('prepared') || kind === 'prepare_transaction' ? 'administer' : 'read');
  reading.draft.ends ||= !/^(?:begin|savepoint|release)$/.test(kind);
  readModes(statement['options'], reading);
}

/** Reads the modes of a transaction. To ask for writing may undo a default that forbids it. */
function readModes(options: unknown, reading: Reading): void {
  for (const option of list(options)) {
    const { defname, arg } = ofType(option, 'DefElem') ?? {};
    const isOn = isNumber(arg, 1);
    if (textOf(defname) === 'transaction_read_only' && !isOn) {
      reading.draft.add('administer');
    }
  }
}

function isNumber(node: unknown, wanted: number): boolean {
  const constant = ofType(node, 'A_Const');
  return tree(constant?.['ival'])['ival'] === wanted;
}

function readSet(statement: Tree, reading: Reading): void {
  const kind = textOf(statement['kind']) || 'VAR_SET_VALUE';
  const name = textOf(statement['name']).toLowerCase();
  reading.draft.add('read');
  reading.statement(kind.startsWith('VAR_RESET') ? 'reset' : 'set');
  if (kind === 'VAR_RESET_ALL') {
    reading.draft.timeout = '';
    reading.names.resetPath();
    return;
  }
  if (kind === 'VAR_SET_MULTI') {
    readMultiple(name, statement['args'], reading);
    return;
  }
  if (kind !== 'VAR_SET_VALUE') {
    // RESET, SET TO DEFAULT and SET FROM CURRENT.
    if (name === 'search_path') {
      reading.names.resetPath();
    } else if (name === 'role' || name === 'session_authorization') {
      reading.draft.add('administer');
    } else {
      readSetting(name, name === 'standard_conforming_strings' ? 'on' : '', reading);
    }
    return;
  }
  const values = list(statement['args']).map(settingValue);
  if (name === 'search_path') {
    reading.names.addPath(values.every((value) => value !== null) ? values.flatMap((value) => value ?? []) : null);
  } else {
    readSetting(name, values[0] ?? null, reading);
  }
}

function settingValue(node: unknown): string | null {
  const number = constantNumber(node);
  const truth = ofType(node, 'A_Const')?.['boolval'];
  if (number !== null) {
    return String(number);
  }
  return truth === undefined ? constantText(node) : String(tree(truth)['boolval'] === true);
}

function readMultiple(name: string, parts: unknown, reading: Reading): void {
  if (name === 'transaction' || name === 'session characteristics') {
    readModes(parts, reading);
  } else {
    // SET TRANSACTION SNAPSHOT shows the data of another session's moment.
    reading.draft.add('administer');
  }
}
