import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { FeedRecord } from './feed-record.ts';
import { RecordTail } from './record-tail.ts';
import { recordOf } from './testdata/record.ts';

const record = (index: number): FeedRecord => ({ ...recordOf({ record: `log/${index}` }), index });

test('what is kept is read from memory, what is before it is opened, and after a gap nothing before it is kept', async () => {
  const opened: (readonly number[])[] = [];
  const tail = new RecordTail(async (first, end) => {
    opened.push([first, end]);
    return Promise.resolve(Array.from({ length: end - first }, (_, i) => record(first + i)));
  });
  const read = async (first: number, most: number): Promise<readonly number[]> => (await tail.read(first, most)).map(({ index }) => index);
  for (let index = 5; index < 5 + 2100; index++) {
    tail.add(record(index));
    tail.add(record(index));
  }
  assert.deepEqual(await read(2103, 10), [2103, 2104]);
  assert.deepEqual(opened, [], 'the newest are kept');
  assert.deepEqual(await read(104, 3), [104]);
  assert.deepEqual(await read(105, 3), [105, 106, 107]);
  assert.deepEqual(opened, [[104, 105]], 'no more than 2,000 are kept');
  tail.add(record(3000));
  assert.deepEqual(await read(2104, 2), [2104, 2105]);
  assert.deepEqual(opened.at(-1), [2104, 2106]);
});

test('who waits is woken by the record, or by leaving, and leaves nothing behind', async () => {
  const tail = new RecordTail(async () => Promise.resolve([]));
  const { signal } = new AbortController();
  for (let index = 0; index < 100; index++) {
    const waiting = tail.reaches(index, signal);
    tail.add(record(index));
    await waiting;
  }
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  const leaving = new AbortController();
  const waiting = tail.reaches(100, leaving.signal);
  leaving.abort();
  await waiting;
});
