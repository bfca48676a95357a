import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeLongBundle } from '../ledger/src/testdata/long-bundle.ts';

test('T4.46: a bundle is verified in memory that does not grow with it', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const file = join(directory, 'bundle');
  const { records, vkey } = writeLongBundle(file, 14, 500);
  // Less than twice what the command needs for a bundle of one record; the records of this one took more than all of it.
  const memory = '--max-old-space-size=64';
  const command = join(import.meta.dirname, '..', 'cli', 'src', 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [memory, command, 'verify', file, '--key', vkey], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, new RegExp(`the whole session: ${records} records`));
});
