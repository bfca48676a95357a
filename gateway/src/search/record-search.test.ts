import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { wholeSight } from '../access/rights.ts';
import { GatewayError } from '../domain/errors.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import type { FoundRecord, SearchLine } from './found.ts';
import { openRecordSearch } from './testdata/open-record-search.ts';

const data = mkdtempSync(join(tmpdir(), 'countersign-record-search-'));
const { recorder, keys } = await openRecorder(data);
after(async () => {
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

const differences: string[] = [];
const { search, follower, database } = await openRecordSearch(data, recorder, keys, { onDifference: (what) => void differences.push(what) });

async function found(query: string): Promise<readonly FoundRecord[]> {
  const lines: SearchLine[] = [];
  const wanted = { query, besides: [], nowMs: Date.now(), limit: 100, before: null, answer: 'records', sight: wholeSight } as const;
  for await (const line of search.search({ ...wanted, checkpoint: await recorder.publish() })) {
    lines.push(line);
  }
  return lines.filter((line) => 'verified' in line);
}

test('what is found is verified; an index that is changed from outside is noticed, told, and made again', async () => {
  const track = recorder.openSession();
  for (let i = 0; i < 60; i++) {
    recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 1, action: `act.${i % 3}` }), content: [Buffer.from(`number ${i}`)] });
    if (i % 5 === 4) {
      await new Promise<void>((resolve) => {
        recorder.whenCommitted('disk', resolve);
      });
    }
  }
  const whole = await found('action:act.1');
  assert.equal(whole.length, 20);
  assert.ok(whole.every(({ verified }) => verified));

  database.exec("UPDATE columns SET bytes = zeroblob(100) WHERE field = 'action' AND block = 2");
  await assert.rejects(found('action:act.1'), (error) => error instanceof GatewayError && error.code === 'catching_up');
  assert.deepEqual(differences, ['a part of the index of records was changed']);
  assert.deepEqual(await found('action:act.1'), whole);

  database.exec('DELETE FROM columns WHERE block = 1');
  await assert.rejects(found('action:act.1'), (error) => error instanceof GatewayError && error.code === 'catching_up');
  assert.deepEqual(await found('action:act.1'), whole);
  assert.equal(differences.length, 2);
  await follower[Symbol.asyncDispose]();
});
