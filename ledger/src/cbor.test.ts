import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCbor, type CborValue } from './cbor.ts';

void test('values are written as in the examples of RFC 8949', () => {
  const examples: readonly (readonly [CborValue, string])[] = [
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [255, '18ff'],
    [1000, '1903e8'],
    [1_000_000, '1a000f4240'],
    [1_000_000_000_000, '1b000000e8d4a51000'],
    [-1, '20'],
    [-100, '3863'],
    [-1000, '3903e7'],
    [null, 'f6'],
    [Uint8Array.of(1, 2, 3, 4), '4401020304'],
    ['', '60'],
    ['\u6c34', '63e6b0b4'],
    [[], '80'],
    [[1, [2, 3]], '8201820203'],
    [{ tag: 1, value: 1_363_896_240 }, 'c11a514b67b0'],
    // RFC 8949, 4.2.1: 10 before 100 before -1 before "z" before "aa".
    [
      new Map<number | string, CborValue>([
        ['aa', 5],
        ['z', 4],
        [-1, 3],
        [100, 2],
        [10, 1],
      ]),
      'a50a011864022003617a0462616105',
    ],
  ];
  for (const [value, hex] of examples) {
    assert.equal(Buffer.from(encodeCbor(value)).toString('hex'), hex);
  }
  assert.throws(() => encodeCbor(0.5), RangeError);
});
