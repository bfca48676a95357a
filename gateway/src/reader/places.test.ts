import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from '../../../tests/support/run.ts';
import { Places } from './places.ts';

const days = 20 * 24 * 3600 * 1000;

test('who waits gets a place in the order of asking, and is told when there is none', async () => {
  const places = new Places(1);
  assert.equal(await places.take(days), true);
  assert.equal(await places.take(1), false);
  const got: string[] = [];
  const waiting = ['first', 'second'].map(async (name) => {
    await places.take(days);
    got.push(name);
    places.giveBack();
  });
  places.giveBack();
  await Promise.all(waiting);
  assert.deepEqual(got, ['first', 'second']);
  assert.equal(await places.take(days), true, 'every place came back, and no more than there are');
  assert.equal(await places.take(1), false);
});

test('who waits for a place does not keep a process that stops', async () => {
  const code = `import { Places } from ${JSON.stringify(new URL('places.ts', import.meta.url).href)}; const places = new Places(0); void places.take(${days});`;
  const { status } = await runProgram(process.execPath, ['--input-type=module', '--eval', code], {});
  assert.equal(status, 0);
});
