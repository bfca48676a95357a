import type { Command } from 'commander';
import { addBridges } from './commands/bridge.ts';
import { addConfig } from './commands/config.ts';
import { addConnect } from './commands/connect.ts';
import { addDemo } from './commands/demo.ts';
import { addIndex } from './commands/index.ts';
import { addInit } from './commands/init.ts';
import { addPrincipal } from './commands/principal.ts';
import { addReceipt } from './commands/receipt.ts';
import { addRun } from './commands/run.ts';
import { addSession } from './commands/session.ts';
import { addTarget } from './commands/target.ts';
import { addToken } from './commands/token.ts';
import { addUp } from './commands/up.ts';
import { addVerify } from './commands/verify.ts';
import { HeededCommand } from './heeded-command.ts';

/** All commands; one file in `commands/` for each word that follows `countersign`. */
export function createProgram(): Command {
  const program = new HeededCommand('countersign');
  program
    .description('The access gateway between agents, people and the systems they use: decides, records, proves.')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(--help shows how)')
    .enablePositionalOptions()
    .addHelpText('after', '\nExit codes: 0 done, 1 refused or failed, 2 usage; verify and run have their own.\n\nExample:\n  countersign demo --once')
    .hook('postAction', (_program, action) => {
      // A command that failed may have ended before it read an option.
      if (action instanceof HeededCommand && (process.exitCode ?? 0) === 0) {
        action.assertHeeded();
      }
    });
  for (const add of [
    addUp,
    addDemo,
    addInit,
    addConfig,
    addTarget,
    addPrincipal,
    addToken,
    addRun,
    addConnect,
    addBridges,
    addSession,
    addIndex,
    addReceipt,
    addVerify,
  ]) {
    add(program);
  }
  return program;
}

const helpWords: ReadonlySet<string> = new Set(['help', '--help', '-h']);

/**
 * The words of a command line. Commander prints the help of a group for `nope --help` and `help nope` and reports success: without asking for help it says that
 * there is no such command.
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
