import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { wholeSight } from '../access/rights.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { Erasures } from '../retention/erasures.ts';
import { openRecordSearch } from './testdata/open-record-search.ts';

test('the words and facts of what a session broke off go with the keys of that, though its end is kept for ever', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-broken-off-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  const { recorder, keys } = await openRecorder(data);
  const { search, maker, follower } = await openRecordSearch(data, recorder, keys);
  const track = recorder.openSession();
  const opens = { principal: 'bot', groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };
  recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }), content: [] });
  const attributes = { 'db.collection.name': ['plums'] };
  const meta = JSON.stringify({ channel: 1, action: 'postgres.query', verdict: 'allow', attributes });
  recorder.append(track, { kind: 'request', meta, content: [Buffer.from('SELECT marmalade')], continues: true });
  recorder.closeSession(track, 'client');
  const checkpoint = await recorder.publish();
  /** Returns how many records the index knows, and how many of these are ends of sessions. */
  const count = async (query: string): Promise<number> => {
    const wanted = { query, besides: [], limit: 10, before: null, answer: 'records' as const, sight: wholeSight, nowMs: Date.now(), checkpoint };
    for await (const line of search.search(wanted)) {
      if ('summary' in line) {
        return line.summary.count;
      }
    }
    return assert.fail();
  };
  const erasures = new Erasures({ recorder, keys, forget: async (from) => maker.dropErased(from) });
  assert.deepEqual([await count('marmalade'), await count('marmalade kind:close'), await count('kind:close')], [2, 1, 1]);
  const [contents] = keys.classDays();
  assert.ok(contents !== undefined);
  await erasures.erase({ cause: 'erased', keys: [contents], secrets: [], why: {} });
  assert.deepEqual([await count('marmalade'), await count('kind:request'), await count('kind:close')], [0, 1, 1]);
  await erasures.erase({ cause: 'erased', keys: keys.classDays(), secrets: [], why: {} });
  assert.deepEqual([await count('kind:request'), await count('kind:close')], [0, 0]);
  await search.catchUp();
  await follower[Symbol.asyncDispose]();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
});
