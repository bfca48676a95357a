import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClassSets } from '../classes/class-sets.ts';
import { maskChange } from '../controls/masks/mask-change.ts';
import { TerminalText } from './terminal-text.ts';

const classes = new ClassSets([]);
const key = createSecretKey(Buffer.alloc(32, 7));
const parts = { keys: { record: key, hash: key, pseudonym: key }, classSet: (names: readonly string[]) => classes.of(names), classesOf: () => [] };
const begin = (): TerminalText =>
  new TerminalText([maskChange({ methods: new Map([['email', 'redact']]), classes: ['email'], policies: [] }, 'target', parts)]);

function shown(...pieces: readonly string[]): string {
  const text = begin();
  return pieces.map((piece) => text.push(piece)).join('') + text.end();
}

const mail = 'ada.lovelace@example.com';
const masked = '[email]*****************';

test('D39: a value keeps its columns, whatever colours it has, and what is around it stays', () => {
  assert.equal(masked.length, mail.length);
  for (const [output, expected] of [
    [`mail ${mail} end\r\n`, `mail ${masked} end\r\n`],
    [`${mail} ${mail}\n${mail}`, `${masked} ${masked}\n${masked}`],
    ['to a@b.io\n', 'to [email\n'],
    [`\u001b[1m${mail}\u001b[0m x\n`, `\u001b[1m${masked}\u001b[0m x\n`],
    ['ada.lovelace@\u001b[01;31m\u001b[Kexample\u001b[m\u001b[K.com\n', '[email]******\u001b[01;31m\u001b[K*******\u001b[m\u001b[K****\n'],
    [`\u001b]0;${mail}\u0007$ `, '\u001b]0;[email]\u0007$ '],
    [`x \u001b]0;${mail}`, 'x \u001b]0;[email]'],
    [`\u001b]]${mail}\u0007`, '\u001b]][email]\u0007'],
    [`\u001b[2J\u001b[H${mail}\u001b[5;1Hx`, `\u001b[2J\u001b[H${masked}\u001b[5;1Hx`],
    ['a\u0000d\u0000a@example.com ', '[\u0000e\u0000mail]******** '],
    ['no value, \u001b[31mcolours\u001b[0m and \u001b(B é 漢字\r\n', 'no value, \u001b[31mcolours\u001b[0m and \u001b(B é 漢字\r\n'],
  ] as const) {
    assert.equal(shown(output), expected, JSON.stringify(output));
  }
});

test('D39: messages may cut output anywhere', () => {
  const output = `\u001b[1mto\u001b[0m ${mail}\r\n\u001b]2;${mail}\u001b\\$ ls \u001b[K\r\nx ada@exam\u001b[32mple.com\u001b[m, end\u001b[A`;
  const whole = shown(output);
  assert.ok(!/lovelace|exam/.test(whole), whole);
  fc.assert(
    fc.property(fc.array(fc.nat(output.length), { maxLength: 12 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), output.length];
      assert.equal(shown(...places.map((place, at) => output.slice(place, places[at + 1]))), whole);
    }),
  );
});

test('a prompt and what is typed come at once; what may begin a value waits until more comes or is typed', () => {
  const text = begin();
  assert.equal(text.push('ada@host:~$ '), 'ada@host:~$ ');
  for (const letter of 'mail ada') {
    assert.equal(text.typed(letter), '');
    assert.equal(text.push(letter), letter, 'the echo');
  }
  assert.equal(text.typed('\r'), '');
  assert.equal(text.push('\r\n'), '\r\n');
  assert.equal(text.push('lovel'), '');
  assert.equal(text.isHolding(), true);
  assert.equal(text.typed('x'), 'lovel');
  assert.equal(text.push('ace@example.com '), '*************** ', 'the rest of a value of which somebody has seen the beginning');
  assert.equal(text.push('done'), '');
  assert.equal(text.end(), 'done');
});

test('D33, D39: lines and sequences without an end are limited', () => {
  assert.throws(() => shown(`\u001b]0;${'x'.repeat(70_000)}`), { code: 'limit_exceeded' });
  assert.throws(() => shown(...Array.from({ length: 40 }, () => 'a'.repeat(5_000))), { code: 'limit_exceeded' });
  assert.equal(shown(...Array.from({ length: 40 }, () => 'a b '.repeat(2_000))).length, 320_000);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\u001b', '[', ']', '\u0007', '\u001b\\', 'P', mail, ' ', '\n', '31m')), {
        maxLength: 30,
      }),
      (pieces) => {
        assert.ok(!shown(...pieces).includes(mail));
      },
    ),
  );
});
