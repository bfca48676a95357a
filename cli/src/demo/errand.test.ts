import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRepeated } from './errand.ts';

test('an agent that runs again says the same, and may get more of the answer that was cut off, and nothing else', () => {
  const said = '  asked: Why?\n  model: Because of the\n  ended: halted\n';
  assert.ok(isRepeated(said, said));
  assert.ok(isRepeated(said, said.replace('of the', 'of the weather')));
  for (const other of [
    said.replace('of the', 'of'),
    said.replace('Because', 'In spite'),
    said.replace('Why?', 'Why? Say it.'),
    said.replace('halted', 'halted by somebody'),
    `${said}  asked: Why?\n`,
    said.replace('  asked: Why?\n', ''),
    '',
  ]) {
    assert.ok(!isRepeated(said, other), other);
  }
});
