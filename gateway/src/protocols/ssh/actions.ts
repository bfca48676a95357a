import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import type { ContextField } from '../../domain/context-field.ts';
import { readEffects, unknownEffects } from '../../domain/effects.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { userField } from '../../wire/remote-user.ts';
import { commandFacts } from './command-words.ts';
import { sftpActions } from './sftp/operations.ts';
import { sftpFields } from './sftp/fields.ts';

/** The catalogue of actions. */
export const actions = [
  { name: 'ssh.connect', title: 'Connect to a machine', isWithoutText: true },
  { name: 'ssh.exec', title: 'Run a command' },
  { name: 'ssh.shell', title: 'Open a shell', isWithoutText: true },
  { name: 'ssh.input', title: 'Send input to what runs', isWithoutText: true },
  { name: 'ssh.subsystem', title: 'Open a subsystem', isWithoutText: true },
  { name: 'ssh.environment', title: 'Set a variable of the environment', isWithoutText: true },
  { name: 'ssh.forward', title: 'Forward connections, an agent or a display', isWithoutText: true },
  ...sftpActions,
] as const satisfies readonly ActionDefinition[];

/** The beginning of the names of the actions of SFTP. */
export const sftpPrefix = 'ssh.sftp.';
/** The subsystem whose operations the gateway understands. */
export const sftpSubsystem = 'sftp';

export type ActionName = (typeof actions)[number]['name'];

/** The facts that policies may speak of. */
export const context: readonly ContextField[] = [
  {
    name: 'command',
    type: 'text',
    attribute: 'process.command_line',
    absent: '',
    isContent: true,
    title: 'The command that is run, as the client sends it; a shell of the target reads it. Empty for a shell.',
  },
  {
    name: 'program',
    type: 'text',
    attribute: 'process.executable.name',
    absent: '',
    title: 'The program that the command runs, as `rm`, where it is a command of plain words; empty where a shell decides what runs.',
  },
  userField,
  { name: 'interactive', type: 'boolean', attribute: 'process.interactive', absent: false, title: 'True if there is a terminal.' },
  {
    name: 'subsystem',
    type: 'text',
    attribute: ownAttributes.subsystem,
    absent: '',
    title: 'The subsystem that is opened, as `sftp`.',
  },
  {
    name: 'destination',
    type: 'text',
    attribute: ownAttributes.destination,
    absent: '',
    title: 'The place to which the target is to connect, as `db.internal:5432`.',
  },
  ...sftpFields,
];

/** Returns the facts of a command. */
export function commandAttributes(command: string): Attributes {
  const { program, effects } = commandFacts(command);
  return {
    [ownAttributes.effects]: effects,
    'process.command_line': command,
    ...(program === null ? {} : { 'process.executable.name': program }),
  };
}

/** Returns the facts of a subsystem. That of SFTP only tells where relative paths begin, until operations come, which are decided on one by one; nobody sees into the others. */
export function subsystemAttributes(subsystem: string): Attributes {
  return { [ownAttributes.effects]: subsystem === sftpSubsystem ? readEffects : unknownEffects, [ownAttributes.subsystem]: subsystem };
}

/** Returns the facts of a forward. Nobody sees into what goes over it. */
export function forwardAttributes(destination: string): Attributes {
  return { [ownAttributes.effects]: unknownEffects, [ownAttributes.destination]: destination };
}

/** The facts of what nobody can see into. */
export const unknownAttributes: Attributes = { [ownAttributes.effects]: unknownEffects };
