import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeLongBundle } from '../../ledger/src/testdata/long-bundle.ts';

test('T4.46: a bundle of more than 1 GiB is verified in bounded memory', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const file = join(directory, 'bundle');
  const { records, vkey } = writeLongBundle(file, 18, 3000);
  assert.ok(statSync(file).size > 1024 ** 3);
  const command = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=64', command, 'verify', file, '--key', vkey], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, new RegExp(`the whole session: ${records} records`));
});
