import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visiblePieces } from './visible-text.ts';

test('C30: nothing of a text is invisible, and nothing turns its direction', () => {
  assert.deepEqual(visiblePieces('a\u202Eb\u200B\u0007'), [{ text: 'a' }, { hidden: '202E' }, { text: 'b' }, { hidden: '200B' }, { hidden: '0007' }]);
  assert.deepEqual(visiblePieces('tag\u{E0041} half \uD800'), [{ text: 'tag' }, { hidden: 'E0041' }, { text: ' half ' }, { hidden: 'D800' }]);
  assert.deepEqual(visiblePieces('\tlines\nof Ünïcode 😀 \u0418\u0306'), [{ text: '\tlines\nof Ünïcode 😀 \u0418\u0306' }]);
  assert.deepEqual(visiblePieces(''), []);
});
