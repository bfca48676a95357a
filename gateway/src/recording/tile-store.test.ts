import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tileWidth } from '@countersign/ledger/tile.ts';
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
