import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';

const setup = `
CREATE SCHEMA evil;
CREATE TABLE public.payroll (id int, salary int);
CREATE TABLE evil.payroll (id int, secret text);
CREATE TABLE public.log (what text);
INSERT INTO payroll SELECT n, n FROM generate_series(1, 9) n;
CREATE FUNCTION public.wipe() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.payroll; END $$;
CREATE FUNCTION public.total() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 1; END $$;`;

interface Fact {
  readonly effects: string;
  readonly tables: string;
}

describe('what statements do is in their records', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
    const made = await psql(shop.around, ['-c', setup]);
    assert.equal(made.status, 0, made.stderr);
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  async function client(database = 'shop'): Promise<pg.Client> {
    const one = new pg.Client({
      application_name: 'guarded',
      host: '127.0.0.1',
      port: shop.gateway.port('postgres'),
      user: 'agent',
      password: shop.token,
      database,
    });
    await one.connect();
    return one;
  }

  /** The facts of the requests of the newest session, each after its action and, if it has one, its text. */
  async function facts(): Promise<readonly (Fact & { readonly action: string | null; readonly text: unknown; readonly attributes: object })[]> {
    const records = await shop.gateway.records((await shop.gateway.newest()).session);
    return records
      .filter(({ kind, action }) => kind === 'request' && action !== 'postgres.connect')
      .map(({ action, attributes }) => ({
        action,
        text: attributes['db.query.text'],
        effects: listed(attributes['countersign.effects']),
        tables: listed(attributes['countersign.tables']),
        attributes,
      }));
  }

  async function effectsOf(...texts: readonly string[]): Promise<readonly string[]> {
    const one = await client();
    for (const text of texts) {
      await one.query(text).catch(() => null);
    }
    await one.end();
    return (await facts()).map(({ effects, tables }) => `${effects}: ${tables}`);
  }

  test('A14: simple queries, with names from the catalogue of the database', async () => {
    assert.deepEqual(await effectsOf('SELECT id FROM payroll WHERE id = 1', 'SELECT wipe()', 'COMMIT; DELETE FROM log', 'SELECT id FROM evil.payroll'), [
      'read: public.payroll',
      'destroy read write: public.payroll',
      'destroy read write: public.log',
      'read: evil.payroll',
    ]);
  });

  test('A14: a prepared statement has the facts of its text each time', async () => {
    const one = await client();
    const query = { name: 'gone', text: 'DELETE FROM payroll WHERE id = $1' };
    for (const id of [100, 101, 102]) {
      await one.query({ ...query, values: [id] });
    }
    await one.end();
    const all = await facts();
    assert.ok(all.length >= 3);
    for (const { effects, tables, attributes } of all) {
      assert.deepEqual([effects, tables, Reflect.get(attributes, 'countersign.has_where')], ['destroy read write', 'public.payroll', true]);
    }
  });

  test('A14: what SQL prepares and declares is known where it is used, and other names are unknown', async () => {
    const found = await effectsOf('PREPARE gone AS DELETE FROM payroll', 'EXECUTE gone', 'EXECUTE other');
    assert.deepEqual(found, ['destroy write: public.payroll', 'destroy read write: public.payroll', 'read unknown: ']);
    const cursors = await effectsOf('BEGIN; DECLARE c CURSOR FOR SELECT * FROM log', 'FETCH ALL FROM c', 'FETCH ALL FROM d');
    assert.deepEqual(cursors, ['read: public.log', 'read: public.log', 'read unknown: ']);
  });

  test('A14: after a change of the search path, names stand for what they mean in either', async () => {
    assert.deepEqual(await effectsOf('SELECT * FROM payroll', 'SET search_path = evil', 'SELECT * FROM payroll', 'SELECT * FROM public.payroll'), [
      'read: public.payroll',
      'read: ',
      'read: evil.payroll public.payroll',
      'read: public.payroll',
    ]);
  });

  test('A14, E55: after a statement that may do anything, everything is unknown', async () => {
    assert.deepEqual(await effectsOf('SELECT 1', "DO $$ BEGIN EXECUTE 'SELECT ' || random(); END $$", 'SELECT 1'), [
      'read: ',
      'execute read unknown: ',
      'read unknown: ',
    ]);
    assert.deepEqual(await effectsOf('SELECT 1; SELECT nobody_knows()', 'SELECT 1'), ['read unknown: ', 'read unknown: ']);
    // A query that fails has done nothing.
    assert.deepEqual(await effectsOf('SELECT nobody_knows()', 'SELECT 1', 'SELEC 1', 'SELECT 1'), ['read unknown: ', 'read: ', 'unknown: ', 'read unknown: ']);
  });

  test('A14: a function that is made through the gateway is not taken for another', async () => {
    const [maker, user] = [await client(), await client()];
    await maker.query("CREATE FUNCTION evil.upper(int) RETURNS text LANGUAGE sql AS 'DELETE FROM public.log; SELECT NULL::text'");
    await maker.query('SELECT evil.upper(1)');
    const made = await facts();
    await maker.end();
    // The catalogue is learned again in its own time. Until then the statement is unknown, and never harmless.
    await waitUntil(async () => {
      await user.query('SELECT evil.upper(2)');
      const newest = (await shop.gateway.sessions()).toSorted((a, b) => (a.opened < b.opened ? 1 : -1));
      const records = (await Promise.all(newest.slice(0, 2).map(async ({ session }) => shop.gateway.records(session)))).flat();
      const used = records.filter(({ attributes }) => attributes['db.query.text'] === 'SELECT evil.upper(2)');
      const effects = used.map(({ attributes }) => listed(attributes['countersign.effects']));
      assert.ok(
        effects.every((each) => each.includes('unknown') || each === 'destroy read write'),
        effects.join(),
      );
      return effects.includes('destroy read write');
    });
    await user.end();
    assert.ok(made.every(({ text, effects }) => text !== 'SELECT evil.upper(1)' || /unknown|destroy/.test(effects)));
  });

  test('A14: after a change of the catalogue a statement waits until it is known what the statement does, in every session', async () => {
    const maker = await client();
    for (let i = 0; i < 4; i += 1) {
      await maker.query(`CREATE VIEW paid_${i} AS SELECT id FROM payroll`);
      assert.deepEqual(await effectsOf(`SELECT id FROM paid_${i}`), ['read: public.paid_0 public.payroll'.replace('0', String(i))]);
      await maker.query(`DROP VIEW paid_${i}`);
      await maker.query('SELECT id FROM payroll');
    }
    await maker.end();
    const { session } = (await shop.gateway.sessions()).find(({ records }) => records > 20) ?? assert.fail();
    const selects = (await shop.gateway.records(session)).filter(
      ({ kind, attributes }) => kind === 'request' && attributes['db.query.text'] === 'SELECT id FROM payroll',
    );
    assert.deepEqual(
      selects.map(({ attributes }) => listed(attributes['countersign.effects'])),
      ['read', 'read', 'read', 'read'],
    );
  });

  test('A14: the first statement of the first client waits until the catalogue is known, also if it changes the catalogue', async () => {
    const made = await psql(shop.around, ['-c', 'CREATE DATABASE fresh']);
    assert.equal(made.status, 0, made.stderr);
    const one = await client('shop/fresh');
    await one.query('CREATE TABLE made (id int)');
    await one.end();
    assert.deepEqual(
      (await facts()).map(({ effects, tables }) => `${effects}: ${tables}`),
      ['define: public.made'],
    );
  });

  test('A14: a table that the session makes is known to it at once', async () => {
    assert.deepEqual(await effectsOf('CREATE TABLE made (id int)', 'INSERT INTO made VALUES (1)', 'SELECT * FROM made', 'DROP TABLE made'), [
      'define: public.made',
      'write: public.made',
      'read: public.made',
      'define destroy write: public.made',
    ]);
  });

  test('A14: COPY data and functions called by their ids have facts', requireProgram('psql'), async () => {
    const file = join(shop.gateway.directory, 'rows');
    writeFileSync(file, 'a\nb\n');
    const said = await psql(shop.through, ['-c', `\\copy log FROM '${file}'`, '-c', `\\lo_import '${file}'`, '-c', '\\copy (SELECT * FROM log) TO STDOUT']);
    assert.equal(said.status, 0, said.stderr);
    const all = await facts();
    const of = (action: string): string[] => [...new Set(all.filter((each) => each.action === action).map(({ effects }) => effects))];
    assert.deepEqual(of('postgres.copy'), ['write']);
    assert.deepEqual(of('postgres.function_call').toSorted(), ['read', 'write']);
    assert.equal(all.find(({ action }) => action === 'postgres.copy')?.tables, 'public.log');
  });

  test('A14: text that the target may read in another way is unknown', async () => {
    assert.deepEqual(await effectsOf("SELECT 'ä'", "SET client_encoding = 'SJIS'", 'SELECT 1', "SELECT 'ä'"), ['read: ', 'read: ', 'read: ', 'unknown: ']);
    assert.deepEqual(await effectsOf('SET standard_conforming_strings = off', 'SELECT 1'), ['read unknown: ', 'read unknown: ']);
  });

  test('what a changed configuration says of a target is in force at the next statement of an open connection, and is on record', async () => {
    const { gateway } = shop;
    await using directory = await mkdtempDisposable(join(tmpdir(), 'countersign-tags-'));
    writeFileSync(
      join(directory.path, 'a.cedar'),
      '@id("frozen") forbid (principal, action in Action::"postgres", resource) when { resource.state == "frozen" && context.effects.contains("write") };',
    );
    const text = readFileSync(gateway.configFile, 'utf8');
    const apply = async (state: string, more = ''): Promise<void> => {
      const described = text.replace('durability: process', `durability: process, tags: { state: ${state} }${more}`);
      writeFileSync(gateway.configFile, `${described}policies: ${directory.path}\n`);
      const applied = await gateway.api('/api/v1/config/apply', { method: 'POST', body: {} });
      assert.equal(applied.status, 200, await applied.text());
    };
    await apply('open');
    const one = await client();
    const statement = { name: 'noted', text: "INSERT INTO log VALUES ('noted')" };
    const outcome = async (): Promise<unknown> =>
      one.query(statement).then(
        () => 'done',
        (error: unknown) => (error instanceof pg.DatabaseError ? error.code : error),
      );
    assert.equal(await outcome(), 'done');
    await apply('frozen');
    assert.equal(await outcome(), '42501');
    await apply('frozen', ', mode: observe');
    assert.equal(await outcome(), 'done');
    await apply('open', ', options: { functions: { public.total: read } }');
    await one.query('SELECT total()');
    await one.end();
    writeFileSync(gateway.configFile, text);
    const records = await gateway.records((await gateway.newest()).session);
    const tagsAt = (seq: unknown): unknown => records.find((record) => record.seq === seq)?.attributes['countersign.target.tags'];
    const asked = records.filter(({ kind, attributes }) => kind === 'request' && attributes['countersign.effects'] !== undefined);
    assert.deepEqual(
      asked.map(({ verdict, attributes }) => [verdict, listed(tagsAt(attributes['countersign.opening'])), listed(attributes['countersign.effects'])]),
      [
        ['allow', 'state=open', 'write'],
        ['deny', 'state=frozen', 'write'],
        ['allow', 'state=frozen', 'write'],
        ['allow', 'state=open', 'read'],
      ],
    );
    const changes = records.filter(({ action, attributes }) => action === 'gateway.change_environment' && attributes['countersign.target.tags'] !== undefined);
    assert.deepEqual(
      changes.map(({ attributes }) => attributes['countersign.client.claims']),
      [['application_name=guarded'], ['application_name=guarded']],
    );
  });
});

