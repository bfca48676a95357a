import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matches, type Facts } from './matches.ts';
import { parseQuery } from './parse-query.ts';
import { pointAt, UnreadableQuery } from './query.ts';
import { wordsOf } from './words.ts';

const nowMs = Date.parse('2026-11-29T12:00:00Z');

function factsOf(values: Readonly<Record<string, string | readonly string[]>>, { text = '', time = '2026-11-29T11:00:00Z' } = {}): Facts {
  return { timeMs: Date.parse(time), values: new Map(Object.entries(values).map(([name, value]) => [name, [value].flat()])), words: wordsOf(text) };
}

const statement = factsOf(
  {
    kind: ['request', 'statement', 'change'],
    model: 'gpt-4o-mini',
    verdict: 'deny',
    rows: '42',
    table: ['public.customers', 'public.orders'],
    'table-read': ['public.customers'],
    'table-written': ['public.orders'],
    effect: ['read', 'write'],
    principal: 'ann@corp.example',
    'url.path': '/a(b) c',
    software: 'user_agent.original=node',
  },
  { text: 'UPDATE orders SET note = $1 -- Refund Policy' },
);

const holding = [
  '',
  'verdict:deny',
  'NOT verdict:allow',
  'model:gpt-4o*',
  'model:*mini',
  'model:g*4*mini',
  'kind:(prompt or change)',
  'kind:(prompt change)',
  'kind:statement verdict:deny',
  'kind:statement AND verdict:deny',
  'kind:prompt or verdict:deny and rows:42',
  'not kind:prompt',
  'not (kind:prompt or kind:output)',
  'rows:42',
  'rows:>41 rows:<=42',
  'rows:40..',
  'rows:..42',
  'rows:42..42',
  'table:customers',
  'table:public.customers effect:read',
  'table:orders effect:write',
  'table:orders effect:(write or destroy)',
  'countersign.tables:orders',
  'db.query.parameter.1:x or verdict:deny',
  'principal:ann@corp.example',
  'url.path:"/a(b) c"',
  'software:node',
  'refund policy',
  '"refund policy"',
  'text:"REFUND policy"',
  'since:2h',
  'since:2026-11-29 until:2026-11-29',
  'time:2026-11-01..2026-11-29',
  'time:2026-11-29',
  'time:2026-11-29T11:00',
  'time:>=2026-11-29T11:00:00Z',
  'time:<2026-11-30',
];
const failing = [
  'verdict:allow',
  'model:gpt-4',
  'model:gpt-4o*x',
  'model:m*g*',
  'kind:(prompt or output)',
  'rows:>42',
  'rows:<42',
  'status:>1',
  'table:ustomers',
  'table:customers effect:write',
  'table:orders effect:read',
  'not verdict:deny',
  '"policy refund"',
  'since:30m',
  'until:2026-11-28',
  'time:>2026-11-29',
];
for (const query of holding) {
  void test(`holds: ${query}`, () => {
    assert.equal(matches(parseQuery(query, nowMs), statement), true);
  });
}
for (const query of failing) {
  void test(`does not hold: ${query}`, () => {
    assert.equal(matches(parseQuery(query, nowMs), statement), false);
  });
}

const wrong: readonly (readonly [string, string, number, number])[] = [
  ['tabel:x', 'There is no field "tabel": is table meant?', 0, 5],
  ['a tabel:x', 'There is no field "tabel": is table meant?', 2, 7],
  ['verdict:denied', 'verdict has no value "denied"; known are deny, hold, allow.', 8, 14],
  ['session:3e7de890', 'A session has 32 hexadecimal digits: session:3e7de890* finds those that begin so.', 8, 16],
  ['rows:10..1', 'This range ends before it begins: the smaller end is written first.', 5, 10],
  ['time:2026-11-07..2026-11-01', 'This range ends before it begins: the smaller end is written first.', 5, 27],
  ['rows:>x', 'A number is expected after the sign, as in rows:>1000.', 5, 7],
  ['kind:(a and b)', 'kind has no value "a"; known are', 6, 7],
  ['table:(a and b)', 'In a list of values there is only "or": write table:a and table:b instead.', 9, 12],
  ['"open', 'These quotes are not closed.', 0, 5],
  ['(a', 'This parenthesis is not closed.', 0, 1],
  ['a)', 'This parenthesis closes nothing.', 1, 2],
  ['kind:', 'A value is missing here.', 5, 6],
  ['or', 'There is nothing before "or"', 0, 2],
  ['a or', 'Something is missing here', 4, 5],
  ['since:yesterday', 'This is no time.', 6, 15],
  ['time:2026-02-31', 'This is no time.', 5, 15],
  ['text:refund*', 'Words of the text are only found whole.', 5, 12],
  ['"--"', 'There is no word in it', 0, 4],
  ['db.query.text:x', 'db.query.text is content', 0, 13],
];
for (const [query, message, at, end] of wrong) {
  void test(`points at the place: ${query}`, () => {
    assert.throws(
      () => parseQuery(query, nowMs),
      (error) => error instanceof UnreadableQuery && error.message.startsWith(message) && error.place.at === at && error.place.end === end,
    );
  });
}

