import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { Guard } from './guard.ts';
import { SecondParser } from './second-parser.ts';

let guard: Guard;
before(async () => {
  guard = new Guard(await SecondParser.load());
});

const effects = (sql: string, isWithoutEscapes: boolean | null = false): string => guard.factsOf(sql, isWithoutEscapes).effects.join(' ');

test('statements have the effects of what they do at most', () => {
  for (const [sql, expected] of [
    ['SELECT 1', 'read'],
    ['(SELECT id FROM t) UNION SELECT max(id) FROM u', 'read'],
    ['WITH x AS (SELECT 1 AS a) SELECT a FROM x', 'read'],
    ["SELECT 'drop table t' AS `drop`", 'read'],
    ['SELECT own(1)', 'read unknown'],
    ['SELECT other.abs(1)', 'read unknown'],
    ["SELECT load_file('/etc/passwd')", 'administer read'],
    ["SELECT * FROM t INTO OUTFILE '/tmp/x'", 'administer read unknown write'],
    ['INSERT INTO t (a, b) VALUES (1, now()) ON DUPLICATE KEY UPDATE a = a + 1', 'write'],
    ['REPLACE INTO t VALUES (1)', 'destroy write'],
    ['UPDATE t SET a = 1 WHERE id = 2', 'write'],
    ['DELETE FROM t WHERE id = 1', 'destroy write'],
    ['TRUNCATE TABLE t', 'destroy write'],
    ['DROP TABLE t', 'define destroy write'],
    ['DROP USER ann', 'administer define destroy write'],
    ['CREATE TABLE t (id INT PRIMARY KEY)', 'define'],
    ['CREATE OR REPLACE TABLE t (id INT)', 'define destroy write'],
    ['CREATE TABLE t (id INT) ENGINE=FEDERATED', 'define unknown'],
    ['ALTER TABLE t ADD COLUMN b INT', 'define'],
    ['ALTER TABLE t DROP COLUMN b', 'define destroy write'],
    ['GRANT ALL ON *.* TO ann', 'administer'],
    ['SET GLOBAL read_only = 1', 'administer'],
    ['SET @@global.read_only = 1', 'administer'],
    ['SET NAMES utf8mb4', 'read'],
    ['SET STATEMENT max_statement_time = 1 FOR DROP TABLE t', 'destroy unknown write'],
    ['CALL p(1)', 'execute unknown'],
    ["EXECUTE IMMEDIATE 'DROP TABLE t'", 'destroy unknown write'],
    ['ANALYZE FORMAT=JSON DELETE FROM t', 'destroy unknown write'],
    ['EXPLAIN DELETE FROM t', 'read'],
    ['KILL 7', 'administer'],
    ['ALTER IGNORE TABLE t ADD UNIQUE (a)', 'define destroy unknown write'],
    ['SELECT s.nextval', 'read write'],
    ['TRUNCATE t WAIT 5', 'destroy unknown write'],
    ['RENAME TABLE t TO u', 'define unknown'],
    ['LOCK TABLES t READ', 'administer unknown'],
    ['DROP DATABASE shop', 'define destroy write'],
    ['nonsense', 'destroy unknown write'],
    ['-- nothing', ''],
  ] as const) {
    assert.equal(effects(sql), expected, sql);
  }
});

test('A14: no comment, quote or setting hides what a server runs', () => {
  for (const sql of [
    'DR/**/OP TABLE t',
    'SELECT 1; DROP TABLE t',
    'SELECT 1;;;\n# ;\nDROP\tTABLE t',
    '/*!50000 DROP TABLE t */',
    '/*M!100100 DROP TABLE t */',
    'SELECT 1 /*!99999 */; DROP TABLE t',
    'SELECT 1 /*! ; DROP TABLE t */',
    'SELECT /* /* */ 1; DROP TABLE t /* */',
    String.raw`SELECT 'a\'; DROP TABLE t; -- '`,
    String.raw`SELECT "a\"; DROP TABLE t; -- "`,
    `SELECT "it's"; DROP TABLE t; -- '`,
    "SELECT '縗\\'; DROP TABLE t; -- '",
    'SELECT `\u00e9`; DROP TABLE t',
    'BEGIN NOT ATOMIC DROP TABLE t; END',
    "PREPARE s FROM 'DROP TABLE t'; EXECUTE s",
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT 'a\\'; DROP TABLE t; -- '",
  ]) {
    assert.ok(guard.factsOf(sql, null).effects.includes('destroy'), sql);
  }
  assert.equal(effects(String.raw`SELECT 'a\'; DROP TABLE t; -- '`, false), 'read');
  assert.equal(effects(String.raw`SELECT 'a\'; DROP TABLE t; -- '`, true), 'define destroy read unknown write');
});

