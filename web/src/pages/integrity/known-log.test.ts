import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MalformedError } from '@countersign/ledger';
import { writeGoldenStore } from '../../../../ledger/src/testdata/golden-store.ts';
import { parseKnownLog, withGivenKey, withServedKey } from './known-log.ts';

const key = writeGoldenStore().writer.signer.vkey;
const other = writeGoldenStore(undefined, 2).writer.signer.vkey;
const now = new Date('2026-11-30T04:00:00Z');

test('the first key that is served is kept, and another that is served later never takes its place', () => {
  const first = withServedKey(null, key, now);
  assert.deepEqual(first, { key, by: 'served', since: now.toISOString(), checkpoint: null });
  assert.equal(withServedKey(first, other, new Date()), first);
});

test('a key that a person gives counts; the checkpoint stays only with its own key', () => {
  const known = { ...withServedKey(null, key, now), checkpoint: 'a note' };
  assert.deepEqual(withGivenKey(known, ` ${key}\n`, now), { ...known, by: 'given' });
  assert.deepEqual(withGivenKey(known, other, now), { key: other, by: 'given', since: now.toISOString(), checkpoint: null });
  assert.throws(() => withGivenKey(known, 'anything', now), MalformedError);
});

test('what is stored is read again, and anything else is nothing', () => {
  const known = withServedKey(null, key, now);
  assert.deepEqual(parseKnownLog(JSON.stringify(known)), known);
  for (const text of [null, '', '{', '[]', '"text"', JSON.stringify({ ...known, key: 'no key' }), JSON.stringify({ ...known, by: 'nobody' })]) {
    assert.equal(parseKnownLog(text), null, String(text));
  }
});
