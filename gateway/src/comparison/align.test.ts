import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { align } from './align.ts';

function editsOf(a: readonly string[], b: readonly string[]): number {
  const pairs = align(a, b);
  assert.deepEqual(
    pairs.flatMap((pair) => pair.a ?? []),
    [...a.keys()],
    'every element of a, in order',
  );
  assert.deepEqual(
    pairs.flatMap((pair) => pair.b ?? []),
    [...b.keys()],
    'every element of b, in order',
  );
  for (const pair of pairs) {
    assert.ok(pair.a === null || pair.b === null ? pair.a !== pair.b : a[pair.a] === b[pair.b]);
  }
  return pairs.filter((pair) => pair.a === null || pair.b === null).length;
}

/** The length of the longest common subsequence, by the definition. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, () => 0);
  for (const element of a) {
    const next = [0];
    for (const [j, other] of b.entries()) {
      next.push(element === other ? (row[j] ?? 0) + 1 : Math.max(row[j + 1] ?? 0, next[j] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

test('any two lists are aligned in order, with as few edits as there can be', () => {
  const list = fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 30 });
  fc.assert(
    fc.property(list, list, (a, b) => {
      assert.equal(editsOf(a, b), a.length + b.length - 2 * commonLength(a, b));
    }),
  );
});

test('lists that have little in common cost a bounded time and are still whole', () => {
  const a = Array.from({ length: 20_000 }, (_, i) => (i % 10 === 0 ? 'shared' : `a${i}`));
  const b = Array.from({ length: 20_000 }, (_, i) => (i % 10 === 5 ? 'shared' : `b${i}`));
  assert.equal(editsOf(['first', ...a, 'last'], ['first', ...b, 'last']), 40_000);
});
