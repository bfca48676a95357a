import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { statementAttributes } from '../actions.ts';
import { cataloguesOfCases, readCorpus, readRows, type CorpusCase } from '../testdata/guard/corpus.ts';
import { builtinFunctions } from './builtin-functions.ts';
import { unknownCatalogue } from './catalogue.ts';
import { catalogueOf, LearnedObjects, type CatalogueRow } from './learned-catalogue.ts';
import type { StatementFacts } from './facts.ts';
import { Guard } from './guard.ts';
import { loadParser } from './parser.ts';
import { shapeOf } from './shape.ts';

const parser = await loadParser();
const corpus = readCorpus();
const catalogueOfCase = cataloguesOfCases(readRows());

function compared(
  facts: Omit<StatementFacts, 'session' | 'effects'> & { readonly effects: readonly string[] },
  { columns, filters, functions }: CorpusCase,
): object {
  return {
    effects: facts.effects.toSorted(),
    statements: facts.statements.toSorted(),
    reads: facts.reads.toSorted(),
    writes: facts.writes.toSorted(),
    hasWhere: facts.hasWhere,
    rowsLimit: facts.rowsLimit,
    ...(columns === undefined ? {} : { columns: facts.columns.toSorted() }),
    ...(filters === undefined ? {} : { filters: facts.filters.toSorted() }),
    ...(functions === undefined ? {} : { functions: facts.functions.toSorted() }),
  };
}

test('A14: each text of the corpus has the facts that it must have', () => {
  const guard = new Guard(parser);
  const wrong = corpus.flatMap((each) => {
    const { sql, columns = [], filters = [], functions = [] } = each;
    const found = compared(guard.statementFacts(sql, catalogueOfCase(each)), each);
    const wanted = compared({ ...each, columns, filters, functions }, each);
    try {
      assert.deepEqual(found, wanted);
      return [];
    } catch {
      return [{ sql, found, wanted }];
    }
  });
  assert.deepEqual(wrong, []);
});

test('C27: a statement that is concealed does what it does, or may do anything', () => {
  const guard = new Guard(parser);
  const learned = catalogueOfCase({ catalogue: 'learned' });
  const hidden = Buffer.from('DELETE FROM payroll').toString('base64');
  for (const [sql, ...wanted] of [
    [`DO $$ BEGIN EXECUTE convert_from(decode('${hidden}', 'base64'), 'UTF8'); END $$`, 'unknown'],
    [`SELECT query_to_xml(convert_from(decode('${hidden}', 'base64'), 'UTF8'), true, true, '')`, 'unknown'],
    ['SELECT weather.rain FROM (SELECT salary AS rain FROM payroll) AS weather', 'read', 'public.payroll'],
    ['WITH calm AS (DELETE FROM payroll RETURNING *) SELECT 1', 'destroy', 'public.payroll'],
    ['/* SELECT 1; -- */ DELETE /* */ FROM--\n payroll', 'destroy', 'public.payroll'],
    [String.raw`DELETE FROM U&"p\0061yroll"`, 'destroy', 'public.payroll'],
    ['PREPARE calm AS SELECT 1; DEALLOCATE calm; PREPARE calm AS DELETE FROM payroll; EXECUTE calm', 'destroy', 'public.payroll'],
  ] as const) {
    const { effects, reads, writes } = guard.statementFacts(sql, learned);
    const said = new Set<string>([...effects, ...reads, ...writes]);
    assert.deepEqual(
      wanted.filter((each) => !said.has(each)),
      [],
      sql,
    );
  }
});

