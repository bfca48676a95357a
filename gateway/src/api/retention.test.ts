import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { verifyStore } from '@countersign/ledger';
import { passMidnight } from '../../../tests/support/pass-midnight.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import { journalStart } from '../recording/journal-reader.ts';
import { openKeyRows } from '../recording/key-rows.ts';
import { dayOf, printDay } from '../recording/retention.ts';
import { readEntries } from '../recording/session-reader.ts';
import type { RetentionSettings } from '../retention/retention-rules.ts';
import type { RetentionPlan } from './endpoints/plan-retention.ts';
import type { ShownKeepingClass } from './endpoints/show-retention.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const rules = `
    - { query: 'target:api', keep: 30d, facts: 60d }
    - { query: 'principal:wide', keep: 20d, facts: 90d, floor: 10d }`;
const health = `
    - { query: 'class:health', keep: 10y }`;

describe('rules of retention in a gateway that runs', () => {
  let running: RunningGateway;
  let token: string;
  let today: number;
  before(async () => {
    await passMidnight();
    today = dayOf(Date.now());
    running = await openRunningGateway(`retention:\n  rules:${rules}${health}\n`);
    token = Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal: 'wide' })).token;
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
  });

  /** Sends a request, which no target answers. Returns the id of its session. */
  async function use(target: string): Promise<string> {
    const headers = { authorization: `Bearer ${token}`, connection: 'close' };
    const answer = await fetch(`${running.url}/t/${target}/x`, { method: 'POST', headers, body: '{"a":1}' });
    return answer.headers.get('countersign-session') ?? assert.fail(await answer.text());
  }

  /** The classes and days of facts and contents of the requests in a session. */
  async function requestsIn(session: string): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const { leaf } of readEntries(running.data, session, { from: journalStart })) {
      if (leaf.kind === 'request') {
        found.push(`${leaf.metaClass}/${leaf.metaExpiryDay - today} ${leaf.contentClass}/${leaf.contentExpiryDay - today}`);
      }
    }
    return found;
  }

  /** The session of the gateway itself, which the search knows when the index has its records. */
  async function findOwn(): Promise<string> {
    let session = '';
    await waitUntil(async () => {
      const found = (await (await running.ask('GET', '/api/v1/search?query=kind:keep&limit=1')).text()).split('\n').find((line) => line.includes('"record"'));
      session = Object.assign({ session: '' }, JSON.parse(found ?? '{}')).session;
      return session !== '';
    });
    return session;
  }

  /** The classes that are on record, oldest first, each with its query, and as `contents facts floor` in days. */
  async function recordedClasses(): Promise<readonly string[]> {
    const records = (await (await running.ask('GET', `/api/v1/sessions/${own}/records`)).text()).trim().split('\n');
    return records.flatMap((line) => {
      const { kind, attributes, content }: ShownRecord = JSON.parse(line);
      const told = ['class', 'content', 'facts', 'floor'].map((name) => attributes[`countersign.keep.${name}`] ?? '-');
      return kind === 'keep' ? [`${told.join(' ')} ${/^query: .*/m.exec(content?.text ?? '')?.[0] ?? ''}`.trim()] : [];
    });
  }

  async function plan(body: { readonly at?: string; readonly settings?: RetentionSettings }): Promise<RetentionPlan> {
    return JSON.parse(await (await running.ask('POST', '/api/v1/retention/plan', { body })).text());
  }

  let used = '';
  let own = '';
  const classes = ['1 400 2555 -', '2 30 60 - query: target:api', '3 20 90 10 query: principal:wide', '4 3650 3650 - query: class:health'];

  test('what goes over a channel is kept by the longest rule that holds, and the classes are on record', async () => {
    used = await use('api');
    assert.equal(await use('wiki'), used);
    assert.deepEqual(await requestsIn(used), ['3/90 2/30', '3/90 3/20']);
    own = await findOwn();
    assert.deepEqual(await recordedClasses(), classes);
  });

  test('the classes are listed with how much is kept under each', async () => {
    const shown: readonly ShownKeepingClass[] = JSON.parse(await (await running.ask('GET', '/api/v1/retention')).text());
    assert.deepEqual(
      shown.map(({ class: number, query, inForce, known }) => [number, query, inForce, known]),
      [
        [1, null, true, 'when recorded'],
        [2, 'target:api', true, 'when recorded'],
        [3, 'principal:wide', true, 'when recorded'],
        [4, 'class:health', true, 'later'],
      ],
    );
    const day = (days: number): string => printDay(today + days);
    assert.deepEqual(
      shown.map(({ keeps, kept }) => [keeps?.facts, keeps?.content, keeps?.floor, kept.firstDay, kept.lastDay, kept.isForEver]),
      [
        [2555, 400, null, day(400), day(2555), false],
        [60, 30, null, day(30), day(30), false],
        [90, 20, 10, day(20), day(90), false],
        [3650, 3650, null, null, null, false],
      ],
    );
    // The default has the secrets of the gateway's own session, and those with which the session began.
    assert.deepEqual(
      shown.map(({ kept }) => [kept.facts, kept.contents]),
      [
        [2, 2],
        [0, 1],
        [2, 1],
        [0, 0],
      ],
    );
  });

  test('a plan says what a run would destroy on a day, and what is asked before', async () => {
    assert.deepEqual((await plan({})).erases, []);
    const { at, erases, asked, changes } = await plan({ at: printDay(today + 31) });
    assert.deepEqual([at, asked, changes], [printDay(today + 31), ['class:health'], null]);
    assert.deepEqual(erases, [
      { class: 3, query: 'principal:wide', day: printDay(today + 20), facts: 0, contents: 1, stays: [] },
      { class: 2, query: 'target:api', day: printDay(today + 30), facts: 0, contents: 1, stays: [] },
    ]);
    assert.equal((await plan({ at: printDay(today + 30) })).erases.length, 1, 'a day ends before what is kept until it goes');
  });

  test('a plan says what other settings would change, and refuses those that contradict themselves', async () => {
    const kept = { content: 30, facts: 60, floor: null };
    const settings = { default: { content: 400, facts: 2555, floor: null }, rules: [{ query: 'target:api', ...kept, content: 10 }] };
    const { changes } = await plan({ settings: { ...settings, rules: [...settings.rules, { query: 'target:shop', ...kept }] } });
    assert.deepEqual(changes, [
      { query: 'target:api', before: kept, after: { ...kept, content: 10 }, known: 'when recorded', sealedDays: 1 },
      { query: 'principal:wide', before: { content: 20, facts: 90, floor: 10 }, after: null, known: 'when recorded', sealedDays: 2 },
      { query: 'class:health', before: { content: 3650, facts: 3650, floor: null }, after: null, known: 'later', sealedDays: 0 },
      { query: 'target:shop', before: null, after: kept, known: 'when recorded', sealedDays: 0 },
    ]);
    const wrong = await running.ask('POST', '/api/v1/retention/plan', { body: { settings: { ...settings, default: { ...kept, facts: 3 } } } });
    assert.equal(wrong.status, 400);
    assert.match(await wrong.text(), /settings: default: facts: facts are kept at least as long as contents/);
  });

  test('a change takes effect without a restart, also in a session that goes on, and a query keeps its number', async () => {
    const file = join(dirname(running.data), 'countersign.yaml');
    const written = readFileSync(file, 'utf8');
    writeFileSync(file, written.replace(rules, "\n    - { query: 'target:wiki', keep: 5d, facts: 5d }\n    - { query: 'target:api', keep: 9d, facts: 60d }"));
    await running.json('POST', '/api/v1/config/apply', {});
    assert.equal(await use('api'), used);
    assert.equal(await use('wiki'), used);
    assert.deepEqual((await requestsIn(used)).slice(2), ['2/60 2/9', '5/5 5/5']);
    const changed = ['1 400 2555 -', '5 5 5 - query: target:wiki', '2 9 60 - query: target:api', '4 3650 3650 - query: class:health'];
    assert.deepEqual(await recordedClasses(), [...classes, ...changed]);
    const shown: readonly ShownKeepingClass[] = JSON.parse(await (await running.ask('GET', '/api/v1/retention')).text());
    assert.deepEqual(
      shown.map(({ class: number, inForce }) => [number, inForce]),
      [
        [1, true],
        [5, true],
        [2, true],
        [4, true],
        [3, false],
      ],
    );
    using keyRows = openKeyRows(join(running.data, 'keys.db'));
    const { verdict, findings } = await verifyStore(openStoreFiles(running.data), { keyRows });
    assert.deepEqual([verdict, findings], ['holds', []]);
  });
});
