import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineDiff } from './line-diff.ts';

function printed(older: string, newer: string): readonly string[] {
  const marks = { both: ' ', old: '-', new: '+' } as const;
  return lineDiff(older, newer).map((line) => (line.kind === 'cut' ? `… ${line.lines}` : `${marks[line.kind]}${line.text}`));
}

test('texts are compared by lines, with a few lines around what differs', () => {
  assert.deepEqual(printed('a\nb\nc\n', 'a\nB\nc\n'), [' a', '-b', '+B', ' c']);
  assert.deepEqual(printed('', 'a\n'), ['+a']);
  assert.deepEqual(printed('a\n', ''), ['-a']);
  assert.deepEqual(printed('a\nb\n', 'a\nb\n'), []);
  assert.deepEqual(printed('1\n2\n3\n4\n5\n6\n7\n8\n9', '1\n2\n3\n4\n5\n6\n7\n8\n9\n10'), ['… 6', ' 7', ' 8', ' 9', '+10']);
  assert.deepEqual(printed('a\nb\na\nb', 'b\na\nb\na'), ['-a', ' b', ' a', ' b', '+a']);
});
