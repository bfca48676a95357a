import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WordsBefore } from './words-before.ts';

test('the words of a source are its own, also when those of another one are remembered', () => {
  const words = new WordsBefore();
  for (const _again of [1, 2]) {
    assert.equal(words.of(['/person/dateOfBirth']), 'date Of Birth');
    assert.equal(words.of(['public.staff.passport_no', '=pass']), 'passport no pass');
    assert.equal(words.of(['/passport/number']), 'passport number');
    assert.equal(words.of(['/passport', '/number']), 'passport number');
    assert.equal(words.of(['/passport\n/name']), 'name');
    assert.equal(words.of(['/passport', '/name']), 'name');
    assert.equal(words.of(['/passport\nnumber']), 'passport number');
    assert.equal(words.of([]), '');
  }
});
