import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyFile, type FileReport } from '@countersign/ledger';
import { wholeSight } from '../access/rights.ts';
import { nothing } from '../query/query.ts';
import { Erasures } from '../retention/erasures.ts';
import { readQuery } from '../search/read-query.ts';
import { openReadStore } from './testdata/open-read-store.ts';

test('evidence is the same bytes under the same checkpoint, and holds without what was withheld or erased, with the record of that', async () => {
  await using parts = new AsyncDisposableStack();
  const { recorder, keys, reader, troubles } = await openReadStore(parts);
  for (const text of ['marmalade', 'treacle']) {
    const track = recorder.openSession();
    const opens = { principal: 'ada', groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };
    recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }), content: [] });
    recorder.append(track, {
      kind: 'request',
      meta: JSON.stringify({ channel: 1, action: 'postgres.query', verdict: 'allow' }),
      content: [Buffer.from(`SELECT ${text}`)],
    });
    recorder.closeSession(track, 'client');
  }
  const header = { query: '', since: null, until: null, withhold: '', withholdFacts: '' };
  const evidence = async (withhold = ''): Promise<{ readonly text: string; readonly report: FileReport }> => {
    const checkpoint = await recorder.publish();
    const sessions = await reader.sessionsWith({ query: 'kind:request', besides: [], nowMs: Date.now(), sight: wholeSight, limit: 10 });
    const hiding = { content: withhold === '' ? nothing : readQuery(withhold, Date.now()), facts: nothing };
    const pieces: Uint8Array[] = [];
    for await (const piece of reader.evidence({ sessions, header: { ...header, withhold }, hiding, checkpoint })) {
      pieces.push(piece);
    }
    const bytes = Buffer.concat(pieces);
    return { text: bytes.toString(), report: await verifyFile(bytes) };
  };
  const whole = await evidence();
  assert.deepEqual([whole.report.verdict, whole.report.sessions, whole.report.counts.withheld], ['holds', 2, 0]);
  assert.equal((await evidence()).text, whole.text);
  const redacted = await evidence('text:marmalade');
  assert.deepEqual([redacted.report.verdict, redacted.report.counts.withheld], ['holds', 1]);
  assert.doesNotMatch(redacted.text, new RegExp(Buffer.from('SELECT marmalade').toString('base64').slice(0, 20)));
  const [contents] = keys.classDays();
  assert.ok(contents !== undefined);
  const erasures = new Erasures({ recorder, keys, forget: async (from) => reader.dropErased(from) });
  await erasures.erase({ cause: 'erased', keys: [contents], secrets: [], why: { reason: 'a test' } });
  const erased = await evidence();
  assert.equal(erased.report.verdict, 'holds');
  assert.ok(erased.report.counts.withheld >= 2);
  assert.match(erased.text, /phase.{1,3}:.{1,3}intent/);
  assert.match(erased.text, /phase.{1,3}:.{1,3}complete/);
  assert.deepEqual(troubles, []);
});
