import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { wholeSight } from '../access/rights.ts';
import { GatewayError } from '../domain/errors.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import type { SearchLine, SearchSummary, WantedRecords } from './found.ts';
import { openRecordSearch } from './testdata/open-record-search.ts';

const data = mkdtempSync(join(tmpdir(), 'countersign-found-sessions-'));
let nowMs = Date.UTC(2026, 10, 2, 12);
const { recorder, keys } = await openRecorder(data, { clock: () => nowMs });
// A block has at most ten records.
const { search, follower, database } = await openRecordSearch(data, recorder, keys);
after(async () => {
  await follower[Symbol.asyncDispose]();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

type Track = ReturnType<typeof recorder.openSession>;

async function act(track: Track, action: string): Promise<void> {
  nowMs += 1000;
  recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 1, action }), content: [] });
  await new Promise<void>((resolve) => {
    recorder.whenCommitted('disk', resolve);
  });
}

async function ask(query: string, answer: WantedRecords['answer'], limit: number): Promise<readonly SearchLine[]> {
  const lines: SearchLine[] = [];
  const wanted = { query, besides: [], nowMs, limit, before: null, answer, sight: wholeSight, checkpoint: await recorder.publish() };
  for await (const line of search.search(wanted)) {
    lines.push(line);
  }
  return lines;
}

function summaryOf(lines: readonly SearchLine[]): SearchSummary {
  const last = lines.at(-1);
  assert.ok(last !== undefined && 'summary' in last);
  return last.summary;
}

/** The sessions of an answer, each with the number of its records that were found. */
async function sessions(query: string, limit: number): Promise<readonly (readonly [string, number])[]> {
  return (await ask(query, 'sessions', limit)).flatMap((line) => ('found' in line ? [[line.session, line.found] as const] : []));
}

/** Returns what `sessions` must, from the records that are found. */
async function expected(query: string, limit: number): Promise<readonly (readonly [string, number])[]> {
  const counts = new Map<string, number>();
  for (const line of await ask(query, 'records', 1000)) {
    if ('verified' in line) {
      counts.set(line.session, (counts.get(line.session) ?? 0) + 1);
    }
  }
  return [...counts].slice(0, limit);
}

async function agree(query: string, limits: readonly number[]): Promise<void> {
  for (const limit of limits) {
    assert.deepEqual(await sessions(query, limit), await expected(query, limit), `${query}, ${limit}`);
  }
}

const hourMs = 3_600_000;
const long = recorder.openSession();

test('sessions that overlap, go over many blocks and are open are found with all of their records, the newest first, also where the clock is set', async () => {
  const early = recorder.openSession();
  for (let i = 0; i < 15; i++) {
    await act(early, 'act.a');
    await act(long, i % 3 === 0 ? 'act.b' : 'act.a');
  }
  recorder.closeSession(early, 'client');
  for (const jumpMs of [5 * hourMs, -9 * hourMs, 2 * hourMs]) {
    nowMs += jumpMs;
    const [one, two] = [recorder.openSession(), recorder.openSession()];
    for (let i = 0; i < 12; i++) {
      await act(one, 'act.a');
      await act(i % 4 === 0 ? long : two, 'act.b');
    }
    recorder.closeSession(one, 'client');
  }
  for (const query of ['action:act.a', 'action:act.b', 'action:act.* not action:act.a', `session:${early.id}`]) {
    await agree(query, [1, 2, 3, 5, 100]);
  }
  const lines = await ask('action:act.a', 'sessions', 1);
  assert.equal(
    summaryOf(lines).count,
    summaryOf(await ask('action:act.a', 'records', 1)).count,
    'all records count, also those of sessions that are not shown',
  );
});

test('of an index that lacks the newest records, sessions have those that it has, and the answer says how many are missing', async () => {
  const before = await sessions('action:act.b', 3);
  const { page_count: pages = 0 } = database.get('PRAGMA page_count') ?? {};
  database.exec(`PRAGMA max_page_count = ${Number(pages)}`);
  const track = recorder.openSession();
  for (let i = 0; i < 200; i++) {
    await act(track, `act.b ${'x'.repeat(1000)} ${i}`);
  }
  const lines = await ask('action:act.b', 'sessions', 3);
  assert.ok(Number(summaryOf(lines).behind) > 0);
  assert.deepEqual(await sessions('action:act.b', 3), before);
  database.exec('PRAGMA max_page_count = 1000000');
  await agree('action:act.b*', [1, 3]);
});

test('sessions are not looked for in blocks from before those that are shown', async () => {
  for (let i = 0; i < 4; i++) {
    nowMs += 10 * hourMs;
    const track = recorder.openSession();
    for (let each = 0; each < 12; each++) {
      await act(track, 'act.c');
    }
    recorder.closeSession(track, 'client');
  }
  await agree('action:act.c', [1, 2, 4]);
  // The first block has a session of which no record is shown, so that nobody asks for its sessions.
  const whole = await sessions('kind:request', 2);
  database.exec("UPDATE columns SET bytes = zeroblob(100) WHERE block = 0 AND field = 'session'");
  assert.deepEqual(await sessions('kind:request', 2), whole);
  await assert.rejects(sessions('kind:request', 100), (error) => error instanceof GatewayError && error.code === 'catching_up');
});
