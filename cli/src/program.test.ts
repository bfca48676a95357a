import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from './program.ts';

/** Every command with the words that call it. */
function* commandsOf(command: Command, words: readonly string[] = []): Generator<{ readonly words: readonly string[]; readonly command: Command }> {
  yield { words, command };
  for (const inner of command.commands) {
    yield* commandsOf(inner, [...words, inner.name()]);
  }
}

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  return help;
}

const commands = [...commandsOf(await createProgram())];

describe('the help of', () => {
  test('all commands is looked at', () => {
    const called = new Set(commands.map(({ words }) => words.join(' ')));
    const promised = ['up', 'demo', 'target list', 'target add', 'principal list', 'principal add', 'token create', 'run', 'connect'];
    const reading = ['list', 'show', 'replay', 'diff', 'watch', 'halt', 'export'].map((word) => `session ${word}`);
    for (const words of [...promised, ...reading, 'receipt', 'verify']) {
      assert.ok(called.has(words), words);
    }
  });

  test('run says who is the operator', () => {
    const run = commands.find(({ words }) => words.join(' ') === 'run') ?? assert.fail();
    assert.match(helpOf(run.command), /Whoever runs as the gateway's user is the operator and can also approve: .*give agents a user of their own/);
  });

  for (const { words, command } of commands) {
    test(`countersign ${words.join(' ')}: says what it does, what each word means, and gives an example`, () => {
      assert.notEqual(command.description(), '');
      for (const argument of command.registeredArguments) {
        assert.notEqual(argument.description, '', argument.name());
      }
      for (const option of command.options) {
        assert.notEqual(option.description, '', option.flags);
      }
      const example = ['countersign', ...words].join(' ');
      assert.match(helpOf(command), new RegExp(`\\nExample:\\n  ${example}`));
    });
  }
});
