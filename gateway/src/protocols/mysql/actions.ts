import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import type { ContextField } from '../../domain/context-field.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { userField } from '../../wire/remote-user.ts';
import type { SqlFacts } from './guard/guard.ts';
import { statementKinds } from './guard/statement-kinds.ts';

/** The catalogue of actions. */
export const actions = [
  { name: 'mysql.connect', title: 'Connect to a MySQL or MariaDB server', isWithoutText: true },
  { name: 'mysql.query', title: 'Run statements' },
  { name: 'mysql.prepare', title: 'Prepare, reset or close a statement, or send a long parameter, without running it' },
  { name: 'mysql.execute', title: 'Run a prepared statement with its parameters, or fetch rows of its cursor' },
  { name: 'mysql.use', title: 'Change the database' },
  { name: 'mysql.cancel', title: 'Stop what an ended session has left running', isWithoutText: true },
  { name: 'mysql.command', title: 'A command of the protocol that is no statement' },
] as const satisfies readonly ActionDefinition[];

export type ActionName = (typeof actions)[number]['name'];

/** The facts that policies may speak of. */
export const context: readonly ContextField[] = [
  userField,
  {
    name: 'command',
    type: 'text',
    attribute: 'db.operation.name',
    absent: '',
    title: 'The command of the protocol: `QUERY`, `PREPARE`, `EXECUTE`, `FETCH`, `USE`, `PING` and so on.',
  },
  {
    name: 'statements',
    type: 'texts',
    attribute: ownAttributes.statements,
    absent: [],
    oneOf: statementKinds,
    title: 'The kinds of the statements: select, insert, update, delete, drop_table and so on; all are listed below. A text that cannot be read has none.',
  },
  {
    name: 'tables',
    type: 'texts',
    attribute: ownAttributes.tables,
    absent: [],
    parts: 'DATABASE.TABLE',
    title: 'The tables that are read or changed, each as DATABASE.TABLE, or as TABLE if there is no database. Complete unless the effects have `unknown`.',
  },
  {
    name: 'database',
    type: 'text',
    attribute: 'db.namespace',
    absent: '',
    title: 'The database of a login, or the one to which `mysql.use` changes. Empty for all others: a statement may have changed it.',
  },
];

/** The attributes that all requests have. `user` is that of the target, `database` that of a login, or of a change of the database; otherwise it is empty. */
export function connectionAttributes(user: string, database: string): Attributes {
  return { 'db.system.name': 'mysql', ...(user === '' ? {} : { [ownAttributes.targetUser]: user }), ...(database === '' ? {} : { 'db.namespace': database }) };
}

/** Returns the facts of a text of SQL. `database` is the one in which names without a database are found; null if it may be any. */
export function sqlAttributes({ effects, statements, tables }: SqlFacts, database: string | null): Attributes {
  const isAnywhere = database === null && tables.some((parts) => parts.length === 1);
  const named = tables.map((parts) => (parts.length === 1 && database !== null && database !== '' ? [database, ...parts] : parts).slice(-2).join('.'));
  return {
    [ownAttributes.effects]: isAnywhere && !effects.includes('unknown') ? [...effects, 'unknown'].toSorted() : effects,
    ...(statements.length === 0 ? {} : { [ownAttributes.statements]: statements }),
    ...(named.length === 0 ? {} : { [ownAttributes.tables]: [...new Set(named)].toSorted() }),
  };
}
