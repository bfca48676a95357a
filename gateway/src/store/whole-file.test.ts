import { strict as assert } from 'node:assert';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { replaceWholeFile, writeWholeFile } from './whole-file.ts';

const root = mkdtempSync(join(tmpdir(), 'countersign-whole-file-'));
after(() => {
  rmSync(root, { recursive: true });
});

test('T4.1: a file is made for its owner alone and keeps the mode that it was given', () => {
  const file = join(root, 'kept');
  writeWholeFile(file, 'one');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  chmodSync(file, 0o640);
  writeWholeFile(file, 'two');
  assert.equal(readFileSync(file, 'utf8'), 'two');
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.throws(() => writeWholeFile(file, 'three', { isNew: true }), { code: 'EEXIST' });
  assert.equal(readFileSync(file, 'utf8'), 'two');
});

test('T4.1: a write that fails leaves the old file and no other file', async () => {
  const directory = mkdtempSync(join(root, 'failing-'));
  mkdirSync(join(directory, 'taken', 'inside'), { recursive: true });
  assert.throws(() => writeWholeFile(join(directory, 'taken'), 'text'));
  const file = join(directory, 'streamed');
  await replaceWholeFile(file, 'before');
  await assert.rejects(
    replaceWholeFile(
      file,
      (async function* broken() {
        yield 'half of it';
        await Promise.reject(new Error('broke off'));
      })(),
    ),
    /broke off/,
  );
  assert.equal(readFileSync(file, 'utf8'), 'before');
  assert.deepEqual(readdirSync(directory).toSorted(), ['streamed', 'taken']);
});
