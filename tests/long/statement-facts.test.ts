import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { catalogueQuery } from '../../gateway/src/protocols/postgres/guard/catalogue-query.ts';
import type { StatementFacts } from '../../gateway/src/protocols/postgres/guard/facts.ts';
import { Guard } from '../../gateway/src/protocols/postgres/guard/guard.ts';
import { LearnedObjects, type CatalogueRow } from '../../gateway/src/protocols/postgres/guard/learned-catalogue.ts';
import { loadParser } from '../../gateway/src/protocols/postgres/guard/parser.ts';
import { cataloguesOfCases, readCorpus, readRows } from '../../gateway/src/protocols/postgres/testdata/guard/corpus.ts';
import { debianPostgres, startPostgres, type PostgresServer } from '../support/postgres-server.ts';

const schema = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', 'postgres', 'testdata', 'guard', 'schema.sql');

/** Tells in the same transaction what was defined and dropped. A refresh of a view counts as a definition for PostgreSQL, and not here. Its own table is in a schema that no statement of the tests names. */
const audit = `
CREATE SCHEMA audit;
CREATE TABLE audit.ddl (what text);
CREATE FUNCTION audit.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_TAG <> 'REFRESH MATERIALIZED VIEW' THEN INSERT INTO audit.ddl VALUES (TG_EVENT); END IF;
END $$;
CREATE EVENT TRIGGER defined ON ddl_command_end EXECUTE FUNCTION audit.note();
CREATE EVENT TRIGGER dropped ON sql_drop EXECUTE FUNCTION audit.note();`;

/** The locks that PostgreSQL takes on tables that it reads. It takes a stronger one on a table that it changes. */
const readingLocks = new Set(['AccessShareLock', 'RowShareLock']);
/** Tables that PostgreSQL locks also where it looks only at how they are parted. */
const parted = new Set(['app.parted', 'app.parted_rest']);

const fillings = `
SET search_path = public;
INSERT INTO customers VALUES (1, 'Ann', 'a'), (2, 'Bob', 'b');
INSERT INTO orders VALUES (1, 1, 5, 'x'), (2, 2, 50, 'y');
INSERT INTO payroll VALUES (1, 'Ann', 10), (2, 'Bob', 20);
INSERT INTO log VALUES ('2020-01-01', 'old');
INSERT INTO audited VALUES (7, 'x');
INSERT INTO guarded VALUES (1, 'Ann');
INSERT INTO measurements VALUES ('2024-05-05', 1);
INSERT INTO app.orders VALUES (1, 2);
INSERT INTO evil.customers VALUES (1, 'Eve', 's');
INSERT INTO app.with_domain VALUES (1);
INSERT INTO app.with_pairs VALUES (1, '{"(1,1)"}');
SELECT lo_from_bytea(1, 'x');`;

/** An order of values that writes. It runs wherever values are ordered, so it is not in the schema of the corpus. */
const ordering = `
CREATE TABLE public.moods (m app.mood);
INSERT INTO public.moods VALUES ('good'), ('bad');
CREATE FUNCTION app.order_moods(app.mood, app.mood) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log (what) VALUES ('ordered'); RETURN 0; END $$;
CREATE FUNCTION app.less(app.mood, app.mood) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN app.order_moods($1, $2) < 0; END $$;
${['<', '<=', '=', '>=', '>'].map((sign) => `CREATE OPERATOR app.${sign} (FUNCTION = app.less, LEFTARG = app.mood, RIGHTARG = app.mood);`).join(' ')}
CREATE OPERATOR CLASS app.moods DEFAULT FOR TYPE app.mood USING btree AS
  OPERATOR 1 app.<, OPERATOR 2 app.<=, OPERATOR 3 app.=, OPERATOR 4 app.>=, OPERATOR 5 app.>, FUNCTION 1 app.order_moods(app.mood, app.mood);`;

/** The acts of PostgreSQL, by its own account. */
interface Done {
  readonly read: readonly string[];
  readonly changed: readonly string[];
  readonly effects: readonly string[];
}