test('tables are those that the other parser finds, and the database is followed', () => {
  const facts = guard.factsOf('SELECT * FROM a JOIN shop.b USING (id) WHERE c IN (SELECT id FROM `d d`)', false);
  assert.deepEqual(facts.tables.map((parts) => parts.join('.')).toSorted(), ['a', 'd d', 'shop.b']);
  for (const [sql, tables] of [
    ['DROP TABLE a, shop.b', 'a shop.b'],
    ['DROP VIEW a', 'a'],
    ['TRUNCATE TABLE a', 'a'],
    ['INSERT INTO a SELECT * FROM b', 'a b'],
    ['REPLACE INTO a VALUES (1)', 'a'],
    ['UPDATE a SET x = (SELECT max(y) FROM b)', 'a b'],
    ['DELETE FROM a WHERE x IN (SELECT y FROM b)', 'a b'],
    ['DELETE a FROM a JOIN b ON a.x = b.y', 'a b'],
    ['CREATE TABLE a AS SELECT * FROM b', 'a b'],
    ['CREATE TABLE a LIKE b', 'a b'],
    ['CREATE VIEW a AS SELECT * FROM b', 'a b'],
    ['ALTER TABLE a ADD COLUMN b INT', 'a'],
    ['CREATE INDEX i ON a (x)', 'a'],
    ['WITH x AS (SELECT * FROM a) SELECT * FROM x, b', 'a b x'],
    ['(SELECT * FROM a) UNION (SELECT * FROM b)', 'a b'],
    ['SELECT EXISTS (SELECT 1 FROM a), (SELECT 1 FROM b)', 'a b'],
  ] as const) {
    const found = guard.factsOf(sql, false);
    assert.deepEqual(
      [
        found.tables
          .map((parts) => parts.join('.'))
          .toSorted()
          .join(' '),
        found.effects.includes('unknown'),
      ],
      [tables, false],
      sql,
    );
  }
  assert.equal(facts.database, undefined);
  assert.equal(guard.factsOf('USE `other`', false).database, 'other');
  assert.equal(guard.factsOf('SELECT 1; USE other', false).database, null);
});

test('E54, D34: any text is read in bounded time, and a text that costs the parser its instance costs no other one', async () => {
  for (const sql of [`SELECT 1${'+1'.repeat(100_000)}`, `SELECT ${'('.repeat(50_000)}`, `SELECT ${"'a',".repeat(100_000)}1`]) {
    assert.ok(guard.factsOf(sql, false).effects.includes('unknown'));
  }
  const parser = await SecondParser.load();
  assert.equal(parser.read(`SELECT 1${'+1'.repeat(5_000)}`, 0), null, 'the stack does not suffice');
  while (parser.read('SELECT 1', 2) === null) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  const pieces = [
    'SELECT',
    '1',
    "'",
    '"',
    '`',
    '\\',
    ';',
    '/*',
    '*/',
    '/*!50000',
    '--',
    '#',
    '\n',
    ' ',
    '(',
    ')',
    '+',
    'not',
    'is null',
    'f(',
    'case',
    'x',
    '.',
    ',',
    '@',
    '::',
    '->',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 600 }), fc.boolean(), (parts, isWithoutEscapes) => {
      guard.factsOf(parts.join(''), isWithoutEscapes);
    }),
  );
  assert.equal(effects('SELECT 2'), 'read', 'the parser has its first instance');
});
