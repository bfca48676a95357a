import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import postgres from 'postgres';
import { python, requireProgram } from '../support/require-program.ts';
import { psql, runProgram } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';

const asked = 'show search_path';

describe('what clients set as they connect', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
    const setup = await psql(shop.around, ['-c', 'create schema app']);
    assert.equal(setup.status, 0, setup.stderr);
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  /** The statements of the newest session, that of its settings first. */
  async function assertSet(): Promise<void> {
    const records = await shop.gateway.records((await shop.gateway.newest()).session);
    const said = records.flatMap(({ attributes, verdict }) => (attributes['db.query.text'] === undefined ? [] : [[attributes['db.query.text'], verdict]]));
    assert.deepEqual(said, [
      ["SET search_path TO 'app'", 'allow'],
      [asked, 'allow'],
    ]);
  }

  const url = (options: string): string =>
    `postgres://agent:${shop.token}@127.0.0.1:${shop.gateway.port('postgres')}/shop?options=${encodeURIComponent(options)}`;
  const spellings = ['-c search_path=app', '-csearch_path=app', '--search_path=app', '--search-path=app', '-c Search_Path=app'];

  test('T4.41: psql, by PGOPTIONS, by a URL and by words, in each spelling', requireProgram('psql'), async () => {
    for (const options of spellings) {
      for (const [environment, words] of [
        [{ PGOPTIONS: options }, []],
        [{}, [url(options)]],
        [{}, [`dbname=shop options='${options}'`]],
      ] as const) {
        const { status, stdout, stderr } = await psql({ ...shop.through, ...environment }, ['-At', '-c', asked, ...words]);
        assert.equal(status, 0, stderr);
        assert.equal(stdout, 'app\n', options);
        await assertSet();
      }
    }
  });

  test('T4.41: node-postgres, by options and by a URL; postgres.js, by a parameter of its own', async () => {
    for (const options of spellings) {
      const { host, port } = new URL(url(options));
      const login = { host: host.split(':')[0], port: Number(port), user: 'agent', password: shop.token, database: 'shop' };
      for (const config of [{ ...login, options }, { connectionString: url(options) }]) {
        const client = new pg.Client(config);
        await client.connect();
        assert.equal((await client.query(asked)).rows[0].search_path, 'app', options);
        await client.end();
        await assertSet();
      }
    }
    const sql = postgres({
      host: '127.0.0.1',
      port: shop.gateway.port('postgres'),
      username: 'agent',
      password: shop.token,
      database: 'shop',
      max: 1,
      fetch_types: false,
      connection: { search_path: 'app' },
    });
    assert.equal((await sql.unsafe(asked))[0]?.['search_path'], 'app');
    await sql.end();
    await assertSet();
  });

  test('T4.41: psycopg, by options, by PGOPTIONS and by a URL', requireProgram('python:psycopg'), async () => {
    const script = `
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True, **({"options": sys.argv[2]} if sys.argv[2] else {})) as c:
    print(c.execute("${asked}").fetchone()[0])
`;
    for (const options of spellings) {
      for (const [environment, words] of [
        [{}, ['', options]],
        [{ PGOPTIONS: options }, ['', '']],
        [{}, [url(options), '']],
      ] as const) {
        const { status, stdout, stderr } = await runProgram(python, ['-c', script, ...words], { ...shop.through, ...environment });
        assert.equal(status, 0, stderr);
        assert.equal(stdout, 'app\n', options);
        await assertSet();
      }
    }
  });

  test('the name that a client gives its application after the login is its claim from then on', async () => {
    const { host, port } = new URL(url(''));
    const login = { host: host.split(':')[0], port: Number(port), user: 'agent', password: shop.token, database: 'shop' };
    const client = new pg.Client({ ...login, application_name: 'first' });
    await client.connect();
    const setting = ["set application_name = 'second'", 'select 2', "select set_config('application_name', 'second', false)", 'select 3'];
    const rolledBack = ['begin', "set local application_name = 'third'", 'select 4', 'rollback', 'select 5'];
    const holdingToken = [`set application_name = '${shop.token}'`, 'select 6', 'reset application_name', 'select 7'];
    for (const statement of ['select 1', ...setting, ...rolledBack, ...holdingToken]) {
      await client.query(statement);
    }
    await client.end();
    const records = await shop.gateway.records((await shop.gateway.newest()).session);
    const claimOf = (statement: string): unknown => {
      const request = records.find(({ kind, attributes }) => kind === 'request' && attributes['db.query.text'] === statement)?.attributes;
      return records[Number(request?.['countersign.opening'])]?.attributes['countersign.client.claims'];
    };
    assert.deepEqual(
      ['select 1', 'select 2', 'select 3', 'select 4', 'select 5', 'select 6', 'select 7'].map((each) => [claimOf(each)].flat()),
      [
        ['application_name=first'],
        ['application_name=second'],
        ['application_name=second'],
        ['application_name=third'],
        ['application_name=second'],
        [undefined],
        ['application_name=first'],
      ],
    );
    const changes = records.filter(({ action }) => action === 'gateway.change_environment');
    assert.equal(changes.length, 5, 'what is said again is stated once');
    assert.ok(!JSON.stringify(changes).includes(shop.token));
  });

  test('T4.41: what drivers set at each connection is in the record of the connection', requireProgram('psql'), async () => {
    const { status, stdout, stderr } = await psql({ ...shop.through, PGOPTIONS: '-c client_min_messages=error' }, ['-At', '-c', 'show client_min_messages']);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, 'error\n');
    const records = await shop.gateway.records((await shop.gateway.newest()).session);
    const connected = records.find(({ action }) => action === 'postgres.connect');
    assert.match(connected?.content?.text ?? '', /client_min_messages=error/);
    assert.deepEqual(
      records.flatMap(({ attributes }) => attributes['db.query.text'] ?? []),
      ['show client_min_messages'],
    );
  });
});