test('A14: a text is plannable only if it changes rows, its tables are known for certain, and planning runs nothing but functions of PostgreSQL', () => {
  const relation = (name: string, more: Partial<CatalogueRow> = {}): CatalogueRow => ({ kind: 'relation', schema: 'app', name, columns: ['id', 'v'], ...more });
  const rows: readonly CatalogueRow[] = [
    ...readRows(),
    relation('serial', { runs: [{ on: ['insert', 'update', 'refresh'], sql: "SELECT nextval('app.s')" }] }),
    relation('indexed', { runs: [{ on: ['read', 'insert', 'update', 'refresh'], sql: 'SELECT app.total(1)' }] }),
    relation('seen', { runs: [{ on: ['read'], sql: 'SELECT id, v FROM app.indexed' }] }),
    relation('far', { runs: [{ on: ['read', 'update'], sql: 'SELECT app.file_fdw_handler()' }] }),
    { kind: 'operator', schema: 'app', name: '===', runs: [{ on: ['call'], sql: 'SELECT int4eq()' }] },
    relation('audited', { runs: [{ on: ['update'], sql: 'SELECT public.note_change(), app.wipe_any()', isLater: true }] }),
  ];
  const guard = new Guard(parser);
  const isPlannable = (sql: string, path = ['public'], made: readonly string[] = []): boolean =>
    guard.isPlannable(sql, catalogueOf(new LearnedObjects(rows), { paths: [path], made: new Set(made), functions: new Map([['app.total', ['read']]]) }));
  for (const sql of [
    'UPDATE payroll SET salary = abs(salary) WHERE id = $1',
    'DELETE FROM app.serial',
    'UPDATE app.audited SET v = 1',
    'WITH gone AS (DELETE FROM payroll RETURNING id) SELECT count(*) FROM gone',
  ]) {
    assert.ok(isPlannable(sql), sql);
  }
  for (const sql of [
    'SELECT 1 FROM payroll',
    'INSERT INTO payroll (id) VALUES (1)',
    'DELETE FROM payroll; SELECT 1',
    'EXPLAIN DELETE FROM payroll',
    'EXPLAIN ANALYZE DELETE FROM payroll',
    'PREPARE gone AS DELETE FROM payroll',
    'DO $$ BEGIN DELETE FROM payroll; END $$',
    'WITH gone AS (DELETE FROM payroll RETURNING id) SELECT id INTO kept FROM gone',
    'DELETE FROM nobody_knows',
    'DELETE FROM payroll WHERE id = app.total(1)',
    'DELETE FROM payroll WHERE id = nobody_knows(1)',
    "DELETE FROM payroll WHERE id = nextval('counter')",
    'DELETE FROM payroll WHERE id = 1::app.checked',
    "DELETE FROM payroll WHERE employee = 'good'::app.mood::text",
    'DELETE FROM payroll WHERE id OPERATOR(app.===) 1',
    "DELETE FROM payroll WHERE set_config('a.b', 'c', false) = 'c'",
    'DELETE FROM payroll p USING customers c WHERE c.nuke = 1',
    'DELETE FROM app.indexed',
    'DELETE FROM payroll USING app.seen s WHERE s.id = payroll.id',
    'DELETE FROM payroll WHERE EXISTS (SELECT FROM guarded)',
    'UPDATE app.far SET v = 1',
  ]) {
    assert.ok(!isPlannable(sql), sql);
  }
  assert.ok(!isPlannable("DELETE FROM payroll WHERE lower(employee) = 'x'", ['public', 'evil']));
  assert.ok(!isPlannable("DELETE FROM payroll WHERE employee = 'x'", ['public', 'evil']));
  assert.ok(isPlannable('DELETE FROM orders') && !isPlannable('DELETE FROM orders', ['public'], ['pg_temp.orders']));
  assert.ok(!isPlannable('DELETE FROM fresh', ['evil', 'public'], ['evil.fresh']));
  assert.ok(!guard.isPlannable('DELETE FROM public.payroll', unknownCatalogue));
});

test('A14: what may run with any statement is read once, however much it is', () => {
  const guard = new Guard(parser);
  const always = (name: string, call: string): CatalogueRow => ({ kind: 'always', schema: '', name, runs: [{ on: ['call'], sql: `SELECT ${call}` }] });
  const totals = Array.from({ length: 20 }, (_, i) => always(i % 2 === 0 ? 'cast' : 'comparison', `app.total(${i})`));
  const effects = (rows: readonly CatalogueRow[]): readonly string[] =>
    guard.statementFacts('SELECT 1', catalogueOf(new LearnedObjects([...readRows(), ...rows]), { paths: [['public']], made: new Set(), functions: new Map() }))
      .effects;
  assert.deepEqual(effects(totals), ['read']);
  assert.deepEqual(effects([...totals, always('comparison', 'app.wipe()')]), ['destroy', 'read', 'write']);
});

