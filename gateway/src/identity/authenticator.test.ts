import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { Identity, Principal } from '../domain/principal.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Tokens } from '../store/tokens.ts';
import { Authenticator, type TokenOutcome } from './authenticator.ts';
import { formatToken, isToken } from './token-format.ts';

const hourMs = 3_600_000;
const bot: Principal = { id: 'bot', kind: 'agent', groups: ['agents'], targets: ['orders'] };

interface Office extends Disposable {
  readonly directory: string;
  readonly tokens: Tokens;
  readonly authenticator: Authenticator;
  readonly principals: Map<string, Principal>;
  nowMs: number;
}

const root = mkdtempSync(join(tmpdir(), 'countersign-identity-'));
after(() => {
  rmSync(root, { recursive: true });
});

function openOffice(directory = mkdtempSync(join(root, 'office-'))): Office {
  const database = openSqlite(join(directory, 'identity.db'), { journal: 'truncate', secureDelete: true });
  const tokens = new Tokens(database);
  const principals = new Map([['bot', bot]]);
  const office: Office = {
    directory,
    tokens,
    principals,
    nowMs: 1_800_000_000_000,
    authenticator: new Authenticator({ tokens, findPrincipal: (id) => principals.get(id), now: () => office.nowMs }),
    [Symbol.dispose]: () => {
      database.close();
    },
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

test('a token proves its principal until it expires; that it is revoked after that is known too, because its grants are void then', () => {
  using office = openOffice();
  const { token, stored, standing } = office.authenticator.create('bot', { ttlMs: hourMs });
  assert.match(token, /^cs_[0-9A-Za-z]{49}$/);
  assert.match(stored.id, /^tok_[0-9a-f]{16}$/);
  assert.deepEqual(facts(office.authenticator.authenticate(token)), { principal: bot, tokenId: stored.id });
  office.nowMs += hourMs - 1;
  assert.ok('identity' in office.authenticator.authenticate(token));
  office.nowMs += 1;
  assert.deepEqual(office.authenticator.authenticate(token), { refused: 'The token is not accepted: it has expired' });
  assert.equal(standing.ended()?.reason, 'expired');
  office.authenticator.revoke(stored.id, 'ann');
  assert.equal(standing.ended()?.reason, 'revoked');
});

test('a token outlives the process, and only its hash is in the files', () => {
  const before = openOffice();
  const { token, stored } = before.authenticator.create('bot');
  assert.equal(stored.expiresMs - stored.createdMs, 24 * hourMs);
  before[Symbol.dispose]();
  using office = openOffice(before.directory);
  assert.ok('identity' in office.authenticator.authenticate(token));
  for (const name of readdirSync(office.directory)) {
    assert.ok(!readFileSync(join(office.directory, name)).includes(token.slice(3, 40)), name);
  }
});

test('each refusal has its reason', () => {
  using office = openOffice();
  const { authenticator, tokens, principals } = office;
  const { token, stored } = authenticator.create('bot');
  const refusal = (given: string): string => {
    const outcome = authenticator.authenticate(given);
    assert.ok('refused' in outcome);
    return outcome.refused;
  };
  assert.match(refusal(''), /^No Countersign token was shown/);
  assert.match(refusal(`${token}x`), /not a Countersign token/);
  assert.match(refusal(formatToken(new Uint8Array(32))), /not known/);
  principals.delete('bot');
  assert.match(refusal(token), /not configured/);
  principals.set('bot', bot);
  office.nowMs += 1000;
  assert.equal(tokens.revoke(stored.id, office.nowMs, 'ann')?.principal, 'bot');
  assert.ok(tokens.revoke(stored.id, office.nowMs + 1, 'bob'), 'revoking again is no error');
  assert.deepEqual(
    tokens.unrecorded().map(({ by }) => by),
    ['ann'],
  );
  assert.equal(tokens.list()[0]?.revokedMs, office.nowMs, 'and does not move the moment');
  assert.equal(tokens.revoke('tok_0', office.nowMs, 'ann'), null);
  assert.match(refusal(token), /revoked/);
});

test('a token is made for a configured principal and at most 366 days', () => {
  using office = openOffice();
  assert.throws(() => office.authenticator.create('nobody'), { code: 'unknown_principal' });
  for (const ttlMs of [0, -1, Number.NaN, 366 * 24 * hourMs + 1]) {
    assert.throws(() => office.authenticator.create('bot', { ttlMs }), { code: 'limit_exceeded' });
  }
  office.authenticator.create('bot', { ttlMs: 366 * 24 * hourMs });
});

test('B19: the session and on-behalf-of come from the token and from nowhere else', () => {
  using office = openOffice();
  const session = 'ab'.repeat(16);
  const run = office.authenticator.create('bot', { session, onBehalfOf: 'ann' });
  const plain = office.authenticator.create('bot');
  const outcome = office.authenticator.authenticate(run.token);
  assert.deepEqual(facts(outcome), { principal: bot, tokenId: run.stored.id, onBehalfOf: 'ann', session });
  const other = office.authenticator.authenticate(plain.token);
  assert.ok('identity' in other && other.identity.session === undefined);
  const listed = office.tokens.list();
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

test('T4.15: who is suspended, or acts on behalf of one who is, ends and stays out until it is resumed, also in another process', () => {
  const before = openOffice();
  before.principals.set('ann', { ...bot, id: 'ann', kind: 'human' });
  const own = before.authenticator.create('ann');
  const behalf = before.authenticator.create('bot', { onBehalfOf: 'ann' });
  const other = before.authenticator.create('bot');
  before.authenticator.suspend('ann', 'operator', 'lost laptop');
  assert.match(own.standing.ended()?.error.message ?? '', /ann was suspended by an operator: lost laptop/);
  assert.equal(behalf.standing.ended()?.reason, 'suspended');
  assert.equal(other.standing.ended(), null);
  assert.throws(() => before.authenticator.create('bot', { onBehalfOf: 'ann' }), { code: 'refused' });
  assert.equal(before.tokens.revocations(), 1, 'an older copy of the file is recognised');
  before[Symbol.dispose]();
  using office = openOffice(before.directory);
  office.principals.set('ann', { ...bot, id: 'ann', kind: 'human' });
  for (const { token } of [own, behalf]) {
    assert.deepEqual(office.authenticator.authenticate(token), { refused: 'The token is not accepted: ann is suspended' });
  }
  assert.ok('identity' in office.authenticator.authenticate(other.token));
  assert.deepEqual(
    office.tokens.unrecordedSuspensions().map(({ principal, by, reason }) => [principal, by, reason]),
    [['ann', 'operator', 'lost laptop']],
  );
  assert.deepEqual([office.tokens.resume('ann'), office.tokens.resume('ann')], [true, false]);
  assert.ok('identity' in office.authenticator.authenticate(own.token));
});
