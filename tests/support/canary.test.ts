import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesHolding } from './canary.ts';

const canary = 'canary-of-the-password-1f2e3d';

test('a canary is found in every disguise, and only where it is', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-canary-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  assert.throws(() => filesHolding(directory, canary), /no files/);
  const within = (offset: number): Buffer => Buffer.from(`${'x'.repeat(offset)}${canary} and more`);
  mkdirSync(join(directory, 'deep'));
  const disguised: Readonly<Record<string, string | Buffer>> = {
    plain: within(5),
    hex: within(1).toString('hex'),
    upper: within(1).toString('hex').toUpperCase(),
    wide: Buffer.from(within(3).toString(), 'utf16le'),
    base64a: within(0).toString('base64'),
    base64b: within(1).toString('base64'),
    'deep/base64c': within(2).toString('base64'),
  };
  for (const [name, bytes] of Object.entries(disguised)) {
    writeFileSync(join(directory, name), bytes);
  }
  writeFileSync(join(directory, 'innocent'), 'canary-of-another-password-1f2e3d');
  assert.deepEqual(
    filesHolding(directory, canary).toSorted(),
    Object.keys(disguised)
      .map((name) => join(directory, name))
      .toSorted(),
  );
});
