import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsOf, rangeOf } from './findings.ts';

test('a finding is at its word, in characters, or at the rest of its line; at the beginning if it is about the file', () => {
  const text = '// 😀\n  forbid (principal);\n';
  const at = (line: number | null, column: number | null): string => {
    const { from, to } = rangeOf(text, { line, column });
    return text.slice(from, to);
  };
  assert.equal(at(2, 3), 'forbid');
  assert.equal(at(2, 10), '(principal);');
  assert.equal(at(1, 4), '😀');
  assert.deepEqual(rangeOf(text, { line: null, column: null }), { from: 0, to: 0 });
  assert.deepEqual(rangeOf(text, { line: 9, column: 1 }), { from: text.length, to: text.length });
});

test('the gravest findings come first', () => {
  const problem = { file: 'a.cedar', line: 1, column: 1, message: '' };
  assert.deepEqual(
    findingsOf({ warnings: [problem], conflicts: [problem], problems: [problem] }).map(({ severity }) => severity),
    ['error', 'warning', 'info'],
  );
});
