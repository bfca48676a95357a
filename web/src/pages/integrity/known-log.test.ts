import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MalformedError } from '@countersign/ledger';
import { writeGoldenStore, writeRotatedStore } from '../../../../ledger/src/testdata/golden-store.ts';
import { parseKnownLog, withGivenKey, withServedKeys, type KnownLog } from './known-log.ts';

const key = writeGoldenStore().writer.signer.vkey;
const other = writeGoldenStore(undefined, 2).writer.signer.vkey;
const now = new Date('2026-11-30T04:00:00Z');

const first: KnownLog = { key, by: 'served', since: now.toISOString(), checkpoint: null };

test('the first key that is served is kept, and another that is served later never takes its place', async () => {
  assert.deepEqual(await withServedKeys(null, { key, keyring: null }, now), first);
  assert.equal(await withServedKeys(first, { key: other, keyring: null }, new Date()), first);
});

test('a key takes the place of the one that is known if the keyring shows that it took over from it, and from no other', async () => {
  const rotated = writeRotatedStore([1, 2, 3]);
  const keyring = rotated.writer.files.get('log/keys')?.toString() ?? '';
  const [before = '', between = '', newest = ''] = rotated.vkeys;
  const known: KnownLog = { ...first, key: before, by: 'given', checkpoint: 'a note' };
  assert.deepEqual(await withServedKeys(known, { key: newest, keyring }, new Date()), { ...known, key: newest });
  assert.deepEqual(await withServedKeys({ ...known, key: between }, { key: newest, keyring }, new Date()), { ...known, key: newest });
  assert.equal(await withServedKeys(known, { key: other, keyring }, new Date()), known);
  assert.equal(await withServedKeys(known, { key: between, keyring }, new Date()), known, 'the keyring goes on behind the key that is served');
  assert.equal(await withServedKeys(known, { key: newest, keyring: keyring.replace('key 0', 'key 1') }, new Date()), known);
  const thief = writeRotatedStore([1, 9]);
  const forged = { key: thief.vkeys[1] ?? '', keyring: thief.writer.files.get('log/keys')?.toString() ?? '' };
  const followed = { ...known, key: between };
  assert.equal(await withServedKeys(followed, forged, new Date()), followed);
});

test('a key that a person gives counts; the checkpoint stays only with its own key', () => {
  const known = { ...first, checkpoint: 'a note' };
  assert.deepEqual(withGivenKey(known, ` ${key}\n`, now), { ...known, by: 'given' });
  assert.deepEqual(withGivenKey(known, other, now), { key: other, by: 'given', since: now.toISOString(), checkpoint: null });
  assert.throws(() => withGivenKey(known, 'anything', now), MalformedError);
});

test('what is stored is read again, and anything else is nothing', () => {
  const known = first;
  assert.deepEqual(parseKnownLog(JSON.stringify(known)), known);
  for (const text of [null, '', '{', '[]', '"text"', JSON.stringify({ ...known, key: 'no key' }), JSON.stringify({ ...known, by: 'nobody' })]) {
    assert.equal(parseKnownLog(text), null, String(text));
  }
});
