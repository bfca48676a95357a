import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CountedValue, FoundRecord, FoundSession, SearchSummary } from '../search/found.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

interface Answer {
  readonly records: readonly FoundRecord[];
  readonly sessions: readonly FoundSession[];
  readonly values: readonly CountedValue[];
  readonly summary: SearchSummary;
}

async function search({ ask }: RunningGateway, asked: Readonly<Record<string, string>>): Promise<Answer> {
  const text = await (await ask('GET', `/api/v1/search?${new URLSearchParams(asked).toString()}`)).text();
  const lines: (FoundRecord | FoundSession | CountedValue | { readonly summary: SearchSummary })[] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const last = lines.at(-1);
  assert.ok(last !== undefined && 'summary' in last, text);
  return {
    records: lines.filter((line) => 'verified' in line),
    sessions: lines.filter((line) => 'found' in line),
    values: lines.filter((line) => 'value' in line),
    summary: last.summary,
  };
}

test('a search finds records of all sessions, the newest first, page after page, and is on record itself', async () => {
  await using running = await openRunningGateway();
  const { json } = running;
  const runs = [];
  for (let i = 0; i < 3; i++) {
    runs.push(Object.assign({ session: '' }, await json('POST', '/api/v1/runs', { principal: 'bot' })).session);
  }
  const query = 'action:gateway.run principal:bot';
  const { records, summary } = await search(running, { query });
  assert.deepEqual(
    records.map(({ session, verdict, verified }) => [session, verdict, verified]),
    runs.toReversed().map((session) => [session, 'allow', true]),
  );
  assert.deepEqual(summary, { count: 3, isExact: true, behind: 0, next: null });

  const first = await search(running, { query, limit: '2' });
  assert.equal(first.records.length, 2);
  const rest = await search(running, { query, before: first.summary.next ?? '' });
  assert.deepEqual([...first.records, ...rest.records], records);

  assert.deepEqual(
    (await search(running, { query, countBy: 'session' })).values,
    runs.toReversed().map((value) => ({ value, count: 1 })),
  );
  const { sessions } = await search(running, { query, sessions: '' });
  assert.deepEqual(
    sessions.map(({ session, found, state }) => [session, found, state]),
    runs.toReversed().map((session) => [session, 1, 'open']),
  );
  assert.equal((await search(running, { query, since: '1h', until: '1h' })).summary.count, 0);

  const asked = await search(running, { query: 'kind:access countersign.access.what:search' });
  assert.equal(asked.records.length, 7);
  assert.ok(
    asked.records.every(({ snippet }) => snippet === query || snippet?.startsWith('kind:access')),
    'the queries that were asked',
  );
});

test('a query that cannot be read is refused with its place, and content is not looked for where it is not to be', async () => {
  await using running = await openRunningGateway();
  const wrong = await running.ask('GET', '/api/v1/search?query=tabel:x');
  assert.equal(wrong.status, 400);
  assert.match(Object.assign({ detail: '' }, await wrong.json()).detail, /^There is no field "tabel": is table meant\?\n {2}tabel:x\n {2}\^{5}$/);
  const counted = await running.ask('GET', '/api/v1/search?countBy=principle');
  assert.equal(counted.status, 400);
  assert.match(Object.assign({ detail: '' }, await counted.json()).detail, /^There is no field "principle": is principal meant\?\n/);
  for (const query of ['refund', 'not refund', 'kind:request or (refund)']) {
    const refused = await running.ask('GET', `/api/v1/search?facts&query=${encodeURIComponent(query)}`);
    assert.equal(refused.status, 400, query);
  }
});
