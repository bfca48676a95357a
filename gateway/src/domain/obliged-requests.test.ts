import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Obligation } from './decision.ts';
import { ObligedRequests } from './obliged-requests.ts';

const obligation = (policy: string, most = '1'): Obligation => ({ kind: 'limit', parameters: { policy, what: 'rows', seconds: '60', most } });

test('a limit that came later applies to answers to the requests before it, once, and to none after it', () => {
  const requests = new ObligedRequests();
  const [first, changed, other] = [obligation('first'), obligation('first', '2'), obligation('other')];
  requests.add(2, [first]);
  requests.addLater(3, [changed, other]);
  requests.addLater(5, [other]);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((request) => requests.of(request)),
    [[changed, other], [first, other], [changed, other], [other], [other], []],
  );
  assert.deepEqual(requests.of(undefined), [first, other]);
  requests.add(6, [first]);
  assert.deepEqual([requests.of(6), requests.of(undefined)], [[first], [first]]);
});

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
