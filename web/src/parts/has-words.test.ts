import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { hasWords } from './has-words.ts';

test('an entry has each word of a filter, in any of its texts and in any case', () => {
  assert.ok(hasWords('', 'support-bot'));
  assert.ok(hasWords('BOT agents', 'support-bot', 'agents'));
  assert.ok(hasWords(' agents ', 'support-bot', 'agents'));
  assert.ok(!hasWords('bot dba', 'support-bot', 'agents'));
});
