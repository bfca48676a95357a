import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turn, turnBytesMax } from './turn.ts';

test('T4.45: only one of many readers continues in a turn of the event loop, in the order of asking', async () => {
  let turn = 0;
  const tick = (): void => {
    turn += 1;
    if (turn < 100) {
      setImmediate(tick);
    }
  };
  tick();
  const wentOn: { readonly reader: number; readonly turn: number }[] = [];
  const read = async (reader: number): Promise<void> => {
    const own = new Turn();
    for (let i = 0; i < 2; i++) {
      await own.spend(turnBytesMax);
      wentOn.push({ reader, turn });
    }
  };
  await Promise.all([0, 1, 2, 3].map(read));
  assert.deepEqual(
    wentOn.map(({ reader }) => reader),
    [0, 1, 2, 3, 0, 1, 2, 3],
  );
  assert.equal(new Set(wentOn.map((each) => each.turn)).size, 8);
});
