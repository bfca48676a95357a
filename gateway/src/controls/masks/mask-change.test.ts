import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { CountedWork } from '../../../../tests/support/counted-work.ts';
import { builtInClasses } from '../../classes/catalogue.ts';
import { ClassSets } from '../../classes/class-sets.ts';
import { hostileTexts } from '../../classes/testdata/hostile-texts.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { maskChange } from './mask-change.ts';
import { Pseudonyms } from './pseudonyms.ts';

const classes = new ClassSets([]);
const key = createSecretKey(Buffer.alloc(32, 7));
const parts = { keys: { record: key, hash: key, pseudonym: key }, classSet: (names: readonly string[]) => classes.of(names), classesOf: () => [] };

test('the record tells where each value was masked and by which policies, and a member that is named by a value is not told', () => {
  const change = maskChange({ methods: new Map([['email', 'redact']]), classes: ['email'], policies: ['one', 'two'] }, 'target', parts);
  assert.equal(change('to ada@example.com', ['/people/ada@example.com/mail']), 'to [email]');
  const piece = change.begin?.(['/said']);
  assert.equal(`${piece?.push('to bob@exam')}${piece?.push('ple.com')}${piece?.end()}`, 'to [email]');
  assert.equal(change('to eve@example.com'), 'to [email]');
  const report = change.report?.() ?? null;
  assert.deepEqual(
    report?.values.map(({ name, method, place }) => [name, method, place]),
    [
      ['email', 'redact', '/people/*/mail'],
      ['email', 'redact', '/said'],
      ['email', 'redact', null],
    ],
  );
  assert.deepEqual(report.policies, ['one', 'two']);
});

test('a part of a text with more encodings than are undone is masked as a whole, by whatever method', () => {
  const part = hostileTexts['more encodings than are undone'] ?? assert.fail();
  const change = maskChange({ methods: new Map([['email', 'last4']]), classes: ['email'], policies: [] }, 'target', parts);
  assert.equal(change(`"to ada@example.com" "${part} "and bob@example.com"`), '"to ***@******e.com" "[unknown]" "and ***@******e.com"');
  assert.deepEqual(
    [...(change.report?.()?.counts ?? [])],
    [
      ['email', 2],
      ['unknown', 1],
    ],
  );
});

/** Changes a text as a whole, and in pieces that end at each place and at the next. Returns the result, which must be the same. */
function changedAnyhow(change: TextChange, text: string, sources?: readonly string[]): string {
  const whole = change(text, sources);
  for (let at = 0; at <= text.length; at += 1) {
    const stream = change.begin?.(sources);
    const pieces = [text.slice(0, at), text.slice(at, at + 1), text.slice(at + 1)].map((piece) => stream?.push(piece));
    assert.equal(`${pieces.join('')}${stream?.end()}`, whole, `cut at ${at}`);
  }
  return whole;
}

test('the name of the member that has a text is as a word before it, also if the text comes in pieces or is long', () => {
  const change = maskChange({ methods: new Map([['passport', 'redact']]), classes: ['passport'], policies: [] }, 'target', parts);
  for (const [text, changed, ...sources] of [
    ['C01X00T47', '[passport]', '/passport'],
    ['C01X00T47', 'C01X00T47', '/id'],
    ['C01X00T47', 'C01X00T47'],
    ['C01X00T47, C01X00T48', '[passport], [passport]', '=passport'],
    ['%430%31X00T47', '[passport]', '=passport', 'public.people.value'],
    [Buffer.from('C01X00T47 of 2031').toString('base64'), '[passport]IG9mIDIwMzE=', 'public.people.passport'],
    ['C01X00T47', '[passport]', '=order', 'public.people.passport'],
    ['C01X00T47', 'C01X00T47', '=passport', 'public.people.order'],
    ['C01X00T47', 'C01X00T47', 'public.people.passport', '/of/id'],
    ['C01X00T47', '[passport]', 'public.people.passport', '/0/number'],
    ['C01X00T47 is said', '[passport] is said', `/${'a'.repeat(100)} passport`],
    [`${'and so on '.repeat(10)}C01X00T47`, `${'and so on '.repeat(10)}C01X00T47`, '/passport'],
  ] as const) {
    assert.equal(changedAnyhow(change, text, sources), changed, `${sources.join()} ${text}`);
  }
  const slices = change.inSlices?.(`C01X00T47 ${'and so on '.repeat(2_000)}`, ['/passport']) ?? assert.fail();
  let step = slices.next();
  while (step.done !== true) {
    step = slices.next();
  }
  assert.equal(step.value.slice(0, 12), '[passport] a');
  assert.deepEqual(
    [...new Set(change.report?.()?.values.map(({ place }) => place))],
    ['/passport', null, 'public.people.value', 'public.people.passport'],
    'a name alone is no place',
  );
});

