import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClassSets } from '../classes/class-sets.ts';
import { FollowedValues } from '../domain/followed-values.ts';
import type { Target } from '../domain/target.ts';
import { Inspection } from './inspection.ts';
import { looking } from './testdata/looking.ts';
import { textLook } from './text-look.ts';

test('a value is of every class that is asked for and has the class of the value within it, in any order', () => {
  const own = { columns: [], fields: [], pattern: null, words: [], classes: [] };
  const sets = new ClassSets([
    { ...own, name: 'health', classes: ['icd10', 'ward'] },
    { ...own, name: 'ward', words: ['Mercy Ward'] },
    { ...own, name: 'private', classes: ['health', 'private-notes'] },
    { ...own, name: 'private-notes', words: ['diabetes'], classes: ['private'] },
  ]);
  const parts = { ...looking, nestedClasses: (names: readonly string[]) => sets.nested(names) };
  const text = 'diagnosis E11.9 in Mercy Ward, to ada@example.com';
  for (const [names, classes] of [
    [
      ['health', 'icd10'],
      ['health', 'icd10'],
    ],
    [
      ['icd10', 'health'],
      ['health', 'icd10'],
    ],
    [
      ['icd10', 'ward', 'private'],
      ['icd10', 'private', 'ward'],
    ],
    [
      ['health', 'email'],
      ['email', 'health'],
    ],
    [['private-notes'], ['private-notes']],
    [['card'], undefined],
  ] as const) {
    const look = textLook(names, 'target', parts);
    look(text);
    assert.deepEqual(look.look?.seen()?.classes, classes, names.join());
    const pieces = look.begin?.() ?? assert.fail();
    pieces.push(text.slice(0, 12));
    pieces.push(text.slice(12));
    pieces.end();
    assert.deepEqual(look.look?.seen()?.classes, classes, names.join());
  }
  const look = textLook(['health', 'icd10', 'ward'], 'target', parts);
  look(text);
  assert.deepEqual(
    look.look?.seen()?.values.map(({ name }) => name),
    ['health', 'ward'],
    'the code is too short to be followed',
  );
  const target: Target = {
    name: 'target',
    protocol: 'http',
    scheme: 'http',
    host: '',
    port: 0,
    path: '',
    options: {},
    user: '',
    durability: 'disk',
    inspect: ['icd10', 'private'],
  };
  const asked = new Inspection(parts).ask({ name: 'ask', attributes: {} }, [Buffer.from(text)], { target, followed: new FollowedValues(), partOf: undefined });
  assert.ok(asked !== null && !(asked instanceof Promise));
  assert.deepEqual(asked.attributes['countersign.classes'], ['icd10', 'private']);
});
