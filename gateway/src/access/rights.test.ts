import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches } from '../query/matches.ts';
import { allRights, givenWhole, scopeOf, withoutGuarded } from './rights.ts';

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

test('A39: the end of a session with values that nobody reads alone is given to nobody alone, and the end of another one is no right of a role', () => {
  const end = (...values: readonly (readonly [string, readonly string[]])[]): boolean => {
    const rights = withoutGuarded(allRights, { classes: ['email'], opened: [] });
    return matches(givenWhole(rights, scopeOf(rights, 'content')), { timeMs: 0, values: new Map([['kind', ['close']], ...values]), words: [] });
  };
  assert.deepEqual([end(), end(['class', ['card']]), end(['class', ['email']]), end(['countersign.carries', ['email']])], [true, true, false, false]);
  const ofNone = givenWhole([], scopeOf(allRights, 'content'));
  assert.equal(matches(ofNone, { timeMs: 0, values: new Map([['kind', ['close']]]), words: [] }), true);
});
