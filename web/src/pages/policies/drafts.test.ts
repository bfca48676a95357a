import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedFiles, isOvertaken, namesOf, rebased, withText, without } from './drafts.ts';

const file = { file: 'a.cedar', text: 'old', sha256: '1' };

test('a draft keeps the digest of the file from which it was begun, and ends when its text is that of the file', () => {
  const begun = withText({}, file, { file: 'a.cedar', text: 'new' });
  assert.deepEqual(begun, { 'a.cedar': { text: 'new', sha256: '1' } });
  const overtaken = { ...file, text: 'of another', sha256: '2' };
  const more = withText(begun, overtaken, { file: 'a.cedar', text: 'newer' });
  assert.deepEqual(more, { 'a.cedar': { text: 'newer', sha256: '1' } });
  assert.deepEqual([isOvertaken(file, begun['a.cedar']), isOvertaken(overtaken, more['a.cedar']), isOvertaken(undefined, undefined)], [false, true, false]);
  assert.deepEqual(withText(begun, file, { file: 'a.cedar', text: 'old' }), {});
});

test('a text that was saved is no draft any more, but for what was written meanwhile', () => {
  const drafts = { 'a.cedar': { text: 'new', sha256: '1' } };
  assert.deepEqual(rebased(drafts, { file: 'a.cedar', text: 'new', sha256: '2' }), {});
  assert.deepEqual(rebased(drafts, { file: 'a.cedar', text: 'ne', sha256: '2' }), { 'a.cedar': { text: 'new', sha256: '2' } });
});

test('the candidate has the files that differ, and those that are new', () => {
  const drafts = { 'a.cedar': { text: 'old', sha256: '1' }, 'b.cedar': { text: 'b', sha256: null } };
  assert.deepEqual(changedFiles([file], drafts), [{ file: 'b.cedar', text: 'b' }]);
  assert.deepEqual(namesOf([file], drafts), ['a.cedar', 'b.cedar']);
  assert.deepEqual(without(drafts, 'a.cedar'), { 'b.cedar': { text: 'b', sha256: null } });
});
