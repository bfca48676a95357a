import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import { countChanges, fold } from './fold.ts';

const row = (change: Schemas['ComparedRequests']['change']): Schemas['ComparedRequests'] => ({
  change,
  target: 'shop',
  action: null,
  a: null,
  b: null,
  asked: null,
  answer: null,
});

test('what is the same between two differences is one piece, and each difference is counted', () => {
  const rows = [row('same'), row('same'), row('asked'), row('added'), row('same')];
  assert.deepEqual(
    fold(rows).map((each) => ('row' in each ? each.row.change : each.same.length)),
    [2, 'asked', 'added', 1],
  );
  assert.deepEqual(
    [...countChanges(rows)],
    [
      ['same', 3],
      ['asked', 1],
      ['added', 1],
    ],
  );
  assert.deepEqual(fold([]), []);
});