test('a text has the same facts, as the same object, until its catalogue changes', () => {
  const guard = new Guard(parser);
  const sql = 'SELECT id FROM orders';
  const learned = catalogueOfCase({ catalogue: 'learned' });
  const facts = guard.statementFacts(sql, learned);
  assert.equal(guard.statementFacts(sql, learned), facts);
  assert.deepEqual(guard.statementFacts(sql, unknownCatalogue).effects, ['read', 'unknown']);
  assert.deepEqual(guard.statementFacts(sql, learned), facts);
});

test('E54: a text that the parser does not bear is unknown, and the parser works again', async () => {
  const guard = new Guard(await loadParser());
  const learned = catalogueOfCase({ catalogue: 'learned' });
  const texts = {
    zero: 'SELECT 1\0; DELETE FROM payroll',
    long: `SELECT 1 -- ${'x'.repeat(300_000)}`,
    conditions: `SELECT 1 WHERE ${'1 = 1 AND '.repeat(5_000)} true`,
    signs: `SELECT ${'- '.repeat(20_000)} 1`,
    // The parser's own stack is not enough for it, which damages its instance.
    stack: `SELECT 1${' ISNULL'.repeat(20_000)}`,
    brackets: `SELECT ${'('.repeat(50_000)}1${')'.repeat(50_000)}`,
    deep: `SELECT ${'abs('.repeat(1_500)}1${')'.repeat(1_500)}`,
    nested: `SELECT * FROM ${'(SELECT * FROM '.repeat(700)}orders${') x'.repeat(700)}`,
  };
  for (const [name, text] of Object.entries(texts)) {
    for (let i = 0; i < 50; i += 1) {
      assert.ok(guard.statementFacts(`${text}${' '.repeat(i)}`, learned).effects.includes('unknown'), name);
    }
  }
  const isReady = (): boolean => guard.statementFacts(`SELECT id FROM orders WHERE id = ${Math.random()}`, learned).effects.join() === 'read';
  while (!isReady()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
});

test('E55: what is over a limit of the lists is unknown, and the lists that are left fit into a record', () => {
  const guard = new Guard(parser);
  const learned = catalogueOfCase({ catalogue: 'learned' });
  for (const list of [
    Array.from({ length: 2_000 }, (_, i) => `SELECT 1 FROM app.t${i}`),
    Array.from({ length: 300 }, (_, i) => `SELECT 1 FROM app.${String(i).padStart(60, 'x')}`),
    Array.from({ length: 3_000 }, (_, i) => `SELECT pg_catalog.f${i}()`),
  ]) {
    const facts = guard.statementFacts(`${list.join(';')}; DELETE FROM zzz`, learned);
    assert.ok(facts.effects.includes('unknown') && facts.effects.includes('destroy') && !facts.hasWhere);
    assert.ok(JSON.stringify(statementAttributes(facts)).length < 30_000);
  }
  const known = builtinFunctions.read.trim().split(/\s+/).slice(0, 500);
  const few = known.slice(0, 200).map((name) => `pg_catalog."${name}"()`);
  assert.deepEqual(guard.statementFacts(`SELECT ${few.join()}`, learned).effects, ['read']);
  const calls = guard.statementFacts(`SELECT ${known.map((name) => `pg_catalog."${name}"()`).join()}`, learned);
  assert.deepEqual(calls.effects, ['read', 'unknown']);
  assert.ok(calls.functions.length < 500);
  const many = guard.statementFacts(`SELECT ${Array.from({ length: 500 }, (_, i) => `o.c${i}`).join()} FROM app.o`, unknownCatalogue);
  assert.ok(many.effects.includes('unknown'));
});

test('any text has facts, however it is broken', () => {
  const guard = new Guard(parser);
  for (const each of corpus) {
    const words = each.sql.split(/(\s+|\b)/);
    for (let at = 0; at < words.length; at += 3) {
      for (const broken of [words.toSpliced(at, 1), words.toSpliced(at, 1, 'payroll'), words.toSpliced(at, 0, '('), words.slice(0, at)]) {
        const { effects } = guard.statementFacts(broken.join(''), catalogueOfCase(each));
        assert.ok(effects.length > 0);
      }
    }
  }
});

/** Constants by the sign that stands for their kind in a shape. */
const constants = new Map([
  ['\u0001', ['0', '1', '2', '77', '123456789']],
  ['\u0002', ['0.5', '1.50', '10.0']],
  ['\u0003', ["''", "'a'", "'b c'", "'search_path'", "'DROP TABLE payroll'"]],
]);

/** Yields texts of a shape: all constants of a kind the same, and each another one. */
function* withConstants(shape: string): Generator<string> {
  for (let i = 0; i < 5; i += 1) {
    for (const step of [0, 1]) {
      let at = i;
      yield shape
        .split('')
        .map((letter) => {
          const values = constants.get(letter);
          return values === undefined ? letter : values[(at += step) % values.length];
        })
        .join('');
    }
  }
}

test('A14: a text has the facts that it has when it is read first, whatever texts of its shape were read before', () => {
  const more = [
    'UPDATE payroll SET amount = 1 WHERE id + 1 = id + 2',
    'DELETE FROM payroll WHERE NOT (id - 1 <> id - 1)',
    "DELETE FROM payroll WHERE name || 'a' = name || 'b' OR id = 5",
    'DELETE FROM payroll WHERE (SELECT id FROM orders FETCH FIRST ROW ONLY) = (SELECT id FROM orders FETCH FIRST 2 ROWS ONLY)',
    'DELETE FROM payroll WHERE id = 7',
    'SELECT id FROM orders LIMIT 5',
    'SELECT id FROM orders LIMIT 1.5',
    'SELECT id FROM orders LIMIT (3)',
    'SELECT id FROM (SELECT id FROM orders LIMIT 5) AS o',
    "SELECT set_config('search_path', 'evil', false)",
    "SELECT query_to_xml('SELECT 1', true, false, '')",
    'SELECT id::float(30), - 0, .5 FROM orders WHERE id IN (1, 2, 3)',
    "SELECT 1 FROM orders WHERE name = 'it''s' AND id BETWEEN 1 AND 5",
    "INSERT INTO orders VALUES (1, 'a', 2.5), (2, 'b', 7)",
    'SELECT 1; SET row_security = 0',
    'PREPARE p AS SELECT 1',
  ].map((sql) => ({ sql, catalogue: 'learned' }) as const);
  let [shared, texts] = [0, 0];
  for (const each of [...corpus, ...more]) {
    const shape = shapeOf(each.sql);
    if (shape === null) {
      continue;
    }
    const catalogue = catalogueOfCase(each);
    const fresh = new Map(withConstants(shape).map((text) => [text, new Guard(parser).statementFacts(text, catalogue)]));
    for (const before of withConstants(shape)) {
      assert.equal(shapeOf(before), shape);
      const warm = new Guard(parser);
      const first = warm.statementFacts(before, catalogue);
      for (const text of withConstants(shape)) {
        const facts = warm.statementFacts(text, catalogue);
        assert.deepEqual(facts, fresh.get(text), `${text} after ${before}`);
        shared += facts === first ? 1 : 0;
        texts += 1;
      }
    }
  }
  assert.ok(shared > texts / 3, `${shared} of ${texts}`);
});

test('a text has no shape where a constant is not simply told from other words', () => {
  for (const text of [
    "SELECT E'a'",
    "SELECT U&'a'",
    'SELECT U&"a"',
    "SELECT 'a'\n'b'",
    "SELECT 'a''b' 'c'",
    'SELECT $1',
    'SELECT $$a$$',
    'SELECT 1 -- a',
    'SELECT 1 /* a */',
  ]) {
    assert.equal(shapeOf(text), null, text);
  }
  for (const text of ['SELECT 0x1F', 'SELECT 007', 'SELECT 1_000', 'SELECT 1e5', 'SELECT 12345678901', 'SELECT 1::float(30)', "SELECT 'ä'", 'SELECT é5']) {
    assert.equal(shapeOf(text), null, text);
  }
  assert.equal(shapeOf(`SELECT a1, "b 2", 3, 4.5, 'c ''6'', 7' FROM t8`), 'SELECT a1, "b 2", \u0001, \u0002, \u0003 FROM t8');
  assert.equal(shapeOf(`SELECT ${'1 + '.repeat(500)}1`), null);
});

test('the facts kept are bounded', () => {
  const guard = new Guard(parser);
  const learned = catalogueOfCase({ catalogue: 'learned' });
  const first = guard.statementFacts('SELECT id', learned);
  for (let i = 1; i <= 2_000; i += 1) {
    guard.statementFacts(`SELECT id AS a${i}`, learned);
  }
  assert.notEqual(guard.statementFacts('SELECT id', learned), first);
});
