import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { escapeControls } from './terminal.ts';

const bidirectional = [0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069];
const separators = [0x2028, 0x2029, 0xfeff];
const controls = [...Array.from({ length: 0x20 }, (_, i) => i), ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i)];

test('C30: no control, override or separator reaches the terminal', () => {
  for (const code of [...controls, ...bidirectional, ...separators]) {
    const escaped = escapeControls(`a${String.fromCodePoint(code)}b`, 'nothing');
    assert.match(escaped, /^a\\(x[0-9a-f]{2}|u\{[0-9a-f]{3,4}\})b$/, code.toString(16));
  }
  assert.equal(escapeControls('\u001B]0;title\u0007\u009B2J\u202Etxt', 'nothing'), '\\x1b]0;title\\x07\\x9b2J\\u{202e}txt');
});

test('C30: with lines kept, a carriage return still cannot overwrite one', () => {
  assert.equal(escapeControls('a\tb\nc\rd', 'lines'), 'a\tb\nc\\x0dd');
});

test('what people write stays as it is', () => {
  const text = 'naïve – 数据库 – مرحبا – 👩‍💻 – \\x1b';
  assert.equal(escapeControls(text, 'nothing'), text);
});
