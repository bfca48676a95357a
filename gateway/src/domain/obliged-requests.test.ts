import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Obligation } from './decision.ts';
import { ObligedRequests } from './obliged-requests.ts';

const obligation = (name: string): Obligation => ({ kind: 'limit', parameters: { name } });

test('an answer has the obligations of its request, and those of all old requests if it is to an old one', () => {
  const requests = new ObligedRequests();
  const [first, second, third] = [[obligation('first')], [obligation('second')], [obligation('third')]];
  assert.deepEqual([requests.isEmpty, requests.of(undefined), requests.of(1)], [true, [], []]);
  requests.add(1, first);
  requests.add(2, second);
  requests.add(1, third);
  assert.deepEqual(
    [requests.isEmpty, requests.of(undefined), requests.of(1), requests.of(2), requests.of(3)],
    [false, third, [...first, ...third], second, []],
  );
  for (let request = 4; request < 10_000; request += 2) {
    requests.add(request, third);
  }
  assert.deepEqual(requests.of(1), [...first, ...third, ...second], 'what the requests had that are no longer known one by one');
  assert.deepEqual(requests.of(9_000), third);
  assert.deepEqual(requests.of(9_001), [], 'of a recent request it is known that it has none');
  requests.add(1, second);
  assert.deepEqual(new Set(requests.of(1)), new Set([...first, ...second, ...third]), 'an old request keeps what it had');
});
