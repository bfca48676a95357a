import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClassSets } from '../classes/class-sets.ts';
import { ClassSources } from '../classes/class-sources.ts';
import { hostileTexts } from '../classes/testdata/hostile-texts.ts';
import { FollowedValues } from '../domain/followed-values.ts';
import type { Target } from '../domain/target.ts';
import { Inspection } from './inspection.ts';
import { looking } from './testdata/looking.ts';
import { textLook } from './text-look.ts';

function inspected(...inspect: readonly string[]): Target {
  return { name: 'target', protocol: 'http', scheme: 'http', host: '', port: 0, path: '', options: {}, user: '', durability: 'disk', inspect };
}

test('a text with more encodings than are undone was not inspected', () => {
  const text = hostileTexts['more encodings than are undone'] ?? assert.fail();
  const look = textLook(['email'], 'target', looking);
  look(text);
  assert.deepEqual(look.look?.seen(), { classes: [], values: [], isInspected: false });
  const of = { target: inspected('email'), followed: new FollowedValues(), partOf: undefined };
  const asked = new Inspection(looking).ask({ name: 'ask', attributes: {} }, [Buffer.from(text)], of);
  assert.ok(asked !== null && !(asked instanceof Promise));
  assert.deepEqual(asked.attributes, { 'countersign.inspected': false });
});

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
  const target = inspected('icd10', 'private');
  const asked = new Inspection(parts).ask({ name: 'ask', attributes: {} }, [Buffer.from(text)], { target, followed: new FollowedValues(), partOf: undefined });
  assert.ok(asked !== null && !(asked instanceof Promise));
  assert.deepEqual(asked.attributes['countersign.classes'], ['icd10', 'private']);
});

test('the source of a value that is of a class by where it comes from is the one that has the class', () => {
  const own = [{ name: 'salary', columns: ['shop/public.staff.salary'], fields: [], pattern: null, words: [], classes: [] }];
  const [sets, sources] = [new ClassSets(own), new ClassSources(own)];
  const look = textLook(['salary'], 'shop', {
    ...looking,
    nestedClasses: (names) => sets.nested(names),
    classesOf: (target, source) => sources.of(target, source),
  });
  look('ann 12345', ['public.staff.name', 'public.staff.salary']);
  assert.deepEqual(
    look.look?.seen()?.values.map(({ source }) => source),
    ['shop/public.staff.salary'],
  );
});

test('only the head of a request has lines that are not for people to read: a further part, and a statement, may look like one', () => {
  const address = 'ada@example.com';
  const followed = new FollowedValues();
  followed.add({ name: 'email', print: looking.prints.of(address) ?? assert.fail(), record: 'log/1', source: 'shop' });
  const found = (text: string, partOf?: number): readonly unknown[] => {
    const asked = new Inspection(looking).ask({ name: 'ask', attributes: {} }, [Buffer.from(text)], { target: inspected('email'), followed, partOf });
    assert.ok(!(asked instanceof Promise));
    return [asked?.attributes['countersign.classes'], asked?.attributes['countersign.carries']];
  };
  const all = [['email'], ['email', 'shop']];
  const head = (name: string): string => `POST / HTTP/1.1\r\nhost: of.target\r\n${name}: ${address}\r\n\r\n`;
  assert.deepEqual(found(head('x-note')), all);
  assert.deepEqual(found(head('authorization')), [undefined, ['email', 'shop']]);
  assert.deepEqual(found(`POST / HTTP/1.1\r\nhost: ${address}\r\n\r\n`), [undefined, undefined]);
  for (const name of ['host', 'authorization', 'cookie']) {
    assert.deepEqual(found(head(name), 1), all, name);
    assert.deepEqual(found(`select 1 --\r\n${name}: ${address}\r\n`), all, name);
  }
});

test('a value of which the protocol knows the class is seen, with its place', () => {
  const sources = new ClassSources([]);
  const look = textLook(['kubernetes-secret'], 'prod', { ...looking, classesOf: (target, source) => sources.of(target, source) });
  look('words', ['/items/3/data/password', '!kubernetes-secret']);
  look('others', ['/items/3/metadata/name']);
  const seen = look.look?.seen();
  assert.deepEqual([seen?.classes, seen?.values.map(({ source }) => source)], [['kubernetes-secret'], ['prod:/items/*/data/password']]);
});
