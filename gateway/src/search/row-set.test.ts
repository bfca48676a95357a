import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blockRowsMax, RowSet, stepsOf } from './row-set.ts';

const rows = fc.oneof(
  fc.array(fc.integer({ min: 0, max: blockRowsMax - 1 }), { maxLength: 20 }),
  fc.tuple(fc.integer({ min: 0, max: blockRowsMax - 70 }), fc.array(fc.integer({ min: 0, max: 69 }))).map(([from, of]) => of.map((row) => from + row)),
);
/** The ways in which a set is made. */
const form = fc.constantFrom(setOf, listOf, bitmapOf);
const steps = fc.array(fc.record({ form, act: fc.constantFrom('addAll', 'keep', 'remove', 'add'), rows }), { maxLength: 6 });

function setOf(of: readonly number[]): RowSet {
  const set = new RowSet();
  of.forEach((row) => {
    set.add(row);
  });
  return set;
}

function listOf(of: readonly number[]): RowSet {
  return RowSet.ofSteps(stepsOf([...new Set(of)].toSorted((a, b) => a - b)));
}

function bitmapOf(of: readonly number[]): RowSet {
  const bitmap = new Uint8Array(blockRowsMax / 8);
  for (const row of of) {
    bitmap[row >>> 3] = (bitmap[row >>> 3] ?? 0) | (1 << (row & 7));
  }
  return RowSet.ofBitmap(bitmap);
}

test('a set of rows is what the same acts make of a set of numbers', () => {
  fc.assert(
    fc.property(form, rows, steps, (first, begun, acts) => {
      const set = first(begun);
      let expected = new Set(begun);
      for (const { form: make, act, rows: of } of acts) {
        if (act === 'add') {
          of.forEach((row) => {
            set.add(row);
          });
        } else {
          set[act](make(of));
        }
        const other = new Set(of);
        expected = act === 'keep' ? expected.intersection(other) : act === 'remove' ? expected.difference(other) : expected.union(other);
      }
      assert.deepEqual(
        [...set.newestFirst()],
        [...expected].toSorted((a, b) => b - a),
      );
      assert.equal(set.count, expected.size);
      assert.equal(set.isEmpty, expected.size === 0);
      assert.ok([...expected].every((row) => set.has(row)) && begun.every((row) => set.has(row) === expected.has(row)));
    }),
  );
});
