import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { importBundled } from '../../../tests/support/main-file.ts';
import { startPostgres } from '../../../tests/support/postgres-server.ts';

void test('what PostgreSQL counts agrees with the record, or what went past the gateway is told and on record', async (t) => {
  await using server = await startPostgres({ settings: { shared_preload_libraries: 'pg_stat_statements' } });
  const past = new pg.Client({ host: '127.0.0.1', port: server.port, user: server.user, password: server.password, database: 'postgres' });
  past.on('error', () => undefined);
  await past.connect();
  await past.query('create table t (a int, b text)');
  const directory = mkdtempSync(join(tmpdir(), 'countersign-reconcile-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  process.env['RECONCILE_PASSWORD'] = server.password;
  const configFile = join(directory, 'countersign.yaml');
  writeFileSync(
    configFile,
    `data: store\nlisten: { http: 127.0.0.1:0, postgres: 127.0.0.1:0 }\ntargets: { orders: { url: "${server.url}", password: { env: RECONCILE_PASSWORD } }, model: { protocol: llm, url: "http://127.0.0.1:1/v1" }, web: { url: "http://127.0.0.1:1" } }\nreconcile: { model: { usage: openai, key: { env: RECONCILE_PASSWORD } } }\nprincipals: { agent: { kind: agent, targets: [orders] } }\n`,
  );
  const { Gateway } = await importBundled('gateway', async () => import('../gateway.ts'));
  await using gateway = await Gateway.open({ logLevel: 'silent', configFile });
  const operator = readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim();
  const ask = async (method: string, path: string, body?: unknown, bearer = operator): Promise<Response> =>
    fetch(`http://${gateway.addresses['http']}${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const reconcile = async (target = 'orders'): Promise<Record<string, unknown>> => {
    const answer = await ask('POST', `/api/v1/targets/${target}/reconcile`);
    return Object.assign({}, await answer.json());
  };
  const { token = '' }: { token?: string } = Object.assign({}, await (await ask('POST', '/api/v1/tokens', { principal: 'agent' })).json());
  assert.match(String((await reconcile())['detail']), /needs the extension pg_stat_statements/);
  await past.query('create extension pg_stat_statements');
  assert.equal((await ask('POST', '/api/v1/targets/orders/reconcile', undefined, token)).status, 403, 'an agent may not');

  const client = new pg.Client({
    host: '127.0.0.1',
    port: Number(gateway.addresses['postgres']?.split(':')[1]),
    user: 'agent',
    password: token,
    database: 'orders',
  });
  client.on('error', () => undefined);
  await client.connect();
  const work = async (): Promise<void> => {
    await client.query("insert into t values (1, 'x'); insert into t values (2, 'y')");
    await client.query('select * from t where a = 5');
    await client.query('select * from t where a = $1', [7]);
    for (const value of [1, 2, 3]) {
      await client.query({ name: 'prepared', text: 'select b from t where a = $1', values: [value] });
    }
    await client.query('begin');
    await client.query('commit');
    await assert.rejects(client.query('select 1/0'));
  };
  await work();
  const first = await reconcile();
  assert.deepEqual([first['state'], first['comparison']], ['base line', null], JSON.stringify(first));
  await work();
  const second = await reconcile();
  assert.equal(second['state'], 'agrees', JSON.stringify(second));
  await work();
  await past.query("select b from t where a = 9 or b = 'taken'");
  await past.query('select b from t where a = 9');
  const third = await reconcile();
  assert.equal(third['state'], 'differs', JSON.stringify(third));
  const { differences } = Object.assign({ differences: [] as readonly { text: string; counted: number; recorded: number }[] }, third['comparison']);
  assert.deepEqual(differences.map(({ text, counted, recorded }) => `${text}: ${counted}, ${recorded}`).toSorted(), [
    'select b from t where a = $1 or b = $2: 1, 0',
    'select b from t where a = $1: 4, 3',
  ]);
  const alerts = await (await ask('GET', '/api/v1/search?query=action:gateway.find_difference')).text();
  assert.match(alerts, /"countersign.target":"orders"/);
  const records = await (await ask('GET', '/api/v1/search?query=kind:reconcile')).text();
  const names = Array.from(records.matchAll(/"record":"([0-9a-f]{16}\/\d+)"[^\n]*"kind":"reconcile"/g), ([, name]) => name);
  assert.equal(names.length, 3, records);
  const shown = await Promise.all(names.map(async (name) => (await ask('GET', `/api/v1/records/${name}`)).text()));
  assert.ok(
    shown.some((text) => /Compared with what the target counts itself: differs; .*by: operator.*1 counted, 0 recorded, 0 maybe: select b from t/.test(text)),
    `each is said in words: ${shown.join()}`,
  );
  assert.equal((await reconcile())['state'], 'agrees');
  await past.query('select pg_stat_statements_reset()');
  assert.equal((await reconcile())['state'], 'not comparable');
  // A target that counts in another way, or lies: what its role finds first by the name of the extension is its own.
  await past.query('create schema counts; alter role current_user set search_path to counts, public');
  for (const calls of ['-1', '1.5', "'NaN'::float8", '1e300::numeric', "'1'::text", 'null::int', "'[]'::json", "'{}'::json"]) {
    await past.query(`set search_path to counts; create or replace view pg_stat_statements_info as select now() as stats_reset, 0 as dealloc`);
    await past.query(`drop view if exists pg_stat_statements`);
    const of = `r.oid as userid, d.oid as dbid, true as toplevel from pg_roles r, pg_database d`;
    await past.query(`create view pg_stat_statements as select ${calls} as calls, 'select 1'::text as query, ${of}`);
    const hostile = await reconcile();
    assert.deepEqual([hostile['code'], /another form/.test(String(hostile['detail']))], ['unsupported', true], `${calls}: ${JSON.stringify(hostile)}`);
  }
  await past.query(`create or replace view pg_stat_statements_info as select timestamptz '2020-01-01' as stats_reset, 0 as dealloc`);
  await past.query(
    `drop view pg_stat_statements; create view pg_stat_statements as select 1 as calls, null::text as query, r.oid as userid, d.oid as dbid, true as toplevel from pg_roles r, pg_database d`,
  );
  assert.equal((await reconcile())['state'], 'not comparable', 'without texts, as where the extension has lost its file of them');
  assert.equal((await reconcile('model'))['state'], 'base line', 'whole days are compared, from tomorrow on');
  assert.equal((await reconcile('web'))['state'], 'not counted');
  await client.end();
  await past.end();
});
