import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonTexts, withJsonTexts } from './json-texts.ts';

/** Every text of a value with the names and indexes that lead to it; names of members have no path. */
function textsOf(value: unknown, path: readonly string[] = []): readonly (readonly [path: string | null, text: string])[] {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return [[path.join('/'), String(value)]];
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const names = Array.isArray(value) ? [] : Object.keys(value).map((name) => [null, name] as const);
  return [...names, ...Object.entries(value).flatMap(([name, inner]) => textsOf(inner, [...path, name]))];
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
              found.map(({ path, text, start }) => (path !== null && json[start] === '"' ? '*' : text)),
            ),
          ),
        ),
        expected,
      );
    }),
  );
});

test('a number or a word that changes is another number, or null, and the name of a member changes with the rest', () => {
  const json = '{"card": 4111111111111111, "ada@example.com": [1234567, -1.5e10, 12, true, null]}';
  const found = jsonTexts(json) ?? [];
  assert.deepEqual(
    found.map(({ text }) => text),
    ['card', '4111111111111111', 'ada@example.com', '1234567', '-1.5e10', '12', 'true'],
  );
  assert.equal(
    withJsonTexts(json, found, ['card', '[card]', '[email]', '7654321', '007', '12', '[flag]']),
    '{"card": null, "[email]": [7654321, null, 12, null, null]}',
  );
});

test('a string of which nothing is left is null where that may be, and not if it is the name of a member or was empty', () => {
  const json = '{"a": "ada@example.com", "ada@example.com": ["", "x"]}';
  const found = jsonTexts(json) ?? [];
  const changed = ['a', '', '', '', 'y'];
  assert.equal(withJsonTexts(json, found, changed, true), '{"a": null, "": ["", "y"]}');
  assert.equal(withJsonTexts(json, found, changed), '{"a": "", "": ["", "y"]}');
});

test('a text of many millions of characters is found, and one without an end is not', () => {
  const long = 'x'.repeat(20_000_000);
  assert.deepEqual(
    jsonTexts(`{"a":"${long}\\\\","b":"${'\\n'.repeat(10_000_000)}"}`)?.map(({ text }) => text.length),
    [1, long.length + 1, 1, 10_000_000],
  );
  assert.equal(jsonTexts(`{"a":"${'\\"'.repeat(1_000_000)}`), null);
});

test('a text that is nested too deeply is found without a path of its own', () => {
  const json = `${'['.repeat(100)}"x"${']'.repeat(100)}`;
  assert.deepEqual(
    jsonTexts(json)?.map(({ path, text }) => [path, text]),
    [['*', 'x']],
  );
});

test('a list or an object that spells another text is one text, also where it is not whole', () => {
  for (const [json, ...expected] of [
    ['{"a": 1, "logprobs": {"content": [{"token": "]}"}]}, "b": 2}', '{"content": [{"token": "]}"}]}'],
    ['[{"top_logprobs": [[1], [2]]}, {"token_ids": [ ]}]', '[[1], [2]]'],
    ['{"logprobs": [{"token": "a"', '[{"token": "a"'],
    ['{"response": "", "context": [ 1, 2], "done": true}', '[ 1, 2]'],
    ['{"context": [1, 2], "logprobs": true, "log": {"token": "a"}}'],
  ] as const) {
    const texts = jsonTexts(json, { areSpellingsWhole: true }) ?? [];
    assert.deepEqual(
      texts.filter(({ isSpelling }) => isSpelling).map(({ text }) => text),
      expected,
    );
    assert.ok(texts.every(({ text, start, end, isSpelling }) => isSpelling !== true || json.slice(start, end) === text));
  }
});
