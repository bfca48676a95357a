import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { firstHoldClass, segmentName } from '@countersign/ledger/format';
import { wholeSight } from '../access/rights.ts';
import type { FoundSecret } from '../recording/found-secrets.ts';
import { underOf } from '../recording/hold-rows.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { Erasures } from '../retention/erasures.ts';
import { SecretWraps } from '../retention/secret-wraps.ts';
import { openRecordSearch } from './testdata/open-record-search.ts';

test('while the journal cannot be read where something is to be taken up, a search says how much it lacks, who needs all is refused, and afterwards it is found', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-taken-up-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  const { recorder, keys } = await openRecorder(data, { segmentBytes: 512 * 1024 });
  const { search, maker, follower } = await openRecordSearch(data, recorder, keys);
  const track = recorder.openSession();
  const opens = { principal: 'bot', groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };
  recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }), content: [] });
  const meta = JSON.stringify({ channel: 1, action: 'postgres.query', verdict: 'allow' });
  recorder.append(track, { kind: 'request', meta, content: [Buffer.from('Q1234marmalade')] });
  for (let i = 0; i < 60; i++) {
    recorder.append(track, { kind: 'request', meta, content: [randomBytes(48 * 1024)] });
    await recorder.publish();
  }
  recorder.closeSession(track, 'client');
  const checkpoint = await recorder.publish();
  let index = 0;
  const find = async (): Promise<{ readonly found: number; readonly behind: number | null }> => {
    const wanted = { besides: [], limit: 10, before: null, answer: 'records' as const, sight: wholeSight, nowMs: Date.now(), checkpoint };
    let found = 0;
    for await (const line of search.search({ query: 'marmalade', ...wanted })) {
      if ('summary' in line) {
        return { found, behind: line.summary.behind };
      }
      found += 1;
      index = 'record' in line ? Number(line.record.split('/')[1]) : index;
    }
    return assert.fail();
  };
  /** Resolves with what is found when nothing is missing any more. A search waits for the index for some seconds, and a busy machine may need more. */
  const findInAll = async (): Promise<number> => {
    for (;;) {
      const { found, behind } = await find();
      if (behind === 0) {
        return found;
      }
    }
  };
  const secretsOf = async (): Promise<readonly FoundSecret[]> => {
    const all: FoundSecret[] = [];
    for await (const { secrets } of search.secrets({ query: 'marmalade', nowMs: Date.now(), from: 0 })) {
      all.push(...secrets);
    }
    return all;
  };
  assert.equal(await findInAll(), 1);
  const secrets = await secretsOf();
  assert.ok(secrets.length > 0);
  await new SecretWraps({ recorder, keys }).keep(secrets, underOf(firstHoldClass));
  const block = maker.blockOf(index);
  const place = block?.find(index - block.first)?.place.split('/') ?? [];
  const segment = join(data, 'journal', segmentName(Number(place[0])));
  await search.catchUp();
  await follower.catchUp();
  renameSync(segment, `${segment}.aside`);
  mkdirSync(segment);
  const erasures = new Erasures({ recorder, keys, forget: async (from) => maker.dropErased(from) });
  const [contents] = keys.classDays();
  assert.ok(contents !== undefined);
  await erasures.erase({ cause: 'expired', keys: [contents], secrets: [], why: {} });
  const { found, behind } = await find();
  assert.equal(found, 0);
  assert.ok(Number(behind) > 0, 'it says that some are missing');
  await assert.rejects(secretsOf(), { code: 'catching_up' });
  rmdirSync(segment);
  renameSync(`${segment}.aside`, segment);
  assert.equal(await findInAll(), 1);
  assert.equal((await secretsOf()).length, secrets.length);
  await search.catchUp();
  await follower[Symbol.asyncDispose]();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
});
