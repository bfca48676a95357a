import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteFollowed } from './followed-classes.ts';
import { shownRecord } from './testdata/shown-record.ts';

test('a class leads to the first record that says of its values that they are followed', () => {
  const records = [['email print log/1 shop'], undefined, ['email other log/1 shop', 'card print log/2 shop']].map((followed, seq) =>
    shownRecord(seq, { attributes: followed === undefined ? {} : { 'countersign.followed': followed } }),
  );
  const found = new Map<string, string>();
  records.forEach((record) => noteFollowed(found, record));
  assert.deepEqual(
    [...found],
    [
      ['email', records[0]?.record],
      ['card', records[2]?.record],
    ],
  );
});
