import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Directory } from '../domain/issuer.ts';
import { EmbeddedDatabase } from '../store/embedded-database.ts';
import { openIdentities } from '../store/identities.ts';
import { Authenticator } from './authenticator.ts';
import { Departures } from './departures.ts';
import { LocalAdministrators } from './local-administrators.ts';

const hourMs = 3_600_000;

test('E48: what an administrator is signed in with ends, also if a clock that is ahead made it, and a later sign-in counts', async () => {
  await using database = new EmbeddedDatabase(':memory:');
  let nowMs = 1_800_000_000_000;
  const now = (): number => nowMs;
  const { accounts, exclusions, passkeys, tokens } = await openIdentities(database, { gateway: 'own', key: null, now });
  const none: Directory = { principals: new Map(), issuers: new Map(), groups: new Map(), subjects: new Map(), certificates: new Map() };
  const departures = new Departures({ accounts, exclusions, directory: () => none, now });
  using authenticator = new Authenticator({ tokens, exclusions, findPrincipal: () => undefined, now, departures });
  const administrators = new LocalAdministrators({ passkeys, tokens, exclusions, now });
  const passkey = { id: 'k-1', name: 'ann', publicKey: Uint8Array.of(), transports: [], createdMs: nowMs, counter: 0, usedMs: null };
  const signIn = async (name = 'ann', id = 'k-2', signedInMs = now()): Promise<string> =>
    (await authenticator.signIn({ name, passkey: id, signedInMs }, 12 * hourMs)).token;
  const isAccepted = async (token: string): Promise<boolean> => 'identity' in (await authenticator.authenticate(token));
  for (const end of [async () => administrators.signOut('ann'), async () => administrators.remove(passkey, 'operator')]) {
    nowMs += hourMs;
    const [ahead, other] = [await signIn(), await signIn('bea')];
    nowMs -= hourMs / 2;
    const token = await signIn();
    await end();
    assert.deepEqual(await Promise.all([ahead, token, other].map(isAccepted)), [false, false, true]);
    nowMs += 1;
    assert.ok(await isAccepted(await signIn()));
  }
  await assert.rejects(signIn('ann', passkey.id, now() + hourMs), { code: 'unauthenticated', message: /its passkey was removed/ });
});
