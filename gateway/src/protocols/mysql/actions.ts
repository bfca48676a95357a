import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import type { ContextField } from '../../domain/context-field.ts';
import { unknownEffects } from '../../domain/effects.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { userField } from '../../wire/remote-user.ts';

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

/** Returns the facts of a text of SQL. */
export function exampleAttributes(): Attributes {
  return { 'db.system.name': 'mysql', 'db.operation.name': 'QUERY', [ownAttributes.effects]: unknownEffects };
}
