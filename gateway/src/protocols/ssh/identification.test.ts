import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Identification } from './identification.ts';

const takeAll = (...pieces: readonly string[]): readonly string[] => {
  const identification = new Identification();
  return pieces.map((piece) => identification.take(Buffer.from(piece)).toString());
};

test('an identification is given on when its line is whole, and all behind it as it comes', () => {
  assert.deepEqual(takeAll('S', 'SH-2', '.0-x\r', '\nab', 'c'), ['', '', '', 'SSH-2.0-x\r\nab', 'c']);
  assert.deepEqual(takeAll('SSH-2.0-x\n', ''), ['SSH-2.0-x\n', '']);
});

test('lines before it wait with it', () => {
  assert.deepEqual(takeAll('hello\r\n', '\nSSH', '-2.0-x', '\n'), ['', '', '', 'hello\r\n\nSSH-2.0-x\n']);
  assert.deepEqual(takeAll('a SSH-2.0-x\n', 'SSH-2.0-y\n'), ['', 'a SSH-2.0-x\nSSH-2.0-y\n']);
});

test('a peer that never identifies itself is not kept for ever', () => {
  const [first, second] = takeAll('x'.repeat(16_000), 'x'.repeat(400));
  assert.deepEqual([first, second?.length], ['', 16_400]);
});
