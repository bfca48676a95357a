import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looking } from '../following/testdata/looking.ts';
import { textLook } from '../following/text-look.ts';
import { MaskedAnswers } from './masked-answers.ts';

const classes = ['email'];
const make = () => textLook(classes, 'target', looking);
const seenIn = (answers: MaskedAnswers, request: number): number | null => answers.report(request)?.seen.length ?? null;

test('an answer is forgotten when the next one in order begins; those that come in any order are kept until they are over', () => {
  for (const isInOrder of [true, false]) {
    const answers = new MaskedAnswers();
    const [first, second] = [1, 2].map((request) => answers.lookAt(request, { classes, isInOrder }, make));
    first?.('to ada@example.com');
    assert.equal(seenIn(answers, 1), 1);
    second?.('to grace@example.com');
    assert.equal(seenIn(answers, 2), 1);
    first?.('to alan@example.com');
    assert.equal(seenIn(answers, 1), isInOrder ? null : 1);
    first?.('to tim@example.com');
    assert.equal(answers.over(1)?.seen.length, isInOrder ? undefined : 1);
    assert.equal(seenIn(answers, 1), null);
  }
});

test('all messages that belong to one request have one look, unless other classes are looked for; what is left at the end is told', () => {
  const answers = new MaskedAnswers();
  const look = answers.lookAt(1, { classes, isInOrder: false }, make);
  assert.equal(answers.lookAt(1, { classes, isInOrder: true }, make), look);
  const other = answers.lookAt(1, { classes: ['phone'], isInOrder: true }, make);
  assert.notEqual(other, look);
  look('to ada@example.com');
  other('to grace@example.com');
  const told = [...answers.end()].map(([request, { seen }]) => [request, seen.flatMap((each) => each.values.length)]);
  assert.deepEqual(told, [[1, [1, 1]]]);
  assert.deepEqual([...answers.end()], []);
});
