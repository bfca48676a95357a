import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsBefore } from './words-before.ts';

test('the words of a source are its own, also when those of another one are remembered', () => {
  for (const _again of [1, 2]) {
    assert.equal(wordsBefore(['/person/dateOfBirth']), 'date Of Birth');
    assert.equal(wordsBefore(['public.staff.passport_no', '=pass']), 'passport no pass');
    assert.equal(wordsBefore(['/passport/number']), 'passport number');
    assert.equal(wordsBefore(['/passport', '/number']), 'passport number');
    assert.equal(wordsBefore(['/passport\n/name']), 'name');
    assert.equal(wordsBefore(['/passport', '/name']), 'name');
    assert.equal(wordsBefore(['/passport\nnumber']), 'passport number');
    assert.equal(wordsBefore([]), '');
  }
});
