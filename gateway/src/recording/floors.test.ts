import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemorySqlite } from '../store/sqlite.ts';
import { Floors, floorsSchema } from './floors.ts';

test('what is recorded keeps the floor of its day, the longest of several, and that of before on the day of a change', () => {
  const database = openMemorySqlite();
  database.exec(floorsSchema);
  const floors = new Floors(database);
  for (const [day, floor] of [
    [10, null],
    [20, 100],
    [25, 100],
    [30, 50],
    [30, 70],
    [40, null],
  ] as const) {
    floors.note(2, day, floor);
  }
  const of = (first: number, last = first): number | null => floors.of(2, { first, last });
  assert.deepEqual([of(5), of(19), of(20), of(29), of(30), of(39), of(40), of(41), of(5, 25), of(29, 50)], [null, null, 100, 100, 100, 70, 70, null, 100, 100]);
  assert.equal(floors.of(3, { first: 20, last: 20 }), null);
  database[Symbol.dispose]();
});
