import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lexSql } from './lexer.ts';

const usual = { isAnsiQuotes: false, isWithoutEscapes: false };

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
  for (const sql of ['select 1 /*!; drop table t */', 'select 1 /*!50000 + 1 */', 'select 1 /*M!100100 + 1 */']) {
    assert.deepEqual(lexSql(sql, usual), { unclear: 'conditional comment' }, sql);
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
