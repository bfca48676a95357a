import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepThread } from './step-thread.ts';
import { step, type WaitingInput } from './testdata/waiting-step.ts';

const usual = { stepMs: 60_000, idleMs: 10 };
const asker = { whose: 'somebody', signal: new AbortController().signal };
/** Longer than the least time for a step, and long enough for a message between threads. */
const messageMs = 500;

function inputOf(text: string): WaitingInput & { readonly cells: SharedArrayBuffer } {
  return { body: Buffer.from(text), cells: new SharedArrayBuffer(8) };
}

function letGo({ cells }: WaitingInput): void {
  Atomics.store(new Int32Array(cells), 1, 1);
  Atomics.notify(new Int32Array(cells), 1);
}

test('T4.45: the answer of a step that was given up is not taken for the answer of the next step', async () => {
  const thread = new StepThread({ ...usual, stepMs: 1 });
  const [slow, next] = [inputOf('slow'), inputOf('next')];
  const given = thread.take(step, slow, asker);
  const behind = thread.take(step, next, asker);
  // The answer lies ready, and the time is over, before this thread looks at either.
  Atomics.wait(new Int32Array(slow.cells), 0, 0);
  letGo(slow);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, messageMs);
  await assert.rejects(given, { code: 'limit_exceeded' });
  await assert.rejects(behind, { code: 'limit_exceeded' }, 'its own time is over as well');
});

test('T4.45: a step that cannot be begun fails alone', async () => {
  const thread = new StepThread(usual);
  const cannotBeSent = { ...inputOf('first'), not: () => undefined };
  const next = inputOf('next');
  letGo(next);
  const failing = thread.take(step, cannotBeSent, asker);
  const behind = thread.take(step, next, asker);
  await assert.rejects(failing, { name: 'DataCloneError' });
  assert.equal(await behind, 'next');
});

test('T4.45: an asker of many steps does not make another asker wait for all of them', async () => {
  const thread = new StepThread(usual);
  const first = inputOf('first');
  const done: string[] = [];
  const ask = async (whose: string, input: WaitingInput): Promise<void> => {
    done.push(await thread.take(step, input, { ...asker, whose }));
  };
  const more = ['second', 'third'].map((text) => inputOf(text));
  const others = inputOf('of another');
  for (const input of [...more, others]) {
    letGo(input);
  }
  const asked = [ask('one', first), ...more.map(async (input) => ask('one', input)), ask('another', others)];
  letGo(first);
  await Promise.all(asked);
  assert.deepEqual(done, ['first', 'second', 'of another', 'third']);
});
