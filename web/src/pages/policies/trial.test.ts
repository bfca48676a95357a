import assert from 'node:assert/strict';
import { test } from 'node:test';
import { largestFirst, noTrial, withLines } from './trial.ts';

const group = {
  principal: 'bot',
  target: 'shop',
  action: 'postgres.query',
  was: 'allow',
  would: 'deny',
  policies: ['a.cedar:1'],
  reason: '',
  record: 'x/1',
  time: '',
};

test('a later line of a group takes the place of the earlier one, and the largest group comes first', () => {
  const begun = withLines(noTrial, [{ changed: { ...group, requests: 1 } }, { changed: { ...group, principal: 'ann', requests: 2 } }]);
  const progress = { sessions: 1, requests: 9, changed: 5, undecided: [], isWhole: true };
  const ended = withLines(begun, [{ changed: { ...group, requests: 3 } }, { progress }]);
  assert.deepEqual(
    largestFirst(ended).map(({ principal, requests }) => [principal, requests]),
    [
      ['bot', 3],
      ['ann', 2],
    ],
  );
  assert.deepEqual([begun.progress, ended.progress], [null, progress]);
});
