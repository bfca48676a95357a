import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { Identity, Principal } from '../domain/principal.ts';
import { EmbeddedDatabase } from '../store/embedded-database.ts';
import { openIdentities, type Identities } from '../store/identities.ts';
import { Authenticator, type TokenOutcome } from './authenticator.ts';
import { formatToken, isToken } from './token-format.ts';

const hourMs = 3_600_000;
const bot: Principal = { id: 'bot', kind: 'agent', groups: ['agents'], targets: ['orders'] };

interface Office extends AsyncDisposable {
  readonly directory: string;
  readonly tokens: Identities['tokens'];
  readonly exclusions: Identities['exclusions'];
  readonly authenticator: Authenticator;
  readonly principals: Map<string, Principal>;
  nowMs: number;
}

const root = mkdtempSync(join(tmpdir(), 'countersign-identity-'));
after(() => {
  rmSync(root, { recursive: true });
});

async function openOffice(directory = mkdtempSync(join(root, 'office-'))): Promise<Office> {
  const database = new EmbeddedDatabase(join(directory, 'identity.db'));
  const { tokens, exclusions } = await openIdentities(database, { gateway: 'own', key: null, now: Date.now });
  const principals = new Map([['bot', bot]]);
  const office: Office = {
    directory,
    tokens,
    exclusions,
    principals,
    nowMs: 1_800_000_000_000,
    authenticator: new Authenticator({ tokens, exclusions, findPrincipal: (id) => principals.get(id), now: () => office.nowMs }),
    [Symbol.asyncDispose]: async () => database[Symbol.asyncDispose](),
  };
  return office;
}

/** Who it is, without how long. */
function facts(outcome: TokenOutcome): Omit<Identity, 'standing'> {
  assert.ok('identity' in outcome);
  const { standing, ...rest } = outcome.identity;
  assert.equal(standing.ended(), null);
  return rest;
}

test('a token proves its principal until it expires; that it is revoked after that is known too, because its grants are void then', async () => {
  await using office = await openOffice();
  const { token, stored, standing } = await office.authenticator.create('bot', { ttlMs: hourMs });
  assert.match(token, /^cs_[0-9A-Za-z]{49}$/);
  assert.match(stored.id, /^tok_[0-9a-f]{16}$/);
  assert.deepEqual(facts(await office.authenticator.authenticate(token)), { principal: bot, tokenId: stored.id });
  office.nowMs += hourMs - 1;
  assert.ok('identity' in (await office.authenticator.authenticate(token)));
  office.nowMs += 1;
  assert.deepEqual(await office.authenticator.authenticate(token), { refused: 'The token is not accepted: it has expired' });
  assert.equal(standing.ended()?.reason, 'expired');
  await office.authenticator.revoke(stored.id, 'ann');
  assert.equal(standing.ended()?.reason, 'revoked');
});

test('a token outlives the process, and only its hash is in the files', async () => {
  const before = await openOffice();
  const { token, stored } = await before.authenticator.create('bot');
  assert.equal(stored.expiresMs - stored.createdMs, 24 * hourMs);
  await before[Symbol.asyncDispose]();
  await using office = await openOffice(before.directory);
  assert.ok('identity' in (await office.authenticator.authenticate(token)));
  for (const name of readdirSync(office.directory)) {
    assert.ok(!readFileSync(join(office.directory, name)).includes(token.slice(3, 40)), name);
  }
});

test('each refusal has its reason', async () => {
  await using office = await openOffice();
  const { authenticator, exclusions, principals } = office;
  const { token, stored } = await authenticator.create('bot');
  const refusal = async (given: string): Promise<string> => {
    const outcome = await authenticator.authenticate(given);
    assert.ok('refused' in outcome);
    return outcome.refused;
  };
  assert.match(await refusal(''), /^No Countersign token was shown/);
  assert.match(await refusal(`${token}x`), /not a Countersign token/);
  assert.match(await refusal(formatToken(new Uint8Array(32))), /not known/);
  principals.delete('bot');
  assert.match(await refusal(token), /not configured/);
  principals.set('bot', bot);
  office.nowMs += 1000;
  assert.equal((await authenticator.revoke(stored.id, 'ann'))?.principal, 'bot');
  const revokedMs = office.nowMs;
  office.nowMs += 1;
  assert.ok(await authenticator.revoke(stored.id, 'bob'), 'revoking again is no error');
  assert.deepEqual(
    (await exclusions.unrecorded()).map(({ by }) => by),
    ['ann'],
  );
  assert.equal(exclusions.revokedMs(stored.id), revokedMs, 'and does not move the moment');
  assert.equal(await authenticator.revoke('tok_0', 'ann'), null);
  assert.match(await refusal(token), /revoked/);
});

