import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import postgres from 'postgres';
import { python, requireProgram } from '../support/require-program.ts';
import { runProgram } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';

describe('clients that others wrote', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  const connection = () => ({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'agent', password: shop.token, database: 'shop' });

  test('node-postgres: parameters, named statements, errors, notifications', async () => {
    const client = new pg.Client(connection());
    await client.connect();
    const notified = new Promise((resolve) => {
      client.once('notification', (message) => {
        resolve(message.payload);
      });
    });
    await client.query('listen news');
    for (let i = 0; i < 3; i++) {
      const { rows } = await client.query({ name: 'add', text: 'select $1::int + $2::int as sum', values: [i, 40] });
      assert.deepEqual(rows, [{ sum: i + 40 }]);
    }
    await assert.rejects(client.query('select 1/0'), /division by zero/);
    await client.query("select pg_notify('news', 'hello')");
    assert.equal(await notified, 'hello');
    await client.end();
  });

  test('node-postgres: a statement longer than the limit is refused before it is held, and says so', async () => {
    const client = new pg.Client(connection());
    client.on('error', () => undefined);
    await client.connect();
    await assert.rejects(client.query(`select length('${'x'.repeat(65 * 1024 * 1024)}')`), { code: '54000', message: /longer than the limit of 67108864/ });
  });

  test('postgres.js: pipelined queries, transactions, cursors', async () => {
    const sql = postgres({ ...connection(), username: 'agent', max: 1 });
    const sums = await Promise.all(Array.from({ length: 20 }, async (_, i) => sql`select ${i}::int * 2 as twice`));
    assert.deepEqual(
      sums.map((rows) => Number(rows[0]?.['twice'])),
      Array.from({ length: 20 }, (_, i) => i * 2),
    );
    await assert.rejects(
      sql.begin(async (transaction) => {
        await transaction`create table undone (id int)`;
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    assert.deepEqual([...(await sql`select to_regclass('undone') as found`)], [{ found: null }]);
    assert.match(String(sql.parameters['countersign.session']), /^[0-9a-f]{32}$/, 'the client is told its session');
    let rows = 0;
    for await (const part of sql`select generate_series(1, 2500)`.cursor(1000)) {
      rows += part.length;
    }
    assert.equal(rows, 2500);
    await sql.end();
  });

  test('psycopg (Python)', requireProgram('python:psycopg'), async () => {
    const script = `
import psycopg
with psycopg.connect("") as c:
    c.execute("create temp table t (a int, b text)")
    with c.cursor().copy("copy t from stdin") as copy:
        for i in range(1000):
            copy.write_row((i, "row %d" % i))
    print(c.execute("select count(*), max(b) from t where a >= %s", (500,)).fetchone())
`;
    const { status, stdout, stderr } = await runProgram(python, ['-c', script], shop.through);
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim(), "(500, 'row 999')");
  });

  test('pgbench in all three modes', requireProgram('pgbench'), async () => {
    const initialised = await runProgram('pgbench', ['-i', '-q', '-s', '1'], shop.around);
    assert.equal(initialised.status, 0, initialised.stderr);
    for (const mode of ['simple', 'extended', 'prepared']) {
      const { status, stdout, stderr } = await runProgram('pgbench', ['-n', '-c', '2', '-t', '50', '-M', mode], shop.through);
      assert.equal(status, 0, stderr);
      assert.match(stdout, /number of transactions actually processed: 100\/100/);
      assert.match(stdout, /number of failed transactions: 0/);
    }
  });

  test('every statement of all of them is in the record, and the record holds', async () => {
    const sessions = await shop.gateway.sessions();
    const records = (await Promise.all(sessions.map(({ session }) => shop.gateway.records(session)))).flat();
    const statements = new Set(records.map((record) => record.attributes['db.query.text']));
    assert.ok(statements.has('select $1::int + $2::int as sum'));
    assert.ok(statements.has('create table undone (id int)'));
    assert.equal(records.filter((record) => record.attributes['countersign.withheld'] !== undefined).length, 0);
    assert.equal(shop.gateway.verify().status, 0);
  });
});