describe('what PostgreSQL does is what the guard says, or less', () => {
  let server: PostgresServer;
  let client: pg.Client;
  let observer: pg.Client;
  let pid: number;
  let guard: Guard;
  let rows: readonly CatalogueRow[];

  before(async () => {
    guard = new Guard(await loadParser());
    server = await startPostgres({ programs: debianPostgres });
    client = await connected(server);
    observer = await connected(server);
    await client.query(readFileSync(schema, 'utf8'));
    rows = await learnedRows(client);
    await client.query(fillings);
    await client.query(audit);
    pid = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
  });
  after(async () => {
    await client.end();
    await observer.end();
    await server[Symbol.asyncDispose]();
  });

  /** Returns how many rows the session has written and deleted. PostgreSQL counts on from transaction to transaction. */
  async function counted(): Promise<{ readonly written: number; readonly deleted: number }> {
    const counts = await client.query(
      `SELECT coalesce(sum(n_tup_ins + n_tup_upd), 0)::int AS written, coalesce(sum(n_tup_del), 0)::int AS deleted
       FROM pg_stat_xact_user_tables WHERE schemaname !~ '^audit|^pg_temp'`,
    );
    return counts.rows[0];
  }

  /** Runs a text in a transaction that is undone afterwards. Null: PostgreSQL refused it. */
  async function run(sql: string, path: readonly string[]): Promise<Done | null> {
    for (const text of ['ROLLBACK', 'DISCARD ALL', `SET search_path = ${path.length === 0 ? "''" : path.map((name) => `"${name}"`).join()}`, 'BEGIN']) {
      await client.query(text);
    }
    const earlier = await counted();
    try {
      const values = [...new Set(sql.match(/\$\d/g))].map(() => '1');
      await (values.length === 0 ? client.query(sql) : client.query(sql, values));
    } catch {
      return null;
    }
    const locks = await observer.query(
      `SELECT n.nspname || '.' || c.relname AS name, mode FROM pg_locks JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = relnamespace
       WHERE pid = $1 AND locktype = 'relation' AND relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname !~ '^pg_|^information_schema|^audit'`,
      [pid],
    );
    const now = await counted();
    const [written, deleted] = [now.written - earlier.written, now.deleted - earlier.deleted];
    const ddl: unknown = (await client.query('SELECT json_agg(what) AS ddl FROM audit.ddl')).rows[0].ddl;
    const events = Array.isArray(ddl) ? ddl : [];
    return {
      read: locks.rows.filter(({ mode }) => readingLocks.has(mode)).map(({ name }) => name),
      changed: locks.rows.filter(({ mode }) => !readingLocks.has(mode)).map(({ name }) => name),
      effects: [
        ...(written > 0 ? ['write'] : []),
        ...(deleted > 0 ? ['write', 'destroy'] : []),
        ...(events.includes('ddl_command_end') ? ['define'] : []),
        ...(events.includes('sql_drop') ? ['destroy'] : []),
      ],
    };
  }

  /** Returns what PostgreSQL did beyond what the guard says. */
  function beyond(done: Done, { effects, reads, writes, statements }: StatementFacts): readonly string[] {
    // To plan a change PostgreSQL takes the locks of the change.
    const isPlanned = statements.join() === 'explain';
    const temporary = new Set(writes.filter((name) => name.startsWith('pg_temp.')).map((name) => name.replace('pg_temp.', '')));
    const isSaid = (name: string, said: readonly string[]): boolean =>
      said.includes(name) || (name.startsWith('pg_temp') && temporary.has(name.split('.')[1] ?? ''));
    return [
      ...done.read.filter((name) => !parted.has(name) && !isSaid(name, [...reads, ...writes])).map((name) => `read ${name}`),
      ...done.changed.filter((name) => !isSaid(name, isPlanned ? reads : writes)).map((name) => `changed ${name}`),
      ...done.effects.filter((effect) => !effects.some((said) => said === effect)),
    ];
  }

  /** Runs texts that the guard knows and that concern the database alone. Returns how many PostgreSQL ran. */
  async function compare(texts: readonly { readonly sql: string; readonly facts: StatementFacts; readonly path: readonly string[] }[]): Promise<number> {
    const wrong: object[] = [];
    let count = 0;
    for (const { sql, facts, path } of texts) {
      if (facts.session.ends || facts.effects.some((effect) => !['read', 'write', 'define', 'destroy'].includes(effect))) {
        continue;
      }
      const done = await run(sql, path);
      count += done === null ? 0 : 1;
      const more = done === null ? [] : beyond(done, facts);
      if (more.length > 0) {
        wrong.push({ sql, path, more });
      }
    }
    assert.deepEqual(wrong, []);
    return count;
  }

  test('A14: the catalogue that the corpus is read with is that of PostgreSQL 15', () => {
    const known = new Set(readRows().map(({ kind, schema: within, name }) => `${kind} ${within} ${name}`));
    const learned = rows.filter(
      (row) => row.schema !== 'information_schema' && (row.schema !== 'pg_catalog' || known.has(`${row.kind} ${row.schema} ${row.name}`)),
    );
    // The file leaves out the facts that only masks need.
    const told = new Set(readRows().flatMap((row) => Object.keys(row)));
    const toldOf = (row: CatalogueRow) => Object.fromEntries(Object.entries({ ...row, oids: [] }).filter(([name]) => told.has(name)));
    const withoutIds = (all: readonly CatalogueRow[]) => all.map(toldOf).toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
    assert.deepEqual(withoutIds(learned), withoutIds(readRows()));
  });

  test('A14: texts of the corpus', async () => {
    const catalogueOfCase = cataloguesOfCases(readRows());
    const texts = readCorpus().flatMap((each) =>
      each.catalogue === 'none' || each.path === 'any' || each.sql.includes('wipe_any')
        ? []
        : [{ sql: each.sql, facts: guard.statementFacts(each.sql, catalogueOfCase(each)), path: each.path ?? ['public'] }],
    );
    const count = await compare(texts);
    assert.ok(count > 180, `PostgreSQL ran only ${count} of them`);
  });

  test('A14: texts of the corpus about other objects', async () => {
    const objects = new LearnedObjects(rows);
    const functions = new Map<string, readonly string[]>();
    const path = ['evil', 'public'];
    const catalogue = guard.catalogueOf(objects, { paths: [path], made: new Set(), functions });
    // The path of a new session is another one here, so RESET leads elsewhere.
    const sources = readCorpus().filter(({ sql }) => !/RESET|DISCARD/.test(sql));
    const texts = exchanges.flatMap((exchange) =>
      sources.map(({ sql }) => {
        const other = sql.replaceAll(/[a-z_]+/g, (word) => exchange.get(word) ?? word);
        return { sql: other, facts: guard.statementFacts(other, catalogue), path };
      }),
    );
    const count = await compare(texts);
    assert.ok(count > 350, `PostgreSQL ran only ${count} of ${texts.length}`);
  });

  test('A14: texts put together from parts', async () => {
    const functions = new Map<string, readonly string[]>();
    const objects = new LearnedObjects(rows);
    const all = ['public', 'evil, public', 'app, public'].flatMap((path) => {
      const names = path.split(', ');
      const catalogue = guard.catalogueOf(objects, { paths: [names], made: new Set(), functions });
      return generated().map((sql) => ({ sql, facts: guard.statementFacts(sql, catalogue), path: names }));
    });
    const count = await compare(all);
    assert.ok(count > 700, `PostgreSQL ran only ${count} of ${all.length}`);
  });

  test('A14: functions that order values run without a name in the text', async () => {
    await client.query('ROLLBACK');
    await client.query(`${ordering} DELETE FROM audit.ddl`);
    const objects = new LearnedObjects(await learnedRows(client));
    const catalogue = guard.catalogueOf(objects, { paths: [['public']], made: new Set(), functions: new Map() });
    const texts = ['SELECT m FROM moods ORDER BY m', 'SELECT DISTINCT m FROM moods', 'SELECT array_agg(m) < array_agg(m) FROM moods'].map((sql) => ({
      sql,
      facts: guard.statementFacts(sql, catalogue),
      path: ['public'],
    }));
    assert.ok(texts.every(({ facts }) => facts.writes.includes('public.log')));
    assert.equal(await compare(texts), texts.length);
  });
});