test('a token is made for a configured principal and at most 366 days', async () => {
  await using office = await openOffice();
  await assert.rejects(office.authenticator.create('nobody'), { code: 'unknown_principal' });
  for (const ttlMs of [0, -1, Number.NaN, 366 * 24 * hourMs + 1]) {
    await assert.rejects(office.authenticator.create('bot', { ttlMs }), { code: 'limit_exceeded' });
  }
  await office.authenticator.create('bot', { ttlMs: 366 * 24 * hourMs });
});

test('B19: the session and on-behalf-of come from the token and from nowhere else', async () => {
  await using office = await openOffice();
  const session = 'ab'.repeat(16);
  const run = await office.authenticator.create('bot', { session, onBehalfOf: 'ann' });
  const plain = await office.authenticator.create('bot');
  const outcome = await office.authenticator.authenticate(run.token);
  assert.deepEqual(facts(outcome), { principal: bot, tokenId: run.stored.id, onBehalfOf: 'ann', session });
  const other = await office.authenticator.authenticate(plain.token);
  assert.ok('identity' in other && other.identity.session === undefined);
  const listed = await office.tokens.list();
  assert.deepEqual(
    listed.map(({ id }) => id),
    [plain.stored.id],
    "runs' tokens are not listed",
  );
});

test('a changed character is told from an unknown token before any lookup', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(51), fc.constantFrom(...'09AZaz-_ '.split('')), (secret, at, character) => {
      const token = formatToken(secret);
      assert.ok(isToken(token));
      const changed = token.slice(0, at) + character + token.slice(at + 1);
      assert.equal(isToken(changed), changed === token);
    }),
  );
});

test('T4.15: who is suspended, or acts on behalf of one who is, ends and stays out until it is resumed, also in another process', async () => {
  const before = await openOffice();
  before.principals.set('ann', { ...bot, id: 'ann', kind: 'human' });
  const own = await before.authenticator.create('ann');
  const behalf = await before.authenticator.create('bot', { onBehalfOf: 'ann' });
  const other = await before.authenticator.create('bot');
  await before.authenticator.suspend('ann', 'operator', 'lost laptop');
  assert.match(own.standing.ended()?.error.message ?? '', /ann was suspended by an operator: lost laptop/);
  assert.equal(behalf.standing.ended()?.reason, 'suspended');
  assert.equal(other.standing.ended(), null);
  await assert.rejects(before.authenticator.create('bot', { onBehalfOf: 'ann' }), { code: 'refused' });
  assert.equal(before.exclusions.revision, 1, 'an older copy of the file is recognised');
  await before[Symbol.asyncDispose]();
  await using office = await openOffice(before.directory);
  office.principals.set('ann', { ...bot, id: 'ann', kind: 'human' });
  for (const { token } of [own, behalf]) {
    assert.deepEqual(await office.authenticator.authenticate(token), { refused: 'The token is not accepted: ann is suspended' });
  }
  assert.ok('identity' in (await office.authenticator.authenticate(other.token)));
  assert.deepEqual(
    (await office.exclusions.unrecorded()).map(({ kind, name, by, reason }) => [kind, name, by, reason]),
    [['suspended', 'ann', 'operator', 'lost laptop']],
  );
  assert.deepEqual([await office.authenticator.resume('ann', 'operator'), await office.authenticator.resume('ann', 'operator')], [true, false]);
  assert.ok('identity' in (await office.authenticator.authenticate(own.token)));
});
