import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LargeBuffers } from '../recording/large-buffers.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openMemorySqlite } from '../store/sqlite.ts';
import { BlockStore, parseBucket } from './block-store.ts';
import { RecordIndex } from './record-index.ts';
import { RecordOpener } from './record-opener.ts';

const frames = 24;
const frameBytes = 512 * 1024;

test('records that are opened one after the other do not keep in memory what was committed together with them', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-record-opener-'));
  const { recorder, keys } = await openRecorder(data);
  const track = recorder.openSession();
  const small: number[] = [];
  for (let i = 0; i < frames; i++) {
    recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 0, action: 'act' }), content: [randomBytes(frameBytes)] });
    small.push(recorder.size);
    recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 0, action: 'act' }), content: [Buffer.from(`small ${i}`)] });
    await new Promise<void>((resolve) => {
      recorder.whenCommitted('process', resolve);
    });
  }
  const findProtocol = (): undefined => undefined;
  const store = new BlockStore(openMemorySqlite(), { heads: keys.cacheKey(), ofBucket: (bucket) => keys.indexKey(parseBucket(bucket)) });
  await new RecordIndex({ data, keys, store, findProtocol, recall: () => Promise.resolve(null) }).catchUp();
  using opener = new RecordOpener({ data, keys, findProtocol, blockOf: (index) => store.blockOf(index), keyOf: () => 1 });
  const collector = new LargeBuffers();
  collector.collect();
  const before = process.memoryUsage().arrayBuffers;
  for (const index of small) {
    assert.equal((await opener.leafOf(index))?.logIndex, index);
  }
  collector.collect();
  // The frames that were looked at last are kept.
  assert.ok(process.memoryUsage().arrayBuffers - before < (frames / 2) * frameBytes);
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true });
});
