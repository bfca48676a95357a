import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { wordsOf } from './words.ts';

test('the words of a text are the same whether all of its characters are of ASCII or not', () => {
  assert.deepEqual(wordsOf("Order_7 isn't HERE\n\ttoday"), ['order_7', 'isn', 't', 'here', 'today']);
  assert.deepEqual(wordsOf(''), []);
  assert.deepEqual(wordsOf(`${'a'.repeat(100)} b`), ['a'.repeat(64), 'b']);
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii', maxLength: 200 }), (text) => {
      assert.deepEqual([...wordsOf(text), 'é'], wordsOf(`${text} é`));
    }),
  );
});
