import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markDifferences } from './mark-differences.ts';
import { sideBySide } from './side-by-side.ts';
import type { Step } from './steps.ts';

function step(seq: number, asked: string, answer: string, facts: Partial<Step> = {}): Step {
  const { target = 'shop' } = facts;
  return {
    seq,
    channel: 1,
    target,
    action: 'postgres.query',
    asked,
    answer,
    askedKey: JSON.stringify([target, asked]),
    answerKey: answer,
    causes: { calls: [], likelyCalls: [], causedBy: null },
    callKey: null,
    causedByKey: null,
    isHidden: false,
    ...facts,
  };
}

test('what was asked in place of something else stands beside it, with what differs in both texts', () => {
  const a = [step(1, 'SELECT 1', '1'), step(2, 'SELECT city FROM t', 'Bern'), step(3, 'list', '', { target: 'files' }), step(4, 'COUNT', '5 rows')];
  const b = [step(1, 'SELECT 1', '1'), step(2, 'SELECT town FROM t', 'Bern'), step(9, 'COUNT', '6 rows'), step(10, 'more', '')];
  assert.deepEqual(
    [...sideBySide(a, b)].map(({ change, a: first, b: second, asked, answer }) => [change, first?.seq ?? null, second?.seq ?? null, asked, answer]),
    [
      ['same', 1, 1, null, null],
      [
        'asked',
        2,
        2,
        [
          { in: 'both', text: 'SELECT ' },
          { in: 'a', text: 'city' },
          { in: 'b', text: 'town' },
          { in: 'both', text: ' FROM t' },
        ],
        null,
      ],
      ['removed', 3, null, null, null],
      [
        'answer',
        4,
        9,
        null,
        [
          { in: 'a', text: '5' },
          { in: 'b', text: '6' },
          { in: 'both', text: ' rows' },
        ],
      ],
      ['added', null, 10, null, null],
    ],
  );
});

test('of content that the reader may not see, it is not said that it is the same', () => {
  const hidden = step(1, '', '', { isHidden: true });
  assert.deepEqual(
    [...sideBySide([hidden], [hidden])].map(({ change }) => change),
    ['unknown'],
  );
});

test('texts that have nothing in common are replaced as a whole; nothing of them is lost', () => {
  const [a, b] = [Array.from({ length: 500 }, (_none, at) => `a${at}`).join(' '), Array.from({ length: 500 }, (_none, at) => `b${at}`).join(' ')];
  const pieces = markDifferences(`same ${a} end`, `same ${b} end`);
  const textIn = (one: 'a' | 'b'): string => pieces.flatMap((piece) => (piece.in === one || piece.in === 'both' ? [piece.text] : [])).join('');
  assert.deepEqual([textIn('a'), textIn('b')], [`same ${a} end`, `same ${b} end`]);
  assert.equal(pieces.length, 4);
  assert.deepEqual(markDifferences('', ''), []);
});
