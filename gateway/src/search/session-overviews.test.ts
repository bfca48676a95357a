import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { wholeSight } from '../access/rights.ts';
import { GatewayError } from '../domain/errors.ts';
import { parseQuery } from '../query/parse-query.ts';
import { everything, nothing } from '../query/query.ts';
import { simpleQuery } from '../protocols/postgres/compose.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import type { SessionOverview, WantedSessions } from './found.ts';
import { riskOf, weighSigns } from './risk.ts';
import { titleOf } from './session-overviews.ts';
import { offHours, recordSigns } from './session-signs.ts';
import { openRecordSearch } from './testdata/open-record-search.ts';

const data = mkdtempSync(join(tmpdir(), 'countersign-overviews-'));
const noon = Date.UTC(2026, 10, 2, 12);
let nowMs = noon;
const { recorder, keys } = await openRecorder(data, { clock: () => nowMs });
const { search, follower } = await openRecordSearch(data, recorder, keys);
after(async () => {
  await follower[Symbol.asyncDispose]();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

type Track = ReturnType<typeof recorder.openSession>;

function openChannel(track: Track, principal: string, more: object = {}): void {
  const opens = { ...more, principal, groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };
  recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }), content: [] });
}

function request(track: Track, verdict: string, attributes: object, text: string): void {
  const meta = JSON.stringify({ channel: 1, action: 'postgres.query', verdict, attributes });
  recorder.append(track, { kind: 'request', meta, content: [simpleQuery(text)] });
}

function committed(): Promise<void> {
  return new Promise((resolve) => {
    recorder.whenCommitted('disk', resolve);
  });
}

async function list(wanted: Partial<WantedSessions> = {}): Promise<readonly SessionOverview[]> {
  await committed();
  const found: SessionOverview[] = [];
  for await (const overview of search.sessions({ which: 'clients', query: null, began: [], nowMs, sight: wholeSight, ...wanted })) {
    found.push(overview);
  }
  return found;
}

test('a session has a title, a duration, counts, classes, and a risk with the records that show why', async () => {
  const track = recorder.openSession();
  openChannel(track, 'ann', { onBehalfOf: 'bob' });
  request(track, 'allow', { 'countersign.statements': ['set'], 'countersign.effects': ['read'] }, "SET application_name TO 'psql'");
  request(track, 'allow', { 'db.query.text': 'x', 'countersign.statements': ['select'], 'countersign.effects': ['read'] }, '\n  select  *\tfrom cards\n');
  recorder.append(track, {
    kind: 'response',
    meta: JSON.stringify({ channel: 1, request: 3, attributes: { 'db.response.returned_rows': 20_000, 'countersign.classes': ['iban', 'card'] } }),
    content: [Buffer.from('rows')],
  });
  // These fill several blocks of the index, which has at most ten records in each.
  for (let i = 0; i < 30; i++) {
    request(track, 'deny', { 'countersign.statements': ['drop'], 'countersign.effects': ['destroy'] }, `drop table t${i}`);
  }
  nowMs = noon + 60_000;
  recorder.closeSession(track, 'client');
  const [overview] = await list();
  assert.ok(overview !== undefined);
  const { title, durationMs, counts, onBehalfOf, classes, risk, findings, unindexed, records } = overview;
  assert.deepEqual([title, durationMs, onBehalfOf, classes, unindexed, records], ['select * from cards', 60_000, ['bob'], ['card', 'iban'], 0, 36]);
  assert.deepEqual(counts, { change: 30, close: 1, decision: 1, open: 1, request: 32, response: 1, rows: 1, statement: 32 });
  assert.deepEqual(risk, {
    score: 37,
    reasons: ['30 acts were denied (+25)', '1 answer has 10000 rows or more (+10)', '1 answer has values of data classes (card, iban) (+2)'],
  });
  assert.deepEqual(
    findings.map(({ sign, count, weight, seq }) => [sign, count, weight, seq]),
    [
      ['denied', 30, 25, 5],
      ['mass-read', 1, 10, 4],
      ['classes-read', 1, 2, 4],
    ],
  );
  const found = [];
  const wanted = { query: `session:${overview.session}`, besides: [], nowMs, limit: 100, before: null, answer: 'records', sight: wholeSight } as const;
  for await (const line of search.search({ ...wanted, checkpoint: await recorder.publish() })) {
    found.push(line);
  }
  for (const { record, seq } of findings) {
    assert.ok(found.some((line) => 'verified' in line && line.verified && line.record === record && line.seq === seq));
  }
});

