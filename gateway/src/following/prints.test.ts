import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { FollowedValues, followedMax, printFollowed, readFollowed } from '../domain/followed-values.ts';
import { Prints } from './prints.ts';
import { quickHash } from './quick-hash.ts';

const prints = new Prints(createSecretKey(Buffer.alloc(32, 7)));

function following(...values: readonly string[]): FollowedValues {
  const followed = new FollowedValues();
  values.forEach((value) => {
    followed.add({ name: 'note', print: prints.of(value) ?? assert.fail(value), record: 'log/1', source: 'crm/public.notes.text' });
  });
  return followed;
}

/** The values by their prints, so that the test knows which were found. */
function found(text: string, values: readonly string[]): readonly string[] {
  const followed = following(...values);
  const known = new Set([...prints.find(text, followed).values].map(({ print }) => print));
  return values.filter((value) => known.has(prints.of(value) ?? ''));
}

test('HalfSipHash-2-4 has the numbers of its authors', () => {
  const units = Uint16Array.from({ length: 8 }, (_, at) => (2 * at) | ((2 * at + 1) << 8));
  const numbers = [0x5b9f35a9, 0x03a662fa, 0x89466e2a, 0x23fc6358, 0x8f84b8d0];
  assert.deepEqual(
    numbers.map((_, length) => quickHash([0x03020100, 0x07060504], units, 0, length)),
    numbers,
  );
});

test('a value is found with its words alone, whatever stands around and between them', () => {
  const values = ['+49 30 901820', 'Zoë O’Neill-Šmid', '李小龙先生', 'hay fever'];
  assert.deepEqual(found('call (+49)30/90 18-20 now, Zoë O’Neill Šmid', values), values.slice(0, 2));
  assert.deepEqual(found('ZOE\u0308 O\u2019NEILL\u2013S\u030cMID; 他叫李小龙先生。', values), values.slice(1, 3));
  assert.deepEqual(found('hay, and no fever', values), []);
  assert.deepEqual(found('1+49309018200 may fevers hay', values), []);
});

test('a long value is found within a word, as binary forms and hostile clients write it, and a short one is not', () => {
  const [mail, short] = ['jane.roe@example.com', 'ab12cd34'];
  assert.deepEqual(found(`x${mail}x`, [mail]), [mail]);
  const length = String.fromCharCode(0x60 + mail.length);
  assert.deepEqual(found(`\xa2btO${length}${mail}aN\x01`, [mail]), [mail]);
  assert.deepEqual([found(`x${short}`, [short]), found(`${short}x`, [short]), found(`x ${short}.x`, [short])], [[], [], [short]]);
});

test('D34: a text that begins at each place like many values is compared only so often, and then it says that it was not all', () => {
  const followed = following(...Array.from({ length: 1000 }, (_, at) => `${'abcdef'.repeat(200).slice(0, at + 5)}z`));
  for (const text of ['a b c d e f ', 'abcdef', 'abcde ']) {
    assert.equal(prints.find(text.repeat(20_000), followed).isWhole, false, text);
  }
});

test('a value that is too short, too long or too plain is not followed', () => {
  assert.deepEqual(
    ['abcd', '10000', 'x'.repeat(2000), 'ab c'.repeat(400), 'a1b2c'].map((value) => prints.of(value) !== null),
    [false, false, false, false, true],
  );
});

test('two prints are alike only where the values are, in their begin and their length', () => {
  const [one = '', same = '', other = ''] = ['ada.lovelace@example.com', 'ADA LOVELACE example com', 'ada.lovelace@example.org'].map(
    (value) => prints.of(value) ?? '',
  );
  assert.equal(one, same);
  assert.match(one, /^[\da-f]{8}-21-[\da-f]{24}$/);
  assert.deepEqual([one.split('-')[0] === other.split('-')[0], one.split('-')[2] === other.split('-')[2]], [true, false]);
  assert.notEqual(new Prints(createSecretKey(Buffer.alloc(32, 8))).of('ada.lovelace@example.com')?.split('-')[0], one.split('-')[0]);
});

test('of a hostile text only so much is undone, and then it says that it was not all', () => {
  let nested = 'to ada.lovelace@example.com';
  for (let depth = 0; depth < 3; depth += 1) {
    nested = Buffer.from(nested).toString('base64');
  }
  assert.equal(prints.find(nested, following('ada.lovelace@example.com')).values.size, 1);
  const hostile = `${'word '.repeat(100_000)} %25252541 =3D3D3D41`;
  assert.equal(prints.find(hostile, following('ada.lovelace@example.com')).isWhole, false);
});

test('more values than are followed are said to be more, and a place that is known later is taken', () => {
  const followed = new FollowedValues();
  const add = (at: number): boolean =>
    followed.add({ name: 'note', print: `${at.toString(16).padStart(8, '0')}-9-${at.toString(16).padStart(24, '0')}`, record: 'l/1', source: 'crm' });
  for (let at = 0; at < followedMax; at += 1) {
    add(at);
  }
  assert.equal(followed.isCut, false);
  assert.deepEqual([add(5), followed.isCut, add(followedMax), followed.isCut], [false, false, false, true]);
  const value = { name: 'note', print: '00000000-9-000000000000000000000000', record: 'l/2', source: 'crm:/people/*/mail' };
  assert.deepEqual([followed.add(value), followed.add({ ...value, source: 'other:/x' })], [true, false]);
  assert.deepEqual(followed.of(value.print), [value]);
  assert.deepEqual(readFollowed(printFollowed(value)), value);
});
