import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FoundRecord, FoundSession, SessionOverview } from '../gateway/src/search/found.ts';
import { GatewayProcess } from './support/gateway-process.ts';
import { makeQuarter, type Act } from './support/quarter.ts';
import { suiteParts } from './support/suite-parts.ts';

const everything = '10000';

void describe('the questions of an analyst, over a quarter that was recorded', () => {
  const parts = suiteParts();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-quarter-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  let acts: readonly Act[] = [];
  let gateway: GatewayProcess;

  before(async () => {
    const data = join(directory, 'data');
    mkdirSync(data, { mode: 0o700 });
    acts = await makeQuarter(data, Date.now());
    gateway = parts.use(await GatewayProcess.start({ config: 'targets: {}\nprincipals: {}\n', data }));
    await gateway.whenIndexed();
  });

  /** Searches with the command, and returns its rows. Each must be verified. */
  function found(query: string, ...words: readonly string[]): readonly FoundRecord[] {
    const records = gateway.rows<FoundRecord>(['search', query, '--limit', everything, ...words]);
    assert.ok(records.every(({ verified }) => verified));
    return records;
  }

  const nameOf = ({ session, seq }: FoundRecord): string => `${session}#${seq}`;
  const named = (records: readonly FoundRecord[]): readonly string[] => records.map(nameOf).toSorted();
  const withAnswers = (those: readonly Act[]): readonly string[] => those.flatMap(({ request, answer }) => (answer === null ? [request] : [request, answer]));

  test('everything that touches a model: what was asked, what it answered, and what was changed because it asked for it', () => {
    const records = found('model:gpt-4o* kind:(prompt or output or change) since:90d');
    const touched = acts.filter(({ model }) => model?.startsWith('gpt-4o') === true);
    assert.ok(touched.length > 500);
    const expected = touched.flatMap((act) => (act.what === 'change' ? [act.request] : withAnswers([act])));
    assert.deepEqual(named(records), expected.toSorted());
    const times = records.map(({ time }) => time);
    assert.deepEqual(times, times.toSorted().toReversed());
    const exact = found('model:gpt-4o kind:prompt since:90d');
    assert.deepEqual(
      named(exact),
      acts
        .filter(({ what, model }) => what === 'ask' && model === 'gpt-4o')
        .map(({ request }) => request)
        .toSorted(),
    );
  });

  test('who read a table, when, and by what permission', () => {
    const records = found('table:customers effect:read kind:statement verdict:allow', '--since', '90d');
    const reads = acts.filter(({ what, table }) => what === 'read' && table === 'public.customers');
    assert.ok(reads.length > 500);
    const row = (...columns: readonly unknown[]): string => columns.join(' ');
    assert.deepEqual(
      records.map((record) => row(nameOf(record), record.time, record.principal, record.policies)).toSorted(),
      reads.map(({ request, timeMs, principal, policy }) => row(request, new Date(timeMs).toISOString(), principal, policy)).toSorted(),
    );
    const counts = gateway.rows<{ readonly value: string; readonly count: number }>([
      'search',
      'table:customers effect:read kind:statement verdict:allow since:90d',
      '--count-by',
      'policy',
    ]);
    assert.deepEqual(
      Object.fromEntries(counts.map(({ value, count }) => [value, count])),
      Object.fromEntries([...Map.groupBy(reads, ({ policy }) => policy)].map(([policy, of]) => [policy, of.length])),
    );
  });

  test('which sessions returned values of a data class', () => {
    const expected = new Map(
      [
        ...Map.groupBy(
          acts.filter(({ hasCard }) => hasCard),
          ({ session }) => session,
        ),
      ].map(([session, of]) => [session, of.length]),
    );
    assert.ok(expected.size > 100);
    const sessions = gateway.rows<FoundSession>(['search', 'class:card kind:rows', '--sessions', '--since', '90d', '--limit', everything]);
    assert.deepEqual(new Map(sessions.map((each) => [each.session, each.found])), new Map(sessions.map(({ session }) => [session, expected.get(session)])));
    assert.equal(sessions.length, expected.size);
    const listed = gateway.rows<SessionOverview>(['session', 'list', '--query', 'class:card kind:rows', '--since', '90d']);
    assert.deepEqual(listed.map(({ session }) => session).toSorted(), [...expected.keys()].toSorted());
    for (const { session, classes, findings } of listed) {
      assert.deepEqual(classes, ['card']);
      assert.equal(findings.find(({ sign }) => sign === 'classes-read')?.count, expected.get(session));
    }
  });

  test('what somebody did between two and three', () => {
    const [day = ''] = new Date(acts[Math.floor(acts.length / 2)]?.timeMs ?? 0).toISOString().split('T');
    const from = Date.parse(`${day}T14:00:00Z`);
    const to = Date.parse(`${day}T15:00:00Z`);
    const records = found(`principal:agent-a kind:(prompt or output or statement or rows) time:${day}T14:00..${day}T14:59`);
    const done = acts.filter(({ principal, timeMs }) => principal === 'agent-a' && timeMs >= from && timeMs < to);
    assert.ok(done.length > 0);
    assert.deepEqual(named(records), withAnswers(done).toSorted());
  });
});
