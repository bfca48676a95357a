import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LocalProvider } from '../recording/root-secret/local-provider.ts';
import { RootRotation } from '../recording/root-secret/root-rotation.ts';
import { committed, noon, record } from '../recording/testdata/kept-recording.ts';
import { openSqliteReadOnly } from '../store/sqlite.ts';
import { plantRemains } from '../store/testdata/plant-remains.ts';
import { recordRootKey } from './key-records.ts';

test('once it is on record which root secret is in force, nothing is left of what the one before had wrapped, also where SQLite had moved it', async (t) => {
  const { data, recorder, say, close } = await record(t);
  say('before');
  await committed(recorder);
  await close();
  const file = join(data, 'keys.db');
  const wrapped = findClassKey(file);
  assert.ok(plantRemains(file, wrapped) > 0);
  const { recorder: later, keys, close: closeLater } = await record(t, data);
  const provider = LocalProvider.readDefault(data, {}, false);
  const rotation = new RootRotation({ keys, recorder: later, provider, share: () => Promise.resolve(), escrow: () => Promise.resolve(), now: () => noon });
  await rotation.rotate();
  assert.ok(readFileSync(file).includes(wrapped));
  await recordRootKey(later, keys);
  assert.ok(!readFileSync(file).includes(wrapped));
  assert.equal(keys.rootRow?.isTold, true);
  await closeLater();
});

function findClassKey(file: string): Uint8Array {
  using database = openSqliteReadOnly(file);
  const wrapped = database.get('SELECT wrapped FROM class_key')?.['wrapped'];
  assert.ok(wrapped instanceof Uint8Array);
  return wrapped;
}
