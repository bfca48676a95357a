import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignInLinks } from './sign-in-links.ts';

test('B17: a link counts once, for a minute, and only as many wait as are kept', () => {
  let nowMs = 1_000;
  const links = new SignInLinks(() => nowMs);
  const refused = { code: 'unauthenticated' };
  const { secret, expiresMs } = links.make('ann', 'token');
  assert.equal(expiresMs, 61_000);
  assert.equal(links.principalOf(secret), 'ann');
  assert.equal(links.spend(secret), 'token');
  assert.throws(() => links.spend(secret), refused);
  const late = links.make('ann', 'token');
  nowMs = late.expiresMs;
  assert.throws(() => links.principalOf(late.secret), refused);
  const first = links.make('ann', 'token');
  for (let made = 0; made < 1_000; made += 1) {
    links.make('bea', 'other');
  }
  assert.throws(() => links.spend(first.secret), refused);
});
