import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import pg from 'pg';
import postgres from 'postgres';
import type { AlertSummary } from '../../gateway/src/api/alerts.ts';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import { filesHolding, holds } from '../support/canary.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

const policies = `@id("private")
@record("facts")
permit (principal in Group::"private", action in Action::"postgres", resource == Target::"shop");

@id("deletes")
@reason("Somebody looks at it first.")
@approval("dba")
forbid (principal in Group::"private", action, resource)
when { context.effects.contains("destroy") };
`;
const canary = 'unkept7c1a90b2';

describe('what only facts are recorded of', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-facts-'));
  const parts = suiteParts();
  let shop: Shop;
  let token: string;
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    writeFileSync(join(directory, 'facts.cedar'), policies);
    const config = `  ann: { kind: human, groups: [private] }\n  bob: { kind: human, groups: [dba] }\npolicies: ${directory}\n`;
    shop = parts.use(await openShop({ config, gateway: { environment: { COUNTERSIGN_LOG: 'trace' } } }));
    token = await shop.gateway.issueToken('ann');
  });

  const connect = async (): Promise<pg.Client> => {
    const login = { host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'ann', password: token, database: 'shop' };
    const client = new pg.Client(login);
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  /** Asserts that the canary is in no file, in no log and in no body of any session. */
  const assertNowhere = async (): Promise<void> => {
    const { gateway } = shop;
    assert.deepEqual(filesHolding(gateway.data, canary), []);
    assert.ok(!gateway.log.includes(canary));
    for (const { session } of await gateway.sessions('all')) {
      // A bundle has every body that is kept in the clear.
      const bundle = await (await gateway.api(`/api/v1/sessions/${session}/bundle`)).text();
      assert.ok(bundle.includes('"checkpoint"') && !holds(Buffer.from(bundle), canary), `${session} holds the canary`);
    }
  };

  test('statements, values, rows, errors, notices and copied data are nowhere in the store, also after a kill', async () => {
    const client = await connect();
    await client.query('create table told (word text)');
    await client.query(`insert into told values ('${canary}')`);
    await client.query('insert into told values ($1)', [`${canary} ${'x'.repeat(2 * 1024 * 1024)}`]);
    const { rows } = await client.query(`select word, '${canary}' as ${canary}_column from told order by length(word)`);
    assert.equal(rows[0].word, canary);
    await client.query(`do $$ begin raise notice '${canary}'; end $$`);
    await assert.rejects(client.query(`select '${canary}'::int`), new RegExp(canary));
    const sql = postgres({ host: '127.0.0.1', port: shop.gateway.port('postgres'), username: 'ann', password: token, database: 'shop', max: 1 });
    const input = await sql`copy told from stdin`.writable();
    input.end(`${canary}\n`);
    await once(input, 'finish');
    await sql.end();
    await assertNowhere();
    const left = new Promise((resolve) => client.once('end', resolve));
    client.query(`select '${canary}' from generate_series(1, 1000), pg_sleep(0.01)`).catch(() => undefined);
    const pending = async (): Promise<boolean> => {
      const all = await Promise.all((await shop.gateway.sessions()).map(async ({ session }) => shop.gateway.records(session)));
      return all.flat().filter(({ kind, attributes }) => kind === 'request' && String(attributes['countersign.functions']).includes('pg_sleep')).length > 0;
    };
    await waitUntil(pending);
    await shop.gateway.signal('SIGKILL');
    await left;
    await shop.gateway.start();
    await assertNowhere();
  });

  test('each record says so, with its facts and its policy, and the proof is whole', async () => {
    const { gateway } = shop;
    const session = (await gateway.sessions()).find(({ state }) => state === 'interrupted')?.session ?? assert.fail('no session was cut short');
    const records = (await gateway.records(session)).filter(({ kind, channel }) => channel === 1 && (kind === 'request' || kind === 'response'));
    assert.ok(records.length > 10);
    for (const { content, attributes } of records) {
      assert.deepEqual(
        [content, attributes['countersign.withheld'], String(attributes['countersign.obligations'])],
        [null, 'not_kept', 'record keep=facts policy=facts.cedar:private'],
      );
    }
    const insert = records.find(({ attributes }) => String(attributes['countersign.statements']) === 'insert');
    assert.deepEqual(
      [insert?.attributes['countersign.writes'], insert?.attributes['countersign.content_bytes']],
      [['public.told'], `insert into told values ('${canary}')`.length + 6],
    );
    const selected = records.find(({ attributes }) => Number(attributes['db.response.returned_rows']) === 2);
    assert.ok(Number(selected?.attributes['countersign.content_bytes']) > 0);
    const shown = gateway.command(['session', 'show', session]);
    assert.match(shown.stdout, /postgres\.query shop .*\n {4}content not kept \(policy facts\.cedar:private\)/);
    const verified = gateway.verify();
    assert.equal(verified.status, 0, verified.stdout);
    assert.match(verified.stdout, /\d+ records hold facts only: by policy the content was not kept/);
    const bytes = gateway.command(['session', 'show', session, '--record', String(insert?.seq), '--bytes', '0-']);
    assert.deepEqual([bytes.status, bytes.stdout], [1, '']);
    assert.match(bytes.stderr, /were not kept: policy keeps the facts alone/);
    assert.match(gateway.command(['policy', 'explain', insert?.record ?? '']).stdout, /content not kept \(policy facts\.cedar:private\)/);
    const file = join(directory, 'session.bundle');
    assert.equal(gateway.command(['session', 'export', session, '--out', file]).status, 0);
    const verifiedFile = gateway.cliAsIs(['verify', file]);
    assert.match(verifiedFile.stdout, /HOLDS[^]*records hold facts only[^]*does not prove: .*what the content was that is not kept/);
    assert.match(gateway.cliAsIs(['session', 'show', file]).stdout, /content not kept \(policy facts\.cedar:private\)/);
    const replayed = gateway.cliAsIs(['session', 'replay', file, '--serve', '--', 'true']);
    assert.match(replayed.stderr, /\d+ records of requests and answers cannot be replayed: by policy only their facts were kept/);
  });

  test('who approves reads the text as long as it waits; no record has it, and no digest by which it could be guessed', async () => {
    const { gateway } = shop;
    const list = (...words: string[]): ApprovalSummary[] => gateway.rows(['approval', 'list', ...words]);
    const client = await connect();
    const deleting = client.query(`delete from told where word = '${canary}'`);
    await waitUntil(() => list().length === 1);
    const [approval] = list();
    assert.ok(approval?.text.includes(canary));
    const environment = { COUNTERSIGN_TOKEN: await gateway.issueToken('bob') };
    const shown = gateway.command(['approval', 'show', approval?.approval ?? ''], environment);
    assert.match(shown.stdout, new RegExp(`content not kept[^]*${canary}`));
    const granted = gateway.command(['approval', 'grant', approval?.approval ?? ''], environment);
    assert.equal(granted.status, 0, granted.stderr);
    assert.equal((await deleting).rowCount, 2);
    assert.deepEqual(
      list('--all').map(({ text, state }) => [text, state]),
      [['', 'spent']],
    );
    // When the target says how many rows it estimates, that is a step of its own.
    const steps = (await gateway.records(approval?.session ?? '')).filter(
      ({ kind, attributes }) => kind === 'approval' && attributes['countersign.approval.estimated_rows'] === undefined,
    );
    assert.deepEqual(
      steps.map(({ attributes }) => [attributes['countersign.approval.state'], attributes['countersign.approval.digest']]),
      [
        ['waiting', undefined],
        ['granted', undefined],
        ['spent', undefined],
      ],
    );
    assert.deepEqual(steps.at(-1)?.attributes['countersign.approval.granted_by'], ['bob'], 'who approved is a fact');
    await client.end();
    await assertNowhere();
  });

  test('a grant of the configuration is a permit that keeps the content', async () => {
    const { gateway } = shop;
    const client = new pg.Client({ host: '127.0.0.1', port: gateway.port('postgres'), user: 'agent', password: shop.token, database: 'shop' });
    await client.connect();
    await client.query("select 'kept'");
    await client.end();
    const records = await gateway.records((await gateway.newest()).session);
    assert.ok(records.some(({ kind, content }) => kind === 'request' && content?.text?.includes("'kept'") === true));
  });

  test('an answer with very many rows is an alert, although no row of it is kept', async () => {
    const client = await connect();
    await client.query('select from generate_series(1, 99999)');
    await client.query('select from generate_series(1, 100000)');
    await client.end();
    const raised = (): readonly AlertSummary[] => shop.gateway.rows<AlertSummary>(['alert', 'list']).filter(({ rule }) => rule === 'mass-read');
    await waitUntil(() => raised().length > 0);
    assert.deepEqual(
      raised().map(({ by, count, severity }) => [by, count, severity]),
      [[['principal=ann', 'target=shop'], 1, 'medium']],
    );
  });
});
