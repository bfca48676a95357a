import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tileWidth } from '@countersign/ledger/format';
import { TileStore } from './tile-store.ts';

test('C28: a tile that could not be written is written with the next snapshot, also with one taken before that', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-tiles-'));
  const store = new TileStore(directory);
  for (let i = 0; i < tileWidth; i++) {
    store.onSubtree(0, i, new Uint8Array(32).fill(i));
  }
  const [first, second] = [store.snapshot(), store.snapshot()];
  const obstacle = join(directory, 'tile');
  writeFileSync(obstacle, 'where a directory should be');
  await assert.rejects(store.write(first), { code: 'ENOTDIR' });
  rmSync(obstacle);
  await store.write(second);
  assert.ok(existsSync(join(directory, 'tile', '0', '000')));
  assert.deepEqual(store.snapshot().full, [], 'and not once more');
  rmSync(directory, { recursive: true });
});

test('T4.37: a start makes the narrower tiles again that a loss of power cut short, and drops those of full tiles', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-tiles-'));
  const store = new TileStore(directory);
  const hash = (i: number): Uint8Array => new Uint8Array(32).fill(i);
  const file = (name: string): string => join(directory, 'tile', '0', name);
  for (let i = 0; i < tileWidth + 3; i++) {
    store.onSubtree(0, i, hash(i));
    if (i === 9 || i >= tileWidth) {
      await store.write(store.snapshot());
    }
  }
  truncateSync(file('001.p/2'), 5);
  writeFileSync(file('001.p/1.new'), 'never finished');
  await store.restorePartials(store.snapshot());
  assert.deepEqual(readFileSync(file('001.p/2')), Buffer.concat([hash(0), hash(1)]));
  assert.ok(existsSync(file('001.p/3')));
  assert.ok(!existsSync(file('001.p/1.new')));
  assert.ok(!existsSync(file('000.p/10')));
  rmSync(directory, { recursive: true });
});
