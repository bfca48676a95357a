import type { Command } from 'commander';
import { HeededCommand } from './heeded-command.ts';

/** Adds a command with its subcommands to the program. */
type Add = (program: Command) => void;

/** The file in `commands/` for each word that follows `countersign`. A file is loaded only for its word, or for the help of all commands. */
const files: ReadonlyMap<string, () => Promise<Add>> = new Map([
  ['up', async () => (await import('./commands/up.ts')).addUp],
  ['demo', async () => (await import('./commands/demo.ts')).addDemo],
  ['init', async () => (await import('./commands/init.ts')).addInit],
  ['config', async () => (await import('./commands/config.ts')).addConfig],
  ['target', async () => (await import('./commands/target.ts')).addTarget],
  ['policy', async () => (await import('./commands/policy.ts')).addPolicy],
  ['class', async () => (await import('./commands/class.ts')).addClass],
  ['principal', async () => (await import('./commands/principal.ts')).addPrincipal],
  ['token', async () => (await import('./commands/token.ts')).addToken],
  ['passkey', async () => (await import('./commands/passkey.ts')).addPasskey],
  ['login', async () => (await import('./commands/login.ts')).addLogin],
  ['logout', async () => (await import('./commands/login.ts')).addLogout],
  ['console', async () => (await import('./commands/console.ts')).addConsole],
  ['whoami', async () => (await import('./commands/whoami.ts')).addWhoami],
  ['run', async () => (await import('./commands/run.ts')).addRun],
  ['connect', async () => (await import('./commands/connect.ts')).addConnect],
  ['session', async () => (await import('./commands/session.ts')).addSession],
  ['export', async () => (await import('./commands/export.ts')).addExport],
  ['report', async () => (await import('./commands/report.ts')).addReport],
  ['search', async () => (await import('./commands/search.ts')).addSearch],
  ['review', async () => (await import('./commands/review.ts')).addReview],
  ['opening', async () => (await import('./commands/opening.ts')).addOpening],
  ['hold', async () => (await import('./commands/hold.ts')).addHold],
  ['erase', async () => (await import('./commands/erase.ts')).addErase],
  ['erasure', async () => (await import('./commands/erasure.ts')).addErasure],
  ['trace', async () => (await import('./commands/trace.ts')).addTrace],
  ['alert', async () => (await import('./commands/alert.ts')).addAlert],
  ['approval', async () => (await import('./commands/approval.ts')).addApproval],
  ['retention', async () => (await import('./commands/retention.ts')).addRetention],
  ['key', async () => (await import('./commands/key.ts')).addKey],
  ['index', async () => (await import('./commands/index.ts')).addIndex],
  ['backup', async () => (await import('./commands/backup.ts')).addBackup],
  ['restore', async () => (await import('./commands/restore.ts')).addRestore],
  ['receipt', async () => (await import('./commands/receipt.ts')).addReceipt],
  ['reconcile', async () => (await import('./commands/reconcile.ts')).addReconcile],
  ['timestamp', async () => (await import('./commands/timestamp.ts')).addTimestamp],
  ['witness', async () => (await import('./commands/witness.ts')).addWitness],
  ['storage', async () => (await import('./commands/storage.ts')).addStorage],
  ['verify', async () => (await import('./commands/verify.ts')).addVerify],
]);

/** The commands that protocols add. */
const bridgesFile = async (): Promise<Add> => (await import('./commands/bridge.ts')).addBridges;

/** Makes the program for a command line that begins with `word`. It has only the command of this word, or all commands if the word is none of theirs. */
export async function createProgram(word = ''): Promise<Command> {
  if (word === '--version') {
    return programOf([]);
  }
  const file = files.get(word);
  if (file !== undefined) {
    return programOf([await file()]);
  }
  const addBridges = await bridgesFile();
  const ofBridges = programOf([addBridges]);
  const isBridge = ofBridges.commands.some((command) => command.name() === word);
  return isBridge ? ofBridges : programOf([...(await Promise.all([...files.values()].map(async (load) => load()))), addBridges]);
}

function programOf(adds: readonly Add[]): Command {
  const program = new HeededCommand('countersign');
  program
    .description('The access gateway between agents, people and the systems they use: decides, records, proves.')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(--help shows how)')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nWith a token in COUNTERSIGN_TOKEN, commands ask the gateway as its principal; without one, as who signed in (login), with --url; else as the operator, on its machine.\nExit codes: 0 done, 1 refused or failed, 2 usage; verify and run have their own.\n\nExample:\n  countersign demo --once',
    )
    .hook('postAction', (_program, action) => {
      // A command that failed may have ended before it read its options.
      if (action instanceof HeededCommand && (process.exitCode ?? 0) === 0) {
        action.assertHeeded();
      }
    });
  for (const add of adds) {
    add(program);
  }
  return program;
}

const helpWords: ReadonlySet<string> = new Set(['help', '--help', '-h']);

/**
 * Returns the words of the command line. For `nope --help` and `help nope`, Commander would print the help of the group and report success. Without the request
 * for help it reports that there is no such command.
 */
export function withoutHelpOfUnknown(program: Command, words: readonly string[]): readonly string[] {
  let group = program;
  for (const word of words.filter((each) => !helpWords.has(each))) {
    const inner = group.commands.find((command) => command.name() === word);
    if (inner === undefined) {
      return word.startsWith('-') || group.commands.length === 0 ? words : words.filter((each) => !helpWords.has(each));
    }
    group = inner;
  }
  return words;
}