test('a session says when its targets were used, and what was decided, for who asks: of the records that are seen', async () => {
  nowMs = noon + 100_000;
  const track = recorder.openSession();
  openChannel(track, 'tim');
  request(track, 'allow', {}, 'select 1 as tim');
  nowMs += 16_000;
  request(track, 'hold', {}, 'select 2 as tim');
  request(track, 'allow', {}, 'select 3 as tim');
  nowMs += 16_000;
  request(track, 'deny', {}, 'select 4 as tim');
  recorder.closeSession(track, 'client');
  const query = 'principal:tim';
  const [overview] = await list({ query, hasActivity: true });
  const counts = { 0: 2, 16: 2, 31: 1 };
  assert.deepEqual(overview?.activity, [
    {
      target: 'shop',
      records: Object.assign(
        Array.from({ length: 32 }, () => 0),
        counts,
      ),
      verdicts: `a${'.'.repeat(15)}h${'.'.repeat(14)}d`,
    },
  ]);
  const [part] = await list({ query, hasActivity: true, sight: { facts: parseQuery('verdict:deny', 0), content: nothing } });
  assert.deepEqual(
    part?.activity?.map(({ verdicts }) => verdicts),
    [`${'.'.repeat(31)}d`],
  );
  assert.equal((await list({ query }))[0]?.activity, undefined);
  nowMs = noon + 60_000;
});

test('an alert that names records of a session counts once for it', async () => {
  const track = recorder.openSession();
  openChannel(track, 'mia');
  request(track, 'allow', { 'countersign.statements': ['select'] }, 'select 1 as mia');
  request(track, 'allow', { 'countersign.statements': ['select'] }, 'select 2 as mia');
  const last = recorder.size - 1;
  const named = [last - 1, last].map((index) => `${recorder.gatewayId}/${index}`);
  for (let i = 0; i < 30; i++) {
    request(track, 'allow', { 'countersign.statements': ['select'] }, `select ${i} as more`);
  }
  for (const records of [named, named.slice(1)]) {
    recorder.append(recorder.own, {
      kind: 'alert',
      meta: JSON.stringify({ channel: 0, action: 'gateway.raise_alert', attributes: { 'countersign.alert.records': records } }),
      content: [],
    });
  }
  const [overview] = await list({ query: 'principal:mia' });
  assert.deepEqual(
    overview?.findings.map(({ sign, count, weight, seq }) => [sign, count, weight, seq]),
    [['alert', 2, 30, 2]],
  );
  const [seen] = await list({ query: 'principal:mia', sight: { facts: parseQuery('principal:mia', nowMs), content: everything } });
  assert.deepEqual(seen?.findings, [], 'an alert that is not seen is no finding');
});

test('sessions are listed by a query, by the time at which they began, and in both orders, page after page', async () => {
  for (let i = 1; i <= 5; i++) {
    nowMs = noon + i * 86_400_000;
    const track = recorder.openSession();
    openChannel(track, i % 2 === 0 ? 'bob' : 'eve');
    request(track, 'allow', { 'countersign.statements': ['select'] }, `select ${i} as bread`);
    recorder.closeSession(track, 'client');
  }
  const titles = async (wanted: Partial<WantedSessions>): Promise<readonly (string | null)[]> => (await list(wanted)).map(({ title }) => title);
  const bread = (...days: readonly number[]): readonly string[] => days.map((day) => `select ${day} as bread`);
  assert.deepEqual(await titles({ query: 'principal:bob' }), bread(2, 4));
  assert.deepEqual(await titles({ query: 'bread', order: 'newest', limit: 2 }), bread(5, 4));
  assert.deepEqual(await titles({ began: ['since:2026-11-06'] }), bread(4, 5));
  assert.deepEqual(await titles({ began: ['since:2d'], order: 'newest' }), bread(5, 4, 3));
  assert.deepEqual(await titles({ began: ['since:2026-11-03', 'until:2026-11-04'] }), bread(1, 2));
  const [newest] = await list({ order: 'newest', limit: 1 });
  assert.deepEqual(await titles({ order: 'newest', limit: 2, after: newest?.session ?? '' }), bread(4, 3));
  assert.deepEqual(await titles({ query: 'principal:bob', sight: { ...wholeSight, content: nothing } }), [null, null]);
  await assert.rejects(
    list({ query: 'bread', sight: { ...wholeSight, content: nothing } }),
    (error) => error instanceof GatewayError && error.code === 'malformed',
  );
  await assert.rejects(list({ began: ['since:bread'] }), (error) => error instanceof GatewayError && error.code === 'malformed');
  assert.deepEqual(
    (await list({ query: 'principal:bob' })).map(({ counts, unindexed }) => [counts['statement'], unindexed]),
    [
      [1, 0],
      [1, 0],
    ],
  );
});

