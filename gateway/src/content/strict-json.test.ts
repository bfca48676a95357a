import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../domain/errors.ts';
import { parseJsonText, parseStrictJson } from './strict-json.ts';

function read(text: string | Uint8Array): unknown {
  return parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text);
}

function refuses(text: string | Uint8Array, why: RegExp): void {
  assert.throws(
    () => read(text),
    (error) => error instanceof GatewayError && error.code === 'malformed' && why.test(error.message),
    String(text),
  );
}

test('A12: keys that parsers may read differently are refused at any level', () => {
  const twice = [
    '{"a":1,"a":2}',
    '{"a":1,"b":{},"a":2}',
    String.raw`{"a":1,"\u0061":2}`,
    '{"method":1,"Method":2}',
    '{"params":{"name":1,"NAME":2}}',
    '[[{"x":[{"é":1,"É":2}]}]]',
    '{"k":1,"\u212a":2}', // the sign of Kelvin
    '{"s":1,"ſ":2}',
    '{"straße":1,"STRASSE":2}',
    '{"ς":1,"σ":2}',
    '{"":1,"":2}',
    String.raw`{"\"":1,"\u0022":2}`,
    String.raw`{"a\ud800":1,"a\udfff":2}`,
    '{"a" : 1 , "b" : [ 1 , 2 ] , "a" : 3}',
  ];
  for (const text of twice) {
    refuses(text, /twice/);
  }
  refuses('{"__proto__":{}}', /__proto__/);
  refuses(String.raw`{"a":[{"\u005f_Proto__":{}}]}`, /__proto__/);
  assert.deepEqual(read('[{"a":"a"},{"a":["a","a"]},{"a":{"a":{}}}]'), [{ a: 'a' }, { a: ['a', 'a'] }, { a: { a: {} } }]);
  assert.deepEqual(read(String.raw`{"\\":1,"\\\"":"{\"a\":1,\"a\":2}"}`), { '\\': 1, '\\"': '{"a":1,"a":2}' });
});

test('letters that a case-insensitive match holds for one are one key', () => {
  const byUpper = Map.groupBy(
    Array.from({ length: 0x1_0000 - 0x80 }, (_, i) => String.fromCharCode(i + 0x80)).filter((letter) => /\p{L}|\p{M}|\p{N}|\p{S}/u.test(letter)),
    (letter) => letter.toUpperCase(),
  );
  let pairs = 0;
  for (const [upper, letters] of byUpper) {
    for (const letter of letters.filter((each) => each !== upper && new RegExp(`^${each}$`, 'iu').test(upper))) {
      refuses(
        JSON.stringify(
          Object.fromEntries([
            [letter, 1],
            [upper, 2],
          ]),
        ),
        /twice/,
      );
      pairs += 1;
    }
  }
  assert.ok(pairs > 1000);
});

describe('what is not JSON', () => {
  test('is refused', () => {
    for (const text of [
      '',
      ' ',
      '{',
      '}',
      '{"a":1,}',
      '{"a" 1}',
      '[1,2',
      '"a',
      '"\\',
      'nul',
      '{a:1}',
      "{'a':1}",
      '01',
      '1 2',
      '{}{}',
      '\ufeff{}',
      '"\n"',
      '[}',
      'NaN',
    ]) {
      refuses(text, /JSON/);
    }
    refuses(Buffer.from([0x22, 0xc3, 0x28, 0x22]), /UTF-8/);
    refuses(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /UTF-8/);
    refuses(Buffer.from([0x22, 0xc0, 0xaf, 0x22]), /UTF-8/);
  });

  test('depth has a limit', () => {
    const nested = (levels: number): string => `${'[{"a":'.repeat(levels / 2)}1${'}]'.repeat(levels / 2)}`;
    assert.ok(read(nested(64)));
    refuses(nested(66), /deep/);
    refuses('['.repeat(1_000_000), /deep/);
    assert.throws(() => parseStrictJson(Buffer.from('[[1]]'), { depthMax: 1, valuesMax: 10 }), GatewayError);
  });

  test('an error does not quote the input', () => {
    for (const text of ['{"a":sesame}', '{"sesame":1,"SESAME":2}', '"sesame']) {
      assert.throws(
        () => read(text),
        (error) => error instanceof GatewayError && !/sesame/i.test(error.message) && error.cause === undefined,
      );
    }
  });
});

test('T4.45: JSON has a million values at most, of whatever kind and wherever they are', () => {
  const most = 1_000_000;
  const refused = (text: string): void => {
    assert.throws(
      () => read(text),
      (error) => error instanceof GatewayError && error.code === 'limit_exceeded' && /more than 1000000 values/.test(error.message),
    );
  };
  // With the list itself.
  assert.doesNotThrow(() => read(`[${'0,'.repeat(most - 2)}0]`));
  refused(`[${'0,'.repeat(most - 1)}0]`);
  refused(`[${'[],'.repeat(most / 2)}[]]`);
  refused(`[${'{"a":[{}]},'.repeat(most / 4)}0]`);
  refused(`{"a":{${Array.from({ length: most }, (_, i) => `"k${i}":0`).join()}}}`);
  assert.throws(() => parseJsonText(`[${'0,'.repeat(most)}0]`), /more than 1000000 values/);
});

test('work grows with the length, whatever the text', () => {
  // Each of these takes minutes where a scan is quadratic.
  const bytes = 2_000_000;
  for (const [text, isJson] of [
    [`"${String.raw`\"`.repeat(bytes / 2)}"`, true],
    [`"${String.raw`\\`.repeat(bytes / 2)}"`, true],
    [`"${'\\'.repeat(bytes)}`, false],
    [`{${Array.from({ length: 100_000 }, (_, i) => `"${i * 65_536}":1`).join()}}`, true],
    [`[${'{},'.repeat(490_000)}{}]`, true],
  ] as const) {
    if (isJson) {
      assert.doesNotThrow(() => read(text));
    } else {
      refuses(text, /JSON/);
    }
  }
});

test('accepted text has the value that JSON.parse gives; any other text ends in a GatewayError', () => {
  const fragments = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '"a"',
    '"A"',
    String.raw`"\u0061"`,
    '"__proto__"',
    '1',
    '-1.5e3',
    'true',
    'null',
    ' ',
    '\n',
    'é',
    '\ud800',
  ];
  const texts = fc.oneof(
    fc.json({ maxDepth: 5 }),
    fc.array(fc.constantFrom(...fragments), { maxLength: 30 }).map((parts) => parts.join('')),
    fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom(...fragments))
      .map(([text, at, part]) => text.slice(0, at % (text.length + 1)) + part + text.slice(at % (text.length + 1))),
  );
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        texts.map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        let value: unknown;
        try {
          value = read(bytes);
        } catch (error) {
          assert.ok(error instanceof GatewayError && error.code === 'malformed');
          return;
        }
        accepted += 1;
        assert.deepStrictEqual(value, JSON.parse(bytes.toString()));
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(accepted > 300);
});

test('JSON without such keys is accepted', () => {
  const foldsOnce = (value: unknown): boolean =>
    typeof value !== 'object' || value === null
      ? true
      : Object.values(value).every(foldsOnce) &&
        (Array.isArray(value) || new Set(Object.keys(value).map((key) => key.toLowerCase().toUpperCase())).size === Object.keys(value).length) &&
        !Object.keys(value).some((key) => /__proto__/i.test(key));
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      const value: unknown = JSON.parse(text);
      fc.pre(foldsOnce(value));
      assert.deepStrictEqual(read(text), value);
    }),
    { numRuns: 1000 },
  );
});
