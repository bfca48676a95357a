import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { verifyStore } from '../ledger/src/verify-store.ts';
import { openStoreFiles } from '../cli/src/store-files.ts';
import { openRecorder } from '../gateway/src/recording/testdata/open-recorder.ts';

describe('tiles that are gone', () => {
  let root: string;
  let store: string;
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'countersign-tiles-'));
    store = join(root, 'store');
    mkdirSync(store);
    // The second start leaves a snapshot behind the first one's tiles.
    for (let start = 0; start < 2; start++) {
      await startAndStop(store, 700);
    }
    assert.ok(existsSync(join(store, 'recovery')));
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const changes: Readonly<Record<string, (tiles: string) => void>> = {
    'all of log/tile': (tiles) => rmSync(tiles, { recursive: true }),
    'all of a level': (tiles) => rmSync(join(tiles, '0'), { recursive: true }),
    'one tile': (tiles) => rmSync(join(tiles, '0', '001')),
    'the end of a tile': (tiles) => truncateSync(join(tiles, '0', '000'), 100),
    'the edge of the log': (tiles) => rmSync(join(tiles, '1'), { recursive: true }),
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`T4.49, E45: ${what}: made again at the next start`, async () => {
      const data = mkdtempSync(join(root, 'copy-'));
      cpSync(store, data, { recursive: true });
      change(join(data, 'log', 'tile'));
      assert.equal((await verifyStore(openStoreFiles(data))).verdict, 'completeness');
      await startAndStop(data, 1);
      const { verdict, findings } = await verifyStore(openStoreFiles(data));
      assert.equal(verdict, 'holds', JSON.stringify(findings));
    });
  }
});

async function startAndStop(data: string, records: number): Promise<void> {
  const { recorder, keys } = await openRecorder(data);
  const track = recorder.openSession();
  for (let i = 0; i < records; i++) {
    recorder.append(track, { kind: 'request', meta: '{}', content: [] });
  }
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
}
