import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { stateOf } from './token-state.ts';

test('a token is valid until it ends or is revoked; a revoked one that has ended was revoked', () => {
  const [expires, endMs] = ['2026-11-30T12:00:00.000Z', Date.UTC(2026, 10, 30, 12)];
  assert.equal(stateOf({ expires, revoked: null }, endMs - 1), 'valid');
  assert.equal(stateOf({ expires, revoked: null }, endMs), 'expired');
  assert.equal(stateOf({ expires, revoked: '2026-11-30T11:00:00.000Z' }, endMs), 'revoked');
});
