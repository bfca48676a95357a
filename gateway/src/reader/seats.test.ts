import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from '../../../tests/support/run.ts';
import { Seats } from './seats.ts';

const days = 20 * 24 * 3600 * 1000;

test('who waits gets a seat in the order of asking, and is told when there is none', async () => {
  const seats = new Seats(1);
  assert.equal(await seats.take(days), true);
  assert.equal(await seats.take(1), false);
  const got: string[] = [];
  const waiting = ['first', 'second'].map(async (name) => {
    await seats.take(days);
    got.push(name);
    seats.giveBack();
  });
  seats.giveBack();
  await Promise.all(waiting);
  assert.deepEqual(got, ['first', 'second']);
  assert.equal(await seats.take(days), true, 'every seat came back, and no more than there are');
  assert.equal(await seats.take(1), false);
});

test('who waits for a seat does not keep a process that stops', async () => {
  const code = `import { Seats } from ${JSON.stringify(new URL('seats.ts', import.meta.url).href)}; const seats = new Seats(0); void seats.take(${days});`;
  const { status } = await runProgram(process.execPath, ['--input-type=module', '--eval', code], {});
  assert.equal(status, 0);
});
