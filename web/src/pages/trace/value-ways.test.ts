import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import { lineTo, mapOf, waysOf } from './value-ways.ts';

const place = (seq: number, target: string | null): Schemas['TracedValue']['from'] => ({
  record: `log/${seq}`,
  session: target === null ? null : '0'.repeat(32),
  seq: target === null ? null : seq,
  time: null,
  target,
  action: null,
});

function value(print: string, from: number, carriers: readonly (readonly [number, string])[], name = 'email'): Schemas['TracedValue'] {
  const carriedBy = carriers.map(([seq, target]) => ({ ...place(seq, target), verdict: 'allow', policies: [] }));
  return { class: name, print, source: 'shop/customers.email', from: place(from, 'shop'), carriedBy, carriersLeftOut: 0 };
}

test('values that went the same way are one, and those that went another are told by their prints', () => {
  const ways = waysOf([
    value('print-of-the-first', 1, [[2, 'model']]),
    value('print-of-the-second', 1, [[2, 'model']]),
    value('print-of-another', 1, []),
    value('print-of-a-phone', 1, [], 'phone'),
  ]);
  assert.deepEqual(
    ways.map(({ value: { class: name, carriedBy }, many, print }) => [name, carriedBy.length, many, print]),
    [
      ['email', 1, 2, null],
      ['email', 0, 1, '-another'],
      ['phone', 0, 1, null],
    ],
  );
});

test('a way begins where values came, and each request is on the lane of its target', () => {
  const [way = assert.fail()] = waysOf([
    value('p', 1, [
      [2, 'model'],
      [3, 'mail'],
      [4, 'model'],
    ]),
  ]);
  const map = mapOf(way, 3);
  assert.deepEqual(map.lanes, ['shop', 'model', 'mail']);
  assert.deepEqual(
    map.steps.map(({ place: { seq }, carrier, lane }) => [seq, carrier?.seq, lane]),
    [
      [1, undefined, 0],
      [2, 2, 1],
      [3, 3, 2],
      [4, 4, 1],
    ],
  );
  assert.deepEqual(mapOf(way, 1).lanes, ['shop', 'model']);
  assert.equal(lineTo(map, 2), 'M0.5 0.5C1 0.5 1.75 2.5 2.5 2.5');
});