test('any text is a query, or an error that points into it', () => {
  const pieces = fc.constantFrom('(', ')', '"', ':', ' or ', ' and ', 'not ', 'kind', 'rows:', '>', '..', '*', '\\', 'a', '2026-11-29', ' ', '\n', '\u{1f600}');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
      const text = parts.join('');
      try {
        matches(parseQuery(text, nowMs), statement);
      } catch (error) {
        assert.ok(error instanceof UnreadableQuery, String(error));
        assert.ok(error.place.at >= 0 && error.place.at <= text.length && error.place.end >= error.place.at);
        assert.equal(pointAt(text, error.place).split('\n').length, 3);
      }
    }),
    { numRuns: 2000 },
  );
});

test('any text at all is a query, or an error that points into it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      try {
        matches(parseQuery(text, nowMs), statement);
      } catch (error) {
        assert.ok(error instanceof UnreadableQuery, String(error));
        assert.ok(error.place.at >= 0 && error.place.at <= text.length && error.place.end >= error.place.at);
      }
    }),
    { numRuns: 2000 },
  );
});

/** A query as it is written, and whether it holds for `statement`. */
interface Said {
  readonly text: string;
  readonly holds: boolean;
}

const terms: readonly Said[] = [
  { text: 'verdict:deny', holds: true },
  { text: 'verdict:allow', holds: false },
  { text: 'kind:(prompt or change)', holds: true },
  { text: 'rows:>42', holds: false },
  { text: 'model:gpt-4o*', holds: true },
  { text: 'refund', holds: true },
  { text: '"policy refund"', holds: false },
  { text: 'since:2h', holds: true },
];

test('a query holds as its words say, however they are put together', () => {
  const query = fc.letrec<{ readonly any: Said }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...terms),
      tie('any').map(({ text, holds }) => ({ text: `not (${text})`, holds: !holds })),
      fc
        .tuple(tie('any'), fc.constantFrom(' ', ' and ', ' AND '), tie('any'))
        .map(([a, word, b]) => ({ text: `(${a.text})${word}(${b.text})`, holds: a.holds && b.holds })),
      fc
        .tuple(tie('any'), fc.constantFrom(' or ', ' OR '), tie('any'))
        .map(([a, word, b]) => ({ text: `(${a.text})${word}(${b.text})`, holds: a.holds || b.holds })),
    ),
  })).any;
  fc.assert(
    fc.property(query, ({ text, holds }) => {
      assert.equal(matches(parseQuery(text, nowMs), statement), holds, text);
    }),
    { numRuns: 2000 },
  );
});

const hostile = [
  `"${'\\'.repeat(4000)}`,
  `"${'\\"'.repeat(2000)}`,
  'a.'.repeat(2000),
  `${'a.'.repeat(2000)}:x`,
  `rows:${'.'.repeat(4000)}`,
  `rows:>${'9'.repeat(4000)}`,
  `rows:${'1'.repeat(2000)}..${'1'.repeat(2000)}x`,
  `time:${'2026-11-29'.repeat(400)}`,
  `since:${'9'.repeat(4000)}d`,
  ' '.repeat(4096),
  `a${' '.repeat(4000)}b`,
  `${'a'.repeat(4000)}:`,
  `kind:${'prompt'.repeat(600)}`,
  `text:"${'\u0301'.repeat(4000)}"`,
];

test('what is written to take long is read, or refused, at once', () => {
  for (const text of hostile) {
    try {
      matches(parseQuery(text, nowMs), factsOf({ rows: '1', model: 'a'.repeat(256) }, { text: 'a '.repeat(10_000) }));
    } catch (error) {
      assert.ok(error instanceof UnreadableQuery, text.slice(0, 20));
    }
  }
});

test('C31, D34: a query has limits, and what is hostile takes no time', () => {
  assert.throws(() => parseQuery('x'.repeat(5000), nowMs), UnreadableQuery);
  assert.throws(() => parseQuery('('.repeat(40), nowMs), UnreadableQuery);
  assert.throws(() => parseQuery('not '.repeat(40), nowMs), UnreadableQuery);
  assert.throws(() => parseQuery('a '.repeat(300), nowMs), UnreadableQuery);
  const stars = parseQuery(`model:${'*a'.repeat(2000)}`, nowMs);
  assert.equal(matches(stars, factsOf({ model: 'a'.repeat(256) })), false);
});
