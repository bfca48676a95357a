import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareCounts, countedSince } from './compare-counts.ts';

const counts = (all: Readonly<Record<string, number>>): ReadonlyMap<string, number> => new Map(Object.entries(all));

void test('what was counted since a reading is the difference, or nothing is known where counts were forgotten', () => {
  assert.deepEqual(countedSince(counts({ a: 2, b: 5 }), counts({ a: 3, b: 5, c: 1 })), counts({ a: 1, c: 1 }));
  assert.equal(countedSince(counts({ a: 2 }), counts({ a: 1 })), null);
  assert.equal(countedSince(counts({ a: 2 }), counts({ b: 9 })), null);
});

void test('counts agree with the record up to what may have been done', () => {
  const differ = (...[counted, sure, maybe, unnamed]: readonly [Record<string, number>, Record<string, number>, Record<string, number>, number]): unknown =>
    compareCounts(counts(counted), { sure: counts(sure), maybe: counts(maybe), unnamed }).differences.map((each) => Object.values(each));
  assert.deepEqual(differ({ a: 2 }, { a: 2 }, {}, 0), []);
  assert.deepEqual(differ({ a: 3 }, { a: 2 }, { a: 1 }, 0), [], 'one that failed was counted');
  assert.deepEqual(differ({ a: 2 }, { a: 2 }, { a: 1 }, 0), [], 'one that failed was not');
  assert.deepEqual(differ({ a: 3 }, { a: 2 }, {}, 1), [], 'one has no name');
  assert.deepEqual(differ({ a: 3, b: 1 }, { a: 2 }, {}, 1), [['b', 1, 0, 0]], 'and explains one only');
  assert.deepEqual(differ({ a: 9 }, { a: 2 }, { a: 1 }, 0), [['a', 9, 2, 1]], 'unrecorded');
  assert.deepEqual(differ({}, { a: 2 }, {}, 5), [['a', 0, 2, 0]], 'recorded and not done');
});
