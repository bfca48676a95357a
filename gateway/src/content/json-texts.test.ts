import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonTexts, withJsonTexts } from './json-texts.ts';

/** Every text of a value with the names and indexes that lead to it. */
function textsOf(value: unknown, path: readonly string[] = []): readonly (readonly [path: string, text: string])[] {
  if (typeof value === 'string') {
    return [[path.join('/'), value]];
  }
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([name, inner]) => textsOf(inner, [...path, name])) : [];
}

test('each text of JSON is found with its path, and JSON whose texts stay the same is written as it was', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const found = jsonTexts(json) ?? [];
      const value: unknown = JSON.parse(json);
      const sorted = (texts: readonly (readonly [path: string | null, text: string])[]): readonly string[] =>
        texts.map((each) => JSON.stringify(each)).toSorted();
      assert.deepEqual(sorted(found.map(({ path, text }) => [path, text])), sorted(textsOf(value)));
      assert.equal(
        withJsonTexts(
          json,
          found,
          found.map(({ text }) => text),
        ),
        json,
      );
      const expected = JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? '*' : inner));
      assert.equal(
        JSON.stringify(
          JSON.parse(
            withJsonTexts(
              json,
              found,
              found.map(() => '*'),
            ),
          ),
        ),
        expected,
      );
    }),
  );
});

test('a text of many millions of characters is found, and one without an end is not', () => {
  const long = 'x'.repeat(20_000_000);
  assert.deepEqual(
    jsonTexts(`{"a":"${long}\\\\","b":"${'\\n'.repeat(10_000_000)}"}`)?.map(({ text }) => text.length),
    [long.length + 1, 10_000_000],
  );
  assert.equal(jsonTexts(`{"a":"${'\\"'.repeat(1_000_000)}`), null);
});

test('a text that is nested too deeply is found without a path', () => {
  const json = `${'['.repeat(100)}"x"${']'.repeat(100)}`;
  assert.deepEqual(
    jsonTexts(json)?.map(({ path, text }) => [path, text]),
    [[null, 'x']],
  );
});
