import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedValue, type ValueChange } from './changed-value.ts';

const stars = (isWhole = false, text = (each: string): string => each.replaceAll(/secret-\w+/g, '***')): ValueChange => ({
  text: isWhole ? () => '[x]' : text,
  isWhole,
  typeOf: (oid) =>
    ({
      70000: { schema: 'public', name: 'mood', oids: [70000, 70001], form: 'e' },
      70001: { schema: 'public', name: 'mood', oids: [70000, 70001], form: 'e' },
      70002: { schema: 'public', name: 'pair', oids: [70002], form: 'c' },
      70003: { schema: 'public', name: 'word', oids: [70003, 70005], form: 'd', base: 25 },
      70005: { schema: 'public', name: 'word', oids: [70003, 70005], form: 'd', base: 25 },
      70004: { schema: 'public', name: 'citext', oids: [70004] },
    })[oid],
});

/** Returns the changed form of a value in the text format. */
function changed(type: number, text: string, change = stars()): string | null {
  return changedValue(Buffer.from(text), { type, format: 0 }, change)?.toString() ?? null;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Returns elements as arrays and rows have them in the binary format, each after its length. */
function elements(...values: readonly (Buffer | null)[]): Buffer {
  return Buffer.concat(values.flatMap((value) => (value === null ? [int32(-1)] : [int32(value.length), value])));
}

function array(type: number, hasNull: number, ...values: readonly (Buffer | null)[]): Buffer {
  return Buffer.concat([int32(1), int32(hasNull), int32(type), int32(values.length), int32(1), elements(...values)]);
}

function binary(type: number, value: Buffer, change = stars()): Buffer | null {
  return changedValue(value, { type, format: 1 }, change);
}

test('within JSON, a value of which nothing is left is null', () => {
  const nothing = stars(false, (each) => (each === 'secret-1' ? '' : each));
  assert.equal(changed(3802, '{"a": ["secret-1", "secret-1 b", ""], "n": 1}', nothing), '{"a": [null, "secret-1 b", ""], "n": 1}');
  assert.deepEqual(binary(3802, Buffer.from('\u{1}{"a": "secret-1"}'), nothing), Buffer.from('\u{1}{"a": null}'));
});

test('values in the text format stay valid for their types', () => {
  for (const [type, text, expected] of [
    [25, 'a secret-1', 'a ***'],
    [0, 'a secret-1', 'a ***'],
    [70004, 'a secret-1', 'a ***'],
    [114, '{"a": ["secret-1", 1.50]}', '{"a": ["***", 1.50]}'],
    [3802, '"\\u0073ecret-1"', '"***"'],
    [17, '\\x612073656372 65742d31'.replace(' ', ''), `\\x${Buffer.from('a ***').toString('hex')}`],
    [17, 'a\\000secret-1\\\\', 'a\\000***\\\\'],
    [1009, '{a,"secret-1 \\"b\\"",NULL,{secret-2,""}}', '{a,"*** \\"b\\"",NULL,{"***",""}}'],
    [1009, '[0:1]={secret-1,b}', '[0:1]={"***",b}'],
    [70001, '{good,secret-1}', '{good,NULL}'],
    [70000, 'secret-1', null],
    [2249, '(1,"say ""secret-1"", \\\\",,secret-2)', '(1,"say ""***"", \\\\",,"***")'],
    [2249, '("{""a"":""secret-1""}","{x,secret-2}","\\\\x7365637265742d31")', '("{""a"":""***""}","{x,""***""}","\\\\x2a2a2a")'],
    [3908, '["2020-01-01 00:00:00",)', '["2020-01-01 00:00:00",)'],
    [869, 'secret-1', null],
    [1082, '2020-01-01', '2020-01-01'],
    [70005, '{secret-1,b}', '{"***",b}'],
  ] as const) {
    assert.equal(changed(type, text), expected, `${type}: ${text}`);
  }
});

test('a value that is changed whatever it is becomes NULL if its type has no such value', () => {
  const whole = stars(true);
  for (const [type, text, expected] of [
    [25, 'a', '[x]'],
    [23, '1', null],
    [16, 't', null],
    [18, 'a', null],
    [3802, '{"a": 1}', '"[x]"'],
    [1007, '{1,NULL,2}', '{NULL,NULL,NULL}'],
    [1009, '{a}', '{"[x]"}'],
    [2249, '(1,a)', '(,"[x]")'],
    [3904, '[1,2)', null],
    [17, '\\x00ff', '\\x5b785d'],
  ] as const) {
    assert.equal(changed(type, text, whole), expected, `${type}: ${text}`);
  }
  assert.equal(
    changed(
      23,
      '17',
      stars(false, () => '42'),
    ),
    '42',
  );
  assert.equal(
    changed(
      21,
      '17',
      stars(false, () => '70000'),
    ),
    null,
  );
  assert.deepEqual(
    binary(
      21,
      Buffer.from([0, 17]),
      stars(false, () => '-2'),
    ),
    Buffer.from([0xff, 0xfe]),
  );
  for (const [type, value] of [
    [16, Buffer.from([1])],
    [1114, Buffer.alloc(8)],
    [600, Buffer.alloc(16)],
    [99999, Buffer.from('?')],
  ] as const) {
    assert.equal(binary(type, value, whole), null);
  }
});

test('values in the binary format are read by their types, and those that cannot be read are refused', () => {
  const one = Buffer.from('a secret-1');
  const other = Buffer.from('a ***');
  assert.deepEqual(binary(25, one), other);
  assert.deepEqual(binary(17, one), other);
  assert.deepEqual(binary(3802, Buffer.from('\u0001{"a":"secret-1"}')), Buffer.from('\u0001{"a":"***"}'));
  assert.deepEqual(binary(1009, array(25, 1, one, null)), array(25, 1, other, null));
  assert.deepEqual(binary(70001, array(70000, 0, Buffer.from('good'), Buffer.from('secret-1'))), array(70000, 1, Buffer.from('good'), null));
  const row = (...columns: readonly (readonly [number, Buffer])[]): Buffer =>
    Buffer.concat([int32(columns.length), ...columns.flatMap(([type, value]) => [int32(type), elements(value)])]);
  for (const type of [2249, 70002]) {
    assert.deepEqual(
      binary(type, row([23, int32(7)], [70003, one], [1009, array(25, 0, one)])),
      row([23, int32(7)], [70003, other], [1009, array(25, 0, other)]),
    );
  }
  const days = stars(false, (text) => (text === '2000-01-08' || text === '10.0.0.7' ? '***' : text));
  assert.equal(binary(1082, int32(7), days), null);
  assert.deepEqual(binary(1082, int32(8), days), int32(8));
  assert.equal(binary(869, Buffer.from([2, 32, 0, 4, 10, 0, 0, 7]), days), null);
  assert.equal(binary(3912, Buffer.concat([Buffer.of(2), elements(int32(1), int32(7))]), days), null);
  for (const [type, value] of [
    [0, one],
    [99999, one],
    [701, Buffer.from('three')],
    [1700, Buffer.from('zq')],
  ] as const) {
    assert.throws(() => binary(type, value), { code: 'unsupported' });
  }
  assert.throws(() => binary(1009, array(23, 0, int32(1))), { code: 'malformed' });
});
