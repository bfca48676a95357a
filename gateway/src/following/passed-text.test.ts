import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ClassSet } from '../classes/class-set.ts';
import { PassedText } from './passed-text.ts';

const classes = new ClassSet(['email', 'card']);
const valuesOf = (passed: PassedText): string[] => passed.look().flatMap(({ text, found }) => found.map(({ start, end }) => text.slice(start, end)));

describe('text that passed', () => {
  test('a value is found also where one look ends within it', () => {
    const passed = new PassedText(classes);
    passed.add(Buffer.from('write to jane@exam'));
    assert.deepEqual(valuesOf(passed), []);
    passed.add(Buffer.from('ple.com, or to 4111 1111 '));
    assert.deepEqual(valuesOf(passed), ['jane@example.com']);
    passed.add(Buffer.from('1111 1111'));
    assert.deepEqual(valuesOf(passed), ['4111 1111 1111 1111'], 'the end may be the end of the text');
    passed.add(Buffer.from('2'));
    assert.deepEqual(valuesOf(passed), [], 'and may be not');
  });

  test('each byte is looked at once', () => {
    const passed = new PassedText(classes);
    passed.add(Buffer.from('jane@example.com or '));
    assert.deepEqual(valuesOf(passed), ['jane@example.com']);
    assert.deepEqual(valuesOf(passed), []);
    passed.add(Buffer.from('nobody else '));
    assert.deepEqual(valuesOf(passed), []);
  });

  test('of much that passed the end is looked at, and a character may be cut', () => {
    const passed = new PassedText(classes);
    passed.add(Buffer.from(`joe@example.com ${'ä'.repeat(9000)} jane@example.com é`).subarray(0, -1));
    assert.deepEqual(valuesOf(passed), ['jane@example.com']);
  });
});
