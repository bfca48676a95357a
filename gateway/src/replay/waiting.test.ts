import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { IndexedRequest } from './indexing.ts';
import { Waiting } from './waiting.ts';

const recorded = (...requests: readonly (readonly string[])[]): Waiting =>
  new Waiting(
    requests.map((ids, seq): IndexedRequest => ({ target: 'a', seq, channel: 1, action: 'ask', key: 'same', ids, askedMs: 0, parts: [], answers: [] })),
  );
const take = (waiting: Waiting, ...ids: readonly string[]): number | string => {
  const found = waiting.take({ key: 'same', ids, channel: null });
  return typeof found === 'string' ? found : found.seq;
};

test('T4.26: an id of this run is always matched to the same recorded id, and no other id is matched to that', () => {
  const waiting = recorded(['one'], ['two'], ['one'], ['two']);
  assert.equal(take(waiting, 'x'), 0);
  assert.equal(take(waiting, 'x'), 2, 'its next request, past that of another conversation');
  assert.equal(take(waiting, 'x'), 'other ids');
  assert.equal(take(waiting, 'y'), 1);
  assert.equal(take(waiting, 'z'), 'other ids', 'both conversations of the recording are taken');
  assert.equal(take(waiting, 'y'), 3);
  assert.equal(take(waiting, 'y'), 'used up');
});

test('T4.26: an id that the recording knows is matched to itself', () => {
  const waiting = recorded(['resp_1'], ['resp_2']);
  assert.equal(take(waiting, 'resp_2'), 1);
  assert.equal(take(waiting, 'resp_2'), 'other ids');
  assert.equal(take(waiting, 'resp_1'), 0);
});
