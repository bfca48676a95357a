import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('C29: each byte of a store, of a bundle and of a receipt flipped is seen', () => {
  const words = ['--no-warnings', '--test', '--test-isolation=none', 'ledger/src/verify-store.test.ts', 'ledger/src/verify-file.test.ts'];
  const { status, stdout } = spawnSync(process.execPath, words, {
    env: { ...process.env, COUNTERSIGN_TEST_FLIP_STEP: '1', NODE_TEST_CONTEXT: '' },
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /any byte of a segment flipped/);
});
