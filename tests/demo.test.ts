import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test("the demo shows an agent's session, verifies the record and exposes a forged copy", () => {
  const root = join(import.meta.dirname, '..');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['cli/src/main.ts', 'demo', '--once'], { cwd: root, encoding: 'utf8', timeout: 90_000 });
  assert.equal(status, 0, stdout + stderr);
  for (const expected of [
    'refunded it',
    "UPDATE orders SET state = 'refunded' WHERE id = $1",
    '$1 = ada@example.com',
    'Ada Byron',
    'HOLDS',
    'DOES NOT HOLD',
    'the record cannot be edited unnoticed',
  ]) {
    assert.ok(stdout.includes(expected), `${expected} is not in:\n${stdout}`);
  }
});
