import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { areSameClaims, claimsAttribute } from './client-claims.ts';

test('claims are few, short and well-formed, and none holds the token', () => {
  const token = 'cs_token';
  const claimed = (...claims: readonly (readonly [string, string])[]): unknown => claimsAttribute(claims, token)['countersign.client.claims'];
  assert.deepEqual(claimed(['application_name', 'psql'], ['a', ''], ['b', `x ${token} y`]), ['application_name=psql']);
  assert.equal(claimed(['a', `${'x'.repeat(250)}${token}`]), undefined, 'also where the cut would divide it');
  assert.deepEqual(claimed(['a', `${'x'.repeat(255)}😀`]), [`a=${'x'.repeat(255)}�`]);
  assert.equal([claimed(...Array.from({ length: 20 }, () => ['a', 'b'] as const))].flat().length, 16);
  assert.deepEqual(claimsAttribute([], ''), {});
});

test('claims are the same only with the same names and values in the same order', () => {
  const claims = [
    ['a', '1'],
    ['b', '2'],
  ] as const;
  assert.ok(areSameClaims(claims, structuredClone(claims)));
  for (const others of [[], claims.slice(1), claims.toReversed(), [...claims, ['c', '3'] as const], [claims[0], ['b', '3'] as const]]) {
    assert.ok(!areSameClaims(claims, others));
    assert.ok(!areSameClaims(others, claims));
  }
});
