import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openMemorySqlite } from '../store/sqlite.ts';
import { blockKeysOf, BlockStore } from './block-store.ts';
import { RecordIndex } from './record-index.ts';
import { RecordOpener } from './record-opener.ts';

const largeBytes = 64 * 1024;

test('a record that is opened does not keep in memory what was committed together with it', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-record-opener-'));
  const { recorder, keys } = await openRecorder(data);
  const track = recorder.openSession();
  recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 0, action: 'act' }), content: [randomBytes(largeBytes)] });
  const small = recorder.size;
  recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 0, action: 'act' }), content: [Buffer.from('small')] });
  await recorder.publish();
  const findProtocol = (): undefined => undefined;
  const store = new BlockStore(openMemorySqlite(), blockKeysOf(keys));
  await new RecordIndex({ data, keys, store, findProtocol, recall: () => Promise.resolve(null) }).catchUp();
  using opener = new RecordOpener({ data, keys, findProtocol, blockOf: (index) => store.blockOf(index), keyOf: () => 1 });
  const { leaf } = (await opener.open(small)) ?? assert.fail();
  assert.ok(leaf.buffer.byteLength < largeBytes);
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true });
});