/** Names of tables, columns and functions of the corpus, and others to take for them. */
const exchanges: readonly ReadonlyMap<string, string>[] = [
  new Map([
    ['payroll', 'customers'],
    ['salary', 'id'],
    ['employee', 'name'],
    ['customers', 'orders'],
    ['wipe', 'loop_over'],
  ]),
  new Map([
    ['payroll', 'guarded'],
    ['customers', 'audited'],
    ['employee', 'owner'],
    ['salary', 'id'],
    ['name', 'v'],
    ['total', 'atomic'],
  ]),
  new Map([
    ['payroll', 'measurements'],
    ['id', 'value'],
    ['salary', 'value'],
    ['employee', 'day'],
    ['log', 'ruled'],
    ['what', 'id'],
    ['lower', 'upper'],
    ['upper', 'lower'],
  ]),
  new Map([
    ['payroll', 'paid'],
    ['salary', 'total'],
    ['customers', 'guarded'],
    ['name', 'owner'],
    ['wipe', 'counts'],
    ['is_ok', 'takes_checked'],
  ]),
];

/** Puts what is read into every place in which a statement may read, and what is changed into every form of change. */
function generated(): readonly string[] {
  const sources = [
    'customers',
    'public.orders',
    'paid',
    'app.nested',
    'guarded',
    'measurements',
    'app.sums',
    'audited',
    'app.measured',
    'app.parted_rest',
    'app.parent',
    'app.with_pairs',
  ];
  const calls = [
    'app.total(1)',
    'app.wipe()',
    'app.outer_wipe()',
    'app.wipe_log()',
    'app.fixed()',
    'app.loop_over()',
    'app.atomic(1)',
    "lower('X'::varchar)",
    '5::app.checked',
    "'{5}'::app._checked",
    "'[1,2]'::app.span",
  ];
  const reading = [...sources.map((name) => `SELECT t.* FROM ${name} t`), ...calls.map((call) => `SELECT ${call} AS v`)];
  const places: readonly ((query: string) => string)[] = [
    (query) => query,
    (query) => `SELECT * FROM (${query}) x`,
    (query) => `WITH x AS (${query}) SELECT count(*) FROM x, x y`,
    (query) => `SELECT 1 WHERE EXISTS (${query})`,
    (query) => `SELECT (SELECT count(*) FROM (${query}) x)`,
    (query) => `SELECT 1 FROM log CROSS JOIN LATERAL (${query}) x ORDER BY 1 LIMIT 1`,
    (query) => `INSERT INTO log (what) SELECT x::text FROM (${query}) x`,
    (query) => `UPDATE log SET what = (SELECT min(x::text) FROM (${query}) x) WHERE what IS NOT NULL`,
    (query) => `DELETE FROM log WHERE what IN (SELECT x::text FROM (${query}) x)`,
    (query) => `EXPLAIN ANALYZE ${query}`,
    (query) => `EXPLAIN ${query}`,
    (query) => `CREATE TABLE made AS ${query}`,
    (query) => `CREATE TEMP TABLE made AS ${query}; SELECT * FROM made`,
    (query) => `CREATE VIEW made AS ${query}`,
    (query) => `DECLARE c CURSOR FOR ${query}; FETCH ALL FROM c`,
    (query) => `PREPARE p AS ${query}; EXECUTE p`,
    (query) => `COPY (${query}) TO STDOUT`,
    (query) => `DO $do$ BEGIN PERFORM * FROM (${query}) x; END $do$`,
    (query) => `DO $do$ DECLARE r record; BEGIN FOR r IN ${query} LOOP NULL; END LOOP; END $do$`,
    (query) => `(${query}) UNION ALL (${query}) LIMIT 1`,
  ];
  const changed = [
    'customers',
    'public.orders',
    'payroll',
    'audited',
    'ruled',
    'guarded',
    'measurements',
    'app.salaries',
    'app.with_domain',
    'app.orders',
    'app.indexed',
    'app.parted',
    'app.with_default',
  ];
  const changes = changed.flatMap((name) => [
    `INSERT INTO ${name} DEFAULT VALUES`,
    `INSERT INTO ${name} SELECT * FROM ${name} LIMIT 0`,
    `INSERT INTO ${name} SELECT 9`,
    `UPDATE ${name} SET id = id + 100`,
    `UPDATE ${name} SET id = id + 100 WHERE id = 1 RETURNING *`,
    `DELETE FROM ${name}`,
    `DELETE FROM ${name} WHERE id = 1`,
    `WITH x AS (DELETE FROM ${name} RETURNING *) SELECT count(*) FROM x`,
    `SELECT * FROM ${name} FOR UPDATE`,
    `TRUNCATE ${name}`,
    `LOCK TABLE ${name}`,
    `DROP TABLE ${name}`,
    `ALTER TABLE ${name} ADD COLUMN more int DEFAULT 1`,
    `CREATE INDEX ON ${name} (id)`,
    `COMMENT ON TABLE ${name} IS 'x'`,
    `COPY ${name} TO STDOUT`,
    `EXPLAIN ANALYZE DELETE FROM ${name}`,
    `EXPLAIN DELETE FROM ${name}`,
    `MERGE INTO ${name} t USING (SELECT 1 AS one) s ON t.id = s.one WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING`,
    `DO $$ BEGIN UPDATE ${name} SET id = 5 WHERE id = 1; END $$`,
  ]);
  return [...reading.flatMap((query) => places.map((place) => place(query))), ...changes];
}

async function connected({ port, user, password }: PostgresServer): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'postgres' });
  await client.connect();
  return client;
}

async function learnedRows(client: pg.Client): Promise<readonly CatalogueRow[]> {
  const results: unknown = await client.query(catalogueQuery);
  assert.ok(Array.isArray(results));
  return results.flatMap(({ rows }: pg.QueryResult<Readonly<Record<string, CatalogueRow>>>) => rows.flatMap((row) => Object.values(row)));
}
