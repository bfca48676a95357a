import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { describeComparison } from './describe.ts';

/** Returns the lines that are printed for two answers to one request. */
function diffOf(a: string, b: string): string[] {
  const side = { seq: 3, channel: 1, asked: 'GET /', causes: { calls: [], likelyCalls: [], causedBy: null } };
  return [...describeComparison([{ change: 'answer', target: 'api', action: 'http.request', a: { ...side, answer: a }, b: { ...side, answer: b } }])].slice(3);
}

test('T4.34: the lines in which two answers differ are marked, with the lines around them', () => {
  const lines = Array.from({ length: 30 }, (_, i) => `x-${i}: same`);
  assert.deepEqual(diffOf(['HTTP 200', ...lines, 'one', ''].join('\n'), ['HTTP 404', ...lines, 'other\u001B[2J', ''].join('\n')), [
    '-     HTTP 200',
    '+     HTTP 404',
    '      x-0: same',
    '      x-1: same',
    '      x-2: same',
    '      … 24 lines the same',
    '      x-27: same',
    '      x-28: same',
    '      x-29: same',
    '-     one',
    String.raw`+     other\x1b[2J`,
  ]);
});

test('T4.34: of a long line what differs is shown, and what parts behind the beginning that is kept is said to', () => {
  const start = `{"text":"${'x'.repeat(700)}`;
  const [one = '', other = '', ...more] = diffOf(`${start}","n":1}`, `${start}","n":2}`);
  assert.deepEqual(
    [one.slice(-7), other.slice(-7), more],
    ['"n":1}', '"n":2}', []].map((each) => (typeof each === 'string' ? `,${each}` : each)),
  );
  assert.ok(one.length < 400 && one.startsWith('-     …x'));
  assert.deepEqual(diffOf(`${start}…`, `${start}…`), ['      … they part further on: session show has all of it']);
});

test('T4.34: no answer is another than one', () => {
  assert.deepEqual(diffOf('', 'x\n'), ['-     (no answer)', '+     x']);
});

test('T4.34: how much is the same is said where anything is', () => {
  const side = { seq: 3, channel: 1, asked: 'GET /', answer: '', causes: { calls: [], likelyCalls: [], causedBy: null } };
  const same = { change: 'same', target: 'api', action: 'http.request', a: side, b: side } as const;
  const added = { ...same, change: 'added', a: null } as const;
  assert.match([...describeComparison([same])].join('\n'), /^1 request: the same was asked and answered/);
  assert.match([...describeComparison([added])].join('\n'), /^they part at http\.request api #3/);
  assert.match([...describeComparison([same, added])].join('\n'), /^the first request and its answer are the same\nthey part/);
});
