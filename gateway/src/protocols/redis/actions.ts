import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import type { ContextField } from '../../domain/context-field.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { userField } from '../../wire/remote-user.ts';
import { commandFacts } from './command-facts.ts';
import type { Command } from './command-reader.ts';
import { isSubscription } from './subscriptions.ts';
import { splitLine } from './inline.ts';

/** The catalogue of actions. */
export const actions = [
  { name: 'redis.connect', title: 'Connect to a Redis server', isWithoutText: true },
  { name: 'redis.command', title: 'Run a command' },
  { name: 'redis.script', title: 'Run a script or a function' },
  { name: 'redis.transaction', title: 'Begin, carry out or discard a transaction' },
  { name: 'redis.subscribe', title: 'Listen to channels, or stop it' },
] as const satisfies readonly ActionDefinition[];

export type ActionName = (typeof actions)[number]['name'];

/** Returns the action of a command, by its name in lower case. */
export function actionOf(name: string): ActionName {
  switch (name) {
    case 'multi':
    case 'exec':
    case 'discard':
    case 'watch':
    case 'unwatch':
      return 'redis.transaction';
    default:
      return /^(?:eval|evalsha|fcall)(?:_ro)?$/.test(name) ? 'redis.script' : isSubscription(name) ? 'redis.subscribe' : 'redis.command';
  }
}

/** The facts that policies may speak of. */
export const context: readonly ContextField[] = [
  {
    name: 'command',
    type: 'text',
    attribute: 'db.operation.name',
    absent: '',
    title: 'The command in capitals, with its subcommand: `GET`, `CONFIG SET`. Empty for one that is not known.',
  },
  userField,
  {
    name: 'database',
    type: 'text',
    attribute: 'db.namespace',
    absent: '',
    title: 'The number of the database, as text: `0`. Empty for a command that reaches others, as FLUSHALL and MOVE.',
  },
  {
    name: 'keys',
    type: 'texts',
    attribute: ownAttributes.keys,
    absent: [],
    isContent: true,
    title: 'The keys that the command names, and the channels. Empty where they cannot all be found; its effects are `unknown` then.',
  },
  {
    name: 'keyPrefix',
    type: 'text',
    attribute: ownAttributes.keyPrefix,
    absent: '',
    isContent: true,
    title:
      'The longest text with which all keys begin that the command touches: with `like "cache:*"` a policy allows what touches no other keys. Empty where it may touch keys that it does not name.',
  },
];

/** The attributes that all requests of a connection have. `user` is that of the target. */
export function connectionAttributes(database: string, user: string): Attributes {
  return { 'db.system.name': 'redis', 'db.namespace': database, ...(user === '' ? {} : { [ownAttributes.targetUser]: user }) };
}

/** Returns the facts of a command as attributes. An empty one is left out. */
export function commandAttributes(args: Command): Attributes {
  const { name, effects, keys, keyPrefix, isElsewhere } = commandFacts(args);
  return {
    [ownAttributes.effects]: effects,
    ...(name === null ? {} : { 'db.operation.name': name }),
    ...(keys.length === 0 ? {} : { [ownAttributes.keys]: keys }),
    ...(keyPrefix === '' ? {} : { [ownAttributes.keyPrefix]: keyPrefix }),
    ...(isElsewhere ? { 'db.namespace': '' } : {}),
  };
}

/** Returns the facts of a command that is written as a line. */
export function exampleAttributes(text: string): Attributes {
  const [name = Buffer.alloc(0), ...others] = splitLine(Buffer.from(text));
  return { ...connectionAttributes('0', ''), ...commandAttributes([name, ...others]) };
}
