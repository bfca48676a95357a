import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches } from '../query/matches.ts';
import { allRights, scopeOf, withoutGuarded } from './rights.ts';

test('A39: content of which nobody knows whether it has values that nobody reads alone is read by nobody alone', () => {
  const content = scopeOf(withoutGuarded(allRights, { classes: ['email'], opened: [] }), 'content');
  const isRead = (...values: readonly (readonly [string, readonly string[]])[]): boolean => matches(content, { timeMs: 0, values: new Map(values), words: [] });
  assert.deepEqual(
    [
      isRead(),
      isRead(['class', ['card']]),
      isRead(['class', ['email']]),
      isRead(['countersign.inspected', ['false']]),
      isRead(['countersign.carries', ['unknown']]),
    ],
    [true, true, false, false, false],
  );
});
