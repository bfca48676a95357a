import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openMemorySqlite, type Sqlite } from '../store/sqlite.ts';
import { Floors, floorsSchema } from './floors.ts';

const key = createSecretKey(randomBytes(32));

function openFloors(): { readonly database: Sqlite; readonly floors: Floors } {
  const database = openMemorySqlite();
  database.exec(floorsSchema);
  return { database, floors: new Floors(database, () => key) };
}

test('what is recorded keeps the floor of its day, the longest of several, and that of before on the day of a change', () => {
  const { database, floors } = openFloors();
  for (const [day, floor] of [
    [10, null],
    [20, 100],
    [25, 100],
    [30, 50],
    [30, 70],
    [40, null],
  ] as const) {
    floors.enforce([{ class: 2, query: 'plum', floor }], day);
  }
  const of = (first: number, last = first): number | null => floors.of(2, { first, last });
  assert.deepEqual([of(5), of(19), of(20), of(29), of(30), of(39), of(40), of(41), of(5, 25), of(29, 50)], [null, null, 100, 100, 100, 70, 70, null, 100, 100]);
  assert.equal(floors.of(3, { first: 20, last: 20 }), null);
  database[Symbol.dispose]();
});

test('a rule that is no more in force is known until its floors are over, and what is recorded from then on has none', () => {
  const { database, floors } = openFloors();
  const other = { class: 3, query: 'target:shop', floor: null };
  floors.enforce([{ class: 2, query: 'plum', floor: 100 }, other], 20);
  floors.enforce([other], 30);
  const known = (): readonly unknown[] => floors.rules().map(({ class: classId, query }) => [classId, query]);
  assert.deepEqual(known(), [[2, 'plum']]);
  assert.deepEqual([floors.of(2, { first: 30, last: 30 }), floors.of(2, { first: 31, last: 31 })], [100, null]);
  floors.enforce([other], 130);
  assert.deepEqual(known(), [[2, 'plum']]);
  database.exec('UPDATE floor_rules SET sealed = zeroblob(60)');
  assert.throws(known, { code: 'key_unavailable' }, 'a rule that was changed is not passed over');
  floors.enforce([other], 131);
  assert.deepEqual(known(), []);
  database[Symbol.dispose]();
});
