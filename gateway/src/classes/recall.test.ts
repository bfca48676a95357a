import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelledSet } from './testdata/labelled.ts';
import { scoresOf } from './testdata/recall.ts';
import { builtInClasses } from './catalogue.ts';
import { builtInNames, placedClasses } from './built-in-names.ts';

test('of the labelled set, at least 97 of 100 values are found, and at least 98 of 100 that are found are values', () => {
  const set = labelledSet();
  const scores = scoresOf(set);
  assert.ok(set.length >= 2000 && set.filter(({ values }) => values.length === 0).length > 1000);
  const sum = (of: 'wanted' | 'right' | 'wrong'): number => scores.reduce((all, score) => all + score[of], 0);
  const faults = scores.flatMap((score) => score.faults).slice(0, 10);
  assert.ok(sum('right') / sum('wanted') >= 0.97, faults.join('\n'));
  assert.ok(sum('right') / (sum('right') + sum('wrong')) >= 0.98, faults.join('\n'));
  for (const { name, wanted, right } of scores) {
    assert.ok(right / wanted >= 0.9, `${name}: ${right} of ${wanted}`);
  }
});

test('the names that the configuration knows are those of the built-in classes', () => {
  assert.deepEqual(
    builtInNames,
    [...builtInClasses, ...placedClasses].map(({ name }) => name),
  );
});