describe('policies over what statements do', () => {
  test('A14: a DELETE without WHERE is refused however it is sent, and what is unknown too', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'countersign-policies-'));
    writeFileSync(
      join(directory.path, 'rules.cedar'),
      `@reason("Say which rows.")
       forbid (principal, action in Action::"postgres", resource) when { context.statements.containsAny(["delete", "update"]) && !context.hasWhere };
       forbid (principal, action, resource) when { context.effects.contains("unknown") };
       forbid (principal, action in Action::"postgres", resource) when { context.tables.contains("public.secret") };`,
    );
    await using shop = await openShop({ config: `policies: ${directory.path}` });
    const made = await psql(shop.around, ['-c', 'CREATE TABLE secret (id int); CREATE VIEW open AS SELECT id FROM secret; CREATE TABLE t (id int)']);
    assert.equal(made.status, 0, made.stderr);
    const one = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'agent', password: shop.token, database: 'shop' });
    await one.connect();
    const codeOf = async (query: string | pg.QueryConfig): Promise<unknown> =>
      one.query(query).then(
        () => null,
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
      );
    assert.equal(await codeOf('DELETE FROM t WHERE id = 1'), null);
    assert.equal(await codeOf({ name: 'one', text: 'DELETE FROM t WHERE id = $1', values: [1] }), null);
    for (const refused of [
      'DELETE FROM t',
      'DELETE FROM t WHERE true',
      'WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x',
      'DO $$ BEGIN DELETE FROM t; END $$',
      "DO $$ BEGIN EXECUTE 'DEL' || 'ETE FROM t'; END $$",
      'PREPARE p AS DELETE FROM t',
      'EXPLAIN ANALYZE DELETE FROM t',
      'SELECT * FROM secret',
      'SELECT * FROM open',
      'SELECT nobody_knows()',
      { name: 'two', text: 'DELETE FROM t' },
    ]) {
      assert.equal(await codeOf(refused), '42501', typeof refused === 'string' ? refused : refused.text);
    }
    assert.equal(await codeOf('SELECT * FROM t'), null);
    await one.end();
  });
});

function listed(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : '';
}
