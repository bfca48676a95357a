import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionsIn, lexSql } from './lexer.ts';

const usual = { isAnsiQuotes: false, isWithoutEscapes: false, running: new Set<string>() };

function texts(sql: string, reading = usual): readonly (readonly string[])[] {
  const lexed = lexSql(sql, reading);
  assert.ok('statements' in lexed, sql);
  return lexed.statements.map((tokens) => tokens.map(({ text }) => text));
}

test('comments end where the server ends them, and hide nothing that it runs', () => {
  assert.deepEqual(texts('select 1--1'), [['select', '1', '-', '-', '1']]);
  assert.deepEqual(texts('select 1-- 1; drop table t\n; # x\ndrop table t'), [
    ['select', '1'],
    ['drop', 'table', 't'],
  ]);
  assert.deepEqual(texts("select/*+ hint ' */'/*!drop*/';;"), [['select', '/*!drop*/']]);
  assert.deepEqual(texts('select /*/ ; drop */ 1 --\u0001 ; drop'), [['select', '1']]);
  const old = '/*!50000';
  const both = { ...usual, running: new Set([old, '/*M!100100']) };
  for (const [sql, running] of [
    [
      'select 1 /*!50000; drop table t */',
      [
        ['select', '1'],
        ['drop', 'table', 't'],
      ],
    ],
    ["select '*/ /*!50000' /*!50000 */", [['select', '*/ /*!50000']]],
    ['/*M!100100 drop*/ table t', [['drop', 'table', 't']]],
    ['select 1 /*!99999 + 1 */', [['select', '1']]],
    ['select 2 */*!50000 3 */', [['select', '2', '*', '3']]],
  ] as const) {
    assert.deepEqual(texts(sql, both), running, sql);
  }
  assert.deepEqual(texts('select 1 /*!50000; drop table t */'), [['select', '1']]);
  assert.deepEqual(conditionsIn('/*!50000 a */ /*!*/ /*M!100100*/ /*!50000*/ /* b */'), [old, '/*!', '/*M!100100']);
  for (const [sql, unclear] of [
    ['select 1 /*!50000 /* 2 */ */', 'nested comment'],
    ['select 1 /*!99999 /* 2 */ */', 'nested comment'],
    ['select 1 /*!50000 2', 'unterminated'],
    ["select 1 /*!50000 '*/", 'unterminated'],
  ] as const) {
    assert.deepEqual(lexSql(sql, both), { unclear }, sql);
  }
});

test('quotes end by the settings of the connection', () => {
  const sql = String.raw`select 'a\'; drop table t; -- '`;
  assert.deepEqual(texts(sql), [['select', "a'; drop table t; -- "]]);
  assert.deepEqual(texts(sql, { ...usual, isWithoutEscapes: true }), [
    ['select', 'a\\'],
    ['drop', 'table', 't'],
  ]);
  assert.deepEqual(texts(String.raw`select "a""b\n\%", 'it''s', ${'`x``y\\`'}`), [['select', 'a"b\n\\%', ',', "it's", ',', 'x`y\\']]);
  assert.deepEqual(lexSql('"a"', { ...usual, isAnsiQuotes: true }), { statements: [[{ kind: 'name', text: 'a' }]] });
  for (const unterminated of ["select 'a", 'select `a', 'select /* a', String.raw`select 'a\'`]) {
    assert.deepEqual(lexSql(unterminated, usual), { unclear: 'unterminated' }, unterminated);
  }
});
