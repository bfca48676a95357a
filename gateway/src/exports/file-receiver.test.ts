import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileReceiver } from './file-receiver.ts';
import { recordOf } from './testdata/record.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-file-'));
after(() => {
  rmSync(directory, { recursive: true });
});
const record = (index: number) => ({ ...recordOf({ record: `log/${index}` }), index });
const { signal } = new AbortController();

test('lines go on after a line that a crash cut, and into a new file when the file was moved away', async () => {
  const path = join(directory, 'ocsf.ndjson');
  await using receiver = fileReceiver(path, ({ index }) => `{"at":${index}}`);
  await receiver.send([record(0), record(1)], signal);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  appendFileSync(path, '{"at":');
  await receiver.send([record(2)], signal);
  assert.equal(readFileSync(path, 'utf8'), '{"at":0}\n{"at":1}\n{"at":\n{"at":2}\n');
  renameSync(path, `${path}.1`);
  await receiver.send([record(3)], signal);
  assert.equal(readFileSync(path, 'utf8'), '{"at":3}\n');
});

test('C28: a full disk is a failure, after which the whole lines are written', async () => {
  await using full = fileReceiver('/dev/full', () => '{}');
  await assert.rejects(full.send([record(0)], signal), { code: 'ENOSPC' });
});
