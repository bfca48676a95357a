import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { verifyFile } from '@countersign/ledger';
import type { ListedReport } from './endpoints/list-reports.ts';
import type { MadeReport } from './endpoints/make-report.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const settings = `  eve: { kind: human, groups: [auditors], targets: [] }
  cy: { kind: human, groups: [auditors, readers], targets: [] }
roles: { operator: { groups: [readers], query: "principal:nobody" } }
alerts: { recorder-trouble: false }
retention: { default: { keep: 30d, facts: 8y }, rules: [{ query: "target:api", keep: 8y, floor: 7y }] }
`;

describe('reports on a store', () => {
  let running: RunningGateway;
  before(async () => {
    running = await openRunningGateway(settings);
    const { token } = Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal: 'wide' }));
    await fetch(`${running.url}/t/api/x`, { method: 'POST', headers: { authorization: `Bearer ${token}`, connection: 'close' }, body: '{}' });
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
  });

  async function make(name: string, headers?: Readonly<Record<string, string>>): Promise<MadeReport> {
    const answer = await running.ask('GET', `/api/v1/reports/${name}?since=1d`, headers === undefined ? {} : { headers });
    assert.equal(answer.status, 200, name);
    const made: MadeReport = JSON.parse(await answer.text());
    return made;
  }

  async function headersOf(principal: string): Promise<Readonly<Record<string, string>>> {
    const { token } = Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal }));
    return { authorization: `Bearer ${token}` };
  }

  test('each report is made, and proves each record that it names', async () => {
    const listed: readonly ListedReport[] = JSON.parse(await (await running.ask('GET', '/api/v1/reports')).text());
    assert.ok(listed.length > 5);
    const key = readFileSync(join(running.data, 'log', 'key'), 'utf8').trim();
    for (const { name, requirements } of listed) {
      const made = await make(name);
      assert.equal(made.requirements.length, requirements);
      const named = new Set(made.requirements.flatMap(({ evidence }) => evidence.flatMap(({ records }) => records.map(({ record }) => record))));
      assert.deepEqual([...named].toSorted(), Object.keys(made.receipts).toSorted());
      assert.ok(named.size > 0, name);
      for (const receipt of Object.values(made.receipts)) {
        assert.equal((await verifyFile(Buffer.from(receipt + made.checkpoint), { keys: [key] })).verdict, 'holds');
      }
    }
  });

  test('it says what is missing and why, and nothing of the content', async () => {
    type Requirement = MadeReport['requirements'][number];
    const find = async (name: string): Promise<(clause: string) => Requirement> => {
      const { requirements } = await make(name);
      return (clause) => requirements.find((each) => each.clause === clause) ?? assert.fail(clause);
    };
    const of = await find('pci-dss');
    assert.match(of('10.5.1').lacks.join(' '), /By the default, contents are kept for 30d \(30 days\), and 366 days are asked for/);
    assert.doesNotMatch(of('10.5.1').lacks.join(' '), /target:api/);
    assert.match(of('10.5.1').says.join(' '), /All of the journal that is kept is on the disk/);
    assert.match(of('10.7.2').lacks.join(' '), /recorder-trouble is switched off/);
    assert.match(of('10.2.1.1').evidence.find(({ query }) => query === 'class:card')?.absent ?? '', /No number of a payment card/);
    assert.ok(
      of('10.2.1.3').evidence.some(({ count }) => count > 0),
      'that reports were made is on record',
    );
    assert.match((await find('hipaa'))('45 CFR 164.316(b)(2)(i)').lacks.join(' '), /By the default, somebody may erase something before 2192 days/);
    assert.match((await find('sec-17a-4'))('17a-4(f)(2)(i)(B)').lacks.join(' '), /contents are kept for 30d \(30 days\), and 2192 days are asked for/);
    const act = await find('eu-ai-act');
    for (const clause of ['Article 19(1)', 'Article 26(6)']) {
      assert.match(act(clause).lacks.join(' '), /contents are kept for 30d \(30 days\), and 184 days are asked for/, clause);
    }
    assert.match(act('Article 26(5)').evidence.find(({ shows }) => /halted/.test(shows))?.absent ?? '', /not on record/);
  });

  test('what an administrator does is found by the clauses that ask for it', async () => {
    await running.json('POST', '/api/v1/keys/rotate-signing', { reason: 'a new quarter' });
    await running.json('POST', '/api/v1/principals/wide/suspend', { reason: 'a risk' });
    const actions = async (name: string, asked: string): Promise<readonly (string | null)[]> => {
      let made = await make(name);
      for (const endMs = Date.now() + 60_000; made.behind !== 0 && Date.now() < endMs;) {
        made = await make(name);
      }
      return made.requirements.flatMap(({ clause, evidence }) =>
        clause === asked ? evidence.flatMap(({ records }) => records.map(({ action }) => action)) : [],
      );
    };
    const administration = await actions('pci-dss', '10.2.1.2');
    assert.ok(administration.includes('gateway.rotate_signing_key') && administration.includes('gateway.suspend_principal'), administration.join(' '));
    assert.ok((await actions('pci-dss', '10.2.1.5')).includes('gateway.create_token'));
    assert.ok((await actions('eu-ai-act', 'Article 26(5)')).includes('gateway.suspend_principal'));
  });

  test('who may not search makes none, and who sees a part is told so', async () => {
    assert.equal((await running.ask('GET', '/api/v1/reports/aarm', { headers: await headersOf('bot') })).status, 403);
    assert.equal((await running.ask('GET', '/api/v1/reports/aarm', { headers: await headersOf('eve') })).status, 403);
    assert.equal((await running.ask('GET', '/api/v1/reports/none')).status, 404);
    const { isPartial, requirements } = await make('aarm', await headersOf('cy'));
    assert.ok(isPartial);
    assert.ok(requirements.every(({ evidence }) => evidence.every(({ count }) => count === 0)));
  });
});