test('A13, D39: arguments of a tool that are masked stay arguments, wherever a stream cuts them', () => {
  const given = String.raw`{"card": 4111111111111111, "n": [4111111111111111,7], "s": "4111111111111111", "to": "ada\u0040example.com", "kept": -1.50}`;
  for (const method of ['redact', 'last4', 'hash', 'null', 'replace', 'pseudonym'] as const) {
    const methods = new Map([
      ['card', method],
      ['email', method],
    ]);
    const changed = changedAnyhow(maskChange({ methods, classes: [...methods.keys()], policies: [] }, 'target', parts), given);
    const { card, n, s, to, kept } = JSON.parse(changed);
    assert.deepEqual([card, n, kept], [null, [null, 7], -1.5], changed);
    assert.ok(!/4111111111111111|ada|example/.test(s + to) || method === 'last4', changed);
  }
  const redact = maskChange({ methods: new Map([['card', 'redact']]), classes: ['card'], policies: [] }, 'target', parts);
  assert.equal(redact('card: 4111111111111111'), 'card: [card]');
  assert.equal(redact('[{"a":4111111111111111}, 4111111111111111]'), '[{"a":null}, null]');
});

test('one value has one token and one digest, in whatever encoding and with whatever separators it is written', () => {
  const change = maskChange(
    {
      methods: new Map([
        ['email', 'hash'],
        ['card', 'hash'],
        ['iban', 'hash'],
      ]),
      classes: ['email', 'card', 'iban'],
      policies: [],
    },
    'target',
    parts,
  );
  const tokens = (...texts: readonly string[]): ReadonlySet<string> =>
    new Set(texts.flatMap((text) => change(text).match(/(?:email|card|iban)_[0-9a-f]{16}/g) ?? [text]));
  const mails = [
    'ann@x.com',
    'ann%40x.com',
    String.raw`ann\u0040x.com`,
    'ann&#64;x.com',
    'ann=40x.com',
    'ａｎｎ＠ｘ．ｃｏｍ',
    Buffer.from('to ann@x.com now').toString('base64'),
  ];
  assert.equal(tokens(...mails).size, 1);
  assert.equal(new Set(change.report?.()?.values.map(({ digest }) => digest)).size, 1);
  assert.equal(tokens('4111 1111 1111 1111', '4111111111111111', 'card 4111%2D1111%2D1111%2D1111').size, 1);
  assert.equal(tokens('DE89 3704 0044 0532 0130 00', 'DE89370400440532013000').size, 1);
  assert.equal(tokens('ann@x.com', 'a.nn@x.com', '4111111111111111', '5500000000000004').size, 4);
});

test('a value has all of an escape, or nothing of it, and of a value with escapes nothing is left', () => {
  const change = maskChange(
    {
      methods: new Map([
        ['driving-licence', 'last4'],
        ['card', 'replace'],
      ]),
      classes: ['driving-licence', 'card'],
      policies: [],
    },
    'target',
    parts,
  );
  assert.equal(change("driver's%20license%20D123"), "driver's%20license[driving-licence]");
  assert.equal(change("driver's%20license%20D1234567"), "driver's%20license%20[driving-licence]");
  assert.equal(change("driver's license D1234567"), "driver's license ****4567");
  assert.equal(change(String.raw`driver\u0020D1234567`), String.raw`driver\u0020[driving-licence]`);
  assert.equal(change('card 4111%2D1111%2D1111%2D1111.'), 'card [card].');
});

test('A13: a value that is put back in the arguments of a tool ends no string of them', () => {
  const pseudonyms = new Pseudonyms();
  const value = 'x", "isAdmin": true,\n"y": "\\';
  pseudonyms.remember('session', 'note_0123456789abcdef', value);
  const restoring = pseudonyms.restoring('session', ['note']);
  assert.deepEqual(JSON.parse(changedAnyhow(restoring, '{"to": "of note_0123456789abcdef."}')), { to: `of ${value}.` });
  assert.equal(changedAnyhow(restoring, 'to note_0123456789abcdef.'), `to ${value}.`);
  assert.equal(changedAnyhow(pseudonyms.restoring('another', ['note']), 'to note_0123456789abcdef.'), 'to note_0123456789abcdef.');
});

test('D34: the work of masks, and of putting back, is linear in the length of the text', () => {
  const restoring = new Pseudonyms().restoring(
    'session',
    builtInClasses.map(({ name }) => name),
  );
  /** Changes a text in pieces of so many characters. Returns the most that are held back, each of which is looked at again with the next piece. */
  const mostHeld = (change: TextChange, text: string, pieceUnits: number): number => {
    const stream = change.begin?.() ?? assert.fail();
    let most = 0;
    let changedUnits = 0;
    for (let at = 0; at < text.length; at += pieceUnits) {
      const piece = text.slice(at, at + pieceUnits);
      changedUnits += stream.push(piece).length;
      most = Math.max(most, at + piece.length - changedUnits);
    }
    stream.end();
    return most;
  };
  for (const part of [
    'email_',
    'a@',
    'a.',
    '1 ',
    '4',
    '-----BEGIN ',
    '{"',
    '"\\',
    'eyJ.',
    '%40',
    '=3D',
    '&#64;',
    'https://a:b',
    'AAAA',
    '+1-',
    'a:',
    '\u{200b}@',
  ]) {
    const text = part.repeat(100_000 / part.length);
    for (const pieceUnits of [1_000, text.length]) {
      assert.ok(mostHeld(restoring, text, pieceUnits) < 100, JSON.stringify(part));
      const counted = new CountedWork();
      mostHeld(counted.mask(), text, pieceUnits);
      assert.ok(counted.total <= 3 * text.length, `${counted.total} characters are looked at: ${JSON.stringify(part)}`);
    }
  }
});