test('where the clock jumps by hours, forwards and back, sessions have all of their records, and times are those of the records', async () => {
  const hour = 3_600_000;
  const begun = noon + 30 * 86_400_000;
  const jumps = [0, -5, 7, -9, 2, 6];
  nowMs = begun;
  const track = recorder.openSession();
  openChannel(track, 'ida');
  const times: number[] = [];
  for (const jump of jumps) {
    nowMs += jump * hour;
    // More than a block.
    for (let i = 0; i < 12; i++) {
      request(track, 'deny', { 'countersign.statements': ['select'] }, `select ${i} as jump`);
      times.push(nowMs);
    }
    await committed();
  }
  nowMs = begun - 2 * hour;
  recorder.closeSession(track, 'client');
  const sight = { facts: parseQuery('principal:ida kind:request', nowMs), content: everything };
  for (const [overview] of [await list({ query: 'principal:ida' }), await list({ query: 'principal:ida', sight })]) {
    assert.deepEqual([overview?.title, overview?.counts['statement'], overview?.unindexed, overview?.durationMs], ['select 0 as jump', times.length, 0, 0]);
  }
  for await (const { session, records } of search.list({ which: 'all' }, sight.facts)) {
    assert.deepEqual([session, records], [track.id, times.length]);
  }
  const day = (ms: number): string => new Date(ms).toISOString();
  for (const [sinceMs, untilMs] of [
    [begun - hour, begun + hour],
    [begun - 6 * hour, begun - 4 * hour],
    [begun - 30 * hour, begun + 30 * hour],
    [begun + hour, begun + 30 * hour],
  ] as const) {
    const query = `principal:ida kind:request since:${day(sinceMs)} until:${day(untilMs)}`;
    const wanted = { query, besides: [], nowMs, limit: 100, before: null, answer: 'records', sight: wholeSight } as const;
    const found: number[] = [];
    for await (const line of search.search({ ...wanted, checkpoint: await recorder.publish() })) {
      found.push(...('verified' in line ? [Date.parse(line.time)] : []));
    }
    assert.deepEqual(found, times.filter((ms) => ms >= sinceMs && ms <= untilMs).toReversed(), query);
  }
});

test('a risk is at most 100, and the time of a session counts only for clients', () => {
  const signs = new Map([
    ['alert', 9],
    ['denied', 9],
    ['unknown', 9],
    ['destroyed', 9],
  ] as const);
  assert.equal(riskOf(weighSigns({ openedMs: noon, classes: [], signs })).score, 100);
  const atNight = Date.UTC(2026, 10, 2, 3);
  assert.deepEqual(
    [atNight, Date.UTC(2026, 10, 1, 12), noon, null].map((openedMs) => riskOf(weighSigns({ openedMs, classes: [], signs: new Map() })).score),
    [5, 5, 0, 0],
  );
});

test('docs/sessions.md has the signs and their weights', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/sessions.md'), 'utf8');
  const rows = Object.entries(recordSigns).map(([name, { query, each, most, why }]) => `| \`${name}\` | \`${query}\` | ${each} | ${most} | ${why} |`);
  assert.ok(text.includes([...rows, '| `off-hours` '].join('\n')), rows.join('\n'));
  assert.ok(text.includes(`| ${offHours.weight} | ${offHours.weight} | ${offHours.why} |`));
});

test('a title is what the user asked first, or the first line, on one line and not long', () => {
  assert.equal(titleOf('system: be kind\nuser: where  is\tmy order?\nuser: hello'), 'where is my order?');
  assert.equal(titleOf('\n\nselect 1;\nselect 2'), 'select 1;');
  assert.equal(titleOf(' \n'), null);
  assert.equal(titleOf('x'.repeat(1000))?.length, 121);
});
