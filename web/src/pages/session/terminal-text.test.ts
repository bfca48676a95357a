import assert from 'node:assert/strict';
import { test } from 'node:test';
import { terminalText, type TextRun } from './terminal-text.ts';

const out = (text: string): { readonly text: string; readonly isError: boolean } => ({ text, isError: false });
const textOf = (line: readonly TextRun[]): string => line.map(({ text }) => text).join('');
const linesOf = (...texts: readonly string[]): readonly string[] => terminalText(texts.map(out)).lines.map(textOf);

test('a return goes to the beginning of the line, a backspace one place back, and what is printed there takes the place of what was', () => {
  assert.deepEqual(linesOf('10 %\r20 %', '\r30 %\ndone\r\n'), ['30 %', 'done', '']);
  assert.deepEqual(linesOf('abc\b\bX\b\b\b\bY'), ['YXc']);
  assert.equal(terminalText([out('10 %\r20 %')]).isOverwritten, true);
  assert.equal(terminalText([out('one\r\ntwo\r\n')]).isOverwritten, false);
});

test('colours and fonts are followed over pieces, even if a command is divided', () => {
  const { lines } = terminalText([out('\u001B[1;3'), out('1mred\u001B[0m plain \u001B[4;96mcyan\u001B[39'), out('mline')]);
  assert.deepEqual(
    lines[0]?.map(({ text, style: { colour, isBold, isUnderlined } }) => [text, colour, isBold, isUnderlined]),
    [
      ['red', 'red', true, false],
      [' plain ', null, false, false],
      ['cyan', 'cyan', false, true],
      ['line', null, false, true],
    ],
  );
});

test('nothing is made invisible: other colours are as other text, and what is behind a text stays', () => {
  const { lines } = terminalText([out('\u001B[38;5;16;48;2;0;0;0;8mseen\u001B[30;40mtoo')]);
  assert.equal(textOf(lines[0] ?? []), 'seentoo');
  assert.deepEqual(
    lines[0]?.map(({ style }) => [style.colour, style.isBold]),
    [
      [null, false],
      [null, false],
    ],
  );
});

test('all other commands of terminals stay as they are, and a command that never ends too', () => {
  assert.deepEqual(linesOf('\u001B[2J\u001B]0;owned\u0007\u001B[1A'), ['\u001B[2J\u001B]0;owned\u0007\u001B[1A']);
  assert.deepEqual(linesOf('end\u001B[3'), ['end\u001B[3']);
  const endless = `\u001B[${'1'.repeat(300_000)}`;
  assert.deepEqual(linesOf(endless), [endless]);
});

test('what a program says of its errors is told apart', () => {
  const { lines } = terminalText([out('a'), { text: 'b', isError: true }, out('c')]);
  assert.deepEqual(
    lines[0]?.map(({ text, style }) => [text, style.isError]),
    [
      ['a', false],
      ['b', true],
      ['c', false],
    ],
  );
});

test('marks stay on the character that they are put on', () => {
  assert.deepEqual(linesOf('e\u0301x\rE'), ['Ex']);
});
