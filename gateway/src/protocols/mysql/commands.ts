import type { Effect } from '../../domain/effects.ts';
import { administerEffects, readEffects, unknownEffects } from '../../domain/effects.ts';
import type { ActionName } from './actions.ts';
import type { AnswerForm } from './answer.ts';

/** The numbers of commands. https://mariadb.com/kb/en/2-text-protocol/ */
export const commands = {
  quit: 0x01,
  initDatabase: 0x02,
  query: 0x03,
  fieldList: 0x04,
  statistics: 0x09,
  processKill: 0x0c,
  ping: 0x0e,
  prepare: 0x16,
  execute: 0x17,
  sendLongData: 0x18,
  closeStatement: 0x19,
  resetStatement: 0x1a,
  setOption: 0x1b,
  fetch: 0x1c,
  resetConnection: 0x1f,
} as const;

/** A command that the gateway knows: what it is, and what is answered to it. */
export interface CommandKind {
  readonly action: ActionName;
  /** The name for people. */
  readonly name: string;
  readonly effects: readonly Effect[];
  /** Null: it has no answer. */
  readonly answer: AnswerForm | null;
}

const kinds: ReadonlyMap<number, CommandKind> = new Map([
  [commands.initDatabase, { action: 'mysql.use', name: 'USE', effects: readEffects, answer: 'done' }],
  [commands.query, { action: 'mysql.query', name: 'QUERY', effects: unknownEffects, answer: 'results' }],
  [commands.fieldList, { action: 'mysql.command', name: 'FIELD LIST', effects: readEffects, answer: 'columns' }],
  [commands.statistics, { action: 'mysql.command', name: 'STATISTICS', effects: readEffects, answer: 'text' }],
  [commands.processKill, { action: 'mysql.command', name: 'KILL', effects: administerEffects, answer: 'done' }],
  [commands.ping, { action: 'mysql.command', name: 'PING', effects: readEffects, answer: 'done' }],
  [commands.prepare, { action: 'mysql.prepare', name: 'PREPARE', effects: unknownEffects, answer: 'prepared' }],
  [commands.execute, { action: 'mysql.execute', name: 'EXECUTE', effects: unknownEffects, answer: 'results' }],
  [commands.sendLongData, { action: 'mysql.prepare', name: 'LONG DATA', effects: readEffects, answer: null }],
  [commands.closeStatement, { action: 'mysql.prepare', name: 'CLOSE', effects: readEffects, answer: null }],
  [commands.resetStatement, { action: 'mysql.prepare', name: 'RESET STATEMENT', effects: readEffects, answer: 'done' }],
  [commands.setOption, { action: 'mysql.command', name: 'SET OPTION', effects: readEffects, answer: 'done' }],
  [commands.fetch, { action: 'mysql.execute', name: 'FETCH', effects: readEffects, answer: 'rows' }],
  [commands.resetConnection, { action: 'mysql.command', name: 'RESET CONNECTION', effects: readEffects, answer: 'done' }],
] as const);

/** Commands that are not possible, each with the reason. All others are not known. */
const refused: ReadonlyMap<number, string> = new Map([
  [0x0a, 'COM_PROCESS_INFO is not possible through the gateway: use SHOW PROCESSLIST'],
  [0x11, 'the connection has logged in, and its login stays: open another connection for another target or token'],
  [0x12, 'replication is not possible through the gateway'],
  [0x13, 'replication is not possible through the gateway'],
  [0x14, 'replication is not possible through the gateway'],
  [0x15, 'replication is not possible through the gateway'],
  [0x1e, 'replication is not possible through the gateway'],
  [0xfa, 'MariaDB’s bulk execution is not possible through the gateway, which has not offered it'],
]);

/** Returns what a command is, or why it is not possible. */
export function kindOf(command: number): CommandKind | { readonly refused: string } {
  return kinds.get(command) ?? { refused: refused.get(command) ?? `the command 0x${command.toString(16).padStart(2, '0')} is not known to the gateway` };
}
