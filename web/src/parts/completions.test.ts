import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completionsOf } from './completions.ts';

const fields = [
  { name: 'table', title: 'a table', values: [] },
  { name: 'target', title: 'the target', values: [] },
  { name: 'verdict', title: 'the verdict', values: ['allow', 'deny', 'hold'] },
];

test('the last word of a query is completed as a field, or as a value of a field that has few', () => {
  const queries = (query: string): readonly string[] => completionsOf(query, fields).map((each) => each.query);
  assert.deepEqual(queries(''), ['table:', 'target:', 'verdict:']);
  assert.deepEqual(queries('principal:bot (ta'), ['principal:bot (table:', 'principal:bot (target:']);
  assert.deepEqual(completionsOf('verdict:d', fields), [{ query: 'verdict:deny', title: 'the verdict' }]);
  assert.deepEqual(queries('not verdict:'), ['not verdict:allow', 'not verdict:deny', 'not verdict:hold']);
  assert.deepEqual(queries('table:cust'), []);
  assert.deepEqual(queries('text:"ta'), []);
  assert.deepEqual(queries('text:"a b" ta'), ['text:"a b" table:', 'text:"a b" target:']);
});
