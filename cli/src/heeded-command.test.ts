import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import { HeededCommand, meaningOnlyIf } from './heeded-command.ts';

async function run(words: readonly string[], action: (options: Readonly<Record<string, unknown>>) => unknown): Promise<string | null> {
  const program = new HeededCommand('program');
  let said = '';
  program
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        said += text;
      },
    })
    .hook('postAction', (_program, command) => {
      assert.ok(command instanceof HeededCommand);
      command.assertHeeded();
    });
  program
    .command('act')
    .option('--one <text>', 'one')
    .option('--two', 'two')
    .option('--no-three', 'three')
    .action((options) => {
      action(options);
    });
  try {
    await program.parseAsync(words, { from: 'user' });
    return null;
  } catch (error) {
    assert.ok(error instanceof CommanderError && error.exitCode !== 0);
    return said;
  }
}

test('T4.32, E47: an option that is given and not looked at is an error', async () => {
  const readsOne = ({ one }: Readonly<Record<string, unknown>>): unknown => one;
  assert.equal(await run(['act', '--one', 'x'], readsOne), null);
  assert.match((await run(['act', '--one', 'x', '--two'], readsOne)) ?? '', /'--two' means nothing here/);
  assert.match((await run(['act', '--no-three'], readsOne)) ?? '', /'--no-three' means nothing here/);
  assert.equal(await run(['act', '--two', '--no-three'], ({ two, three }) => [two, three]), null);
  assert.equal(await run(['act', '--two'], (options) => ({ ...options })), null);
  assert.equal(await run(['act'], () => null), null);
});

test('an option that goes with another says so without it', async () => {
  const program = new HeededCommand('program').option('--one <text>', 'one').option('--two', 'two').exitOverride();
  let said = '';
  program.configureOutput({
    writeErr: (text) => {
      said += text;
    },
  });
  meaningOnlyIf(program, ['two'], (_words, { one }) => one !== undefined, 'it goes with --one');
  program.action(() => undefined);
  await assert.rejects(async () => program.parseAsync(['--two'], { from: 'user' }), CommanderError);
  assert.match(said, /^error: option '--two' means nothing here, and was not used: it goes with --one$/m);
  await program.parseAsync(['--two', '--one', 'x'], { from: 'user' });
});
