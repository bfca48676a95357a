import { strict as assert } from 'node:assert';
import { generateKeyPairSync, hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { CompactSign, exportJWK, generateKeyPair, importJWK, SignJWT, UnsecuredJWT, type JWK, type JWTHeaderParameters } from 'jose';
import { subjectKey, type Directory, type Group, type Issuer } from '../domain/issuer.ts';
import { jwtCharactersMax } from '../domain/jwt-form.ts';
import type { Identity, Principal } from '../domain/principal.ts';
import { readIssuerDocument } from '../assembly/issuer-document.ts';
import { EmbeddedDatabase } from '../store/embedded-database.ts';
import { openIdentities } from '../store/identities.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { portOf } from '../wire/testdata/sockets.ts';
import { Authenticator } from './authenticator.ts';
import { Issuers, type IssuedToken } from './issuers.ts';

const startMs = 1_800_000_000_000;

/** Claims of any form, as an attacker may write them. */
type Claims = Readonly<Record<string, unknown>>;

interface Key {
  readonly kid: string;
  readonly alg: string;
  readonly secret: CryptoKey;
  readonly published: JWK;
}

async function makeKey(kid: string, alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, secret: privateKey, published: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** An issuer that publishes keys over HTTP. Its tokens are made by the tests. */
class Publisher implements AsyncDisposable {
  readonly #server: Server;
  readonly url: string;
  keys: readonly JWK[] = [];
  /** The number of times that its keys were read. */
  reads = 0;
  isDown = false;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${portOf(server)}`;
  }

  static async open(): Promise<Publisher> {
    const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
      publisher.#answer(request.url ?? '', (status, body) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const publisher = new Publisher(server);
    return publisher;
  }

  #answer(path: string, answer: (status: number, body: unknown) => void): void {
    if (this.isDown) {
      answer(503, {});
    } else if (path === '/.well-known/openid-configuration') {
      answer(200, { issuer: this.url, jwks_uri: `${this.url}/keys` });
    } else {
      this.reads += 1;
      answer(200, { keys: this.keys });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}

describe('tokens of issuers', () => {
  let corp: Publisher;
  let partner: Publisher;
  let key: Key;
  let partnerKey: Key;
  let nowMs = startMs;
  let issuers: Issuers;
  let directory: Directory;
  const acceptedIds: string[] = [];
  const troubles: string[] = [];
  /** Runs while the keys of an issuer are read. */
  let onKeys = (): void => undefined;
  let whileReading = (): void => undefined;
  const parts = new AsyncDisposableStack();
  before(async () => {
    corp = parts.use(await Publisher.open());
    partner = parts.use(await Publisher.open());
    key = await makeKey('k1');
    partnerKey = await makeKey('k1');
    corp.keys = [key.published];
    partner.keys = [partnerKey.published];
  });
  after(async () => {
    await parts.disposeAsync();
  });

  const issuer = (name: string, { url }: Publisher, more: Partial<Issuer> = {}): Issuer => ({
    name,
    url,
    clientId: 'countersign',
    clientSecret: null,
    scim: null,
    audience: 'countersign',
    scope: 'openid email offline_access',
    groups: 'groups',
    principal: 'email',
    ...more,
  });
  const bot: Principal = { id: 'bot', kind: 'agent', groups: ['agents'], targets: ['orders'] };
  const groups = new Map<string, Group>([
    ['compliance', { targets: ['orders'], issuers: ['corp'] }],
    ['visitors', { targets: ['wiki'], issuers: ['corp', 'partner'] }],
    ['payroll', { targets: ['payroll'], issuers: ['partner'] }],
  ]);

  /** Begins with issuers that have read no keys yet. */
  function fresh(more: Partial<Directory> = {}): void {
    nowMs = startMs;
    corp.reads = 0;
    corp.keys = [key.published];
    corp.isDown = false;
    directory = {
      principals: new Map([['bot', bot]]),
      issuers: new Map([
        ['corp', issuer('corp', corp)],
        ['partner', issuer('partner', partner)],
      ]),
      groups,
      subjects: new Map([[subjectKey('corp', 'bot-client'), 'bot']]),
      certificates: new Map(),
      ...more,
    };
    acceptedIds.length = 0;
    whileReading = () => undefined;
    issuers = new Issuers({
      directory: () => directory,
      read: async (url, from) => {
        const document = await readIssuerDocument(url, from);
        whileReading();
        return document;
      },
      now: () => nowMs,
      onAccept: ({ id }) => acceptedIds.push(id),
      onTrouble: ({ message }) => troubles.push(message),
      onKeys: () => {
        onKeys();
      },
    });
  }

  const claims = (more: Claims = {}): Claims => ({
    iss: corp.url,
    sub: 'u-1',
    aud: 'countersign',
    exp: startMs / 1000 + 300,
    email: 'Ann@Corp.example',
    groups: ['compliance', 'strangers', 'payroll'],
    ...more,
  });
  const sign = async (payload: Claims, header: Partial<JWTHeaderParameters> = {}, by: Key = key): Promise<string> =>
    new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: by.alg, kid: by.kid, ...header }).sign(by.secret);
  const accepted = async (token: string): Promise<IssuedToken> => {
    const outcome = await issuers.verify(token);
    return 'token' in outcome ? outcome.token : assert.fail(outcome.refused);
  };
  const refused = async (token: string, reason: RegExp): Promise<void> => {
    const outcome = await issuers.verify(token);
    assert.ok('refused' in outcome, 'it was accepted');
    assert.match(outcome.refused, reason);
  };

  test('a token stands for the principal that it names, in the namespace of its issuer, with the groups that the configuration knows', async () => {
    fresh();
    const token = await sign(claims());
    const { principal, onBehalfOf, issued, expiresMs, id } = await accepted(token);
    assert.deepEqual(principal, { id: 'corp/ann@corp.example', kind: 'human', groups: ['compliance'], targets: ['orders'] });
    assert.deepEqual([onBehalfOf, issued, expiresMs], [null, { issuer: corp.url, subject: 'u-1' }, startMs + 330_000]);
    assert.match(id, /^jwt_[0-9a-f]{16}$/);
    const again = await Promise.all([accepted(token), accepted(token)]);
    assert.deepEqual([...new Set(again.map((each) => each.id))], [id]);
    const second = await sign(claims({ jti: 'second' }));
    const [one, other] = await Promise.all([accepted(second), accepted(second)]);
    assert.equal(one, other);
    assert.equal(acceptedIds.pop(), one.id);
    assert.deepEqual(acceptedIds, [id], 'once for all the times that it is shown');
    assert.equal(corp.reads, 1);
    assert.deepEqual((await accepted(await sign(claims({ groups: 'compliance' })))).principal.groups, ['compliance'], 'one text is one group');
    assert.deepEqual((await accepted(await sign(claims({ groups: undefined })))).principal.targets, [], 'a group that is not claimed is left');
  });

  test('the name of a configured principal is claimed in vain: only a subject that the configuration binds is that principal', async () => {
    fresh({ issuers: new Map([['corp', issuer('corp', corp, { principal: 'name' })]]) });
    assert.equal((await accepted(await sign(claims({ name: 'bot' })))).principal.id, 'corp/bot');
    assert.deepEqual((await accepted(await sign(claims({ sub: 'bot-client', name: 'x' })))).principal, bot);
    assert.equal((await accepted(await sign(claims({ name: 'o’neil | $(x)\u001b[2J' })))).principal.id, 'corp/o%E2%80%99neil%20%7C%20%24%28x%29%1B%5B2J');
    for (const name of ['', '\ud800', 'x'.repeat(255), 7, ['bot'], undefined]) {
      await refused(await sign(claims({ name })), /its claim name does not name a principal/);
    }
    await refused(await sign({ ...claims(), sub: '', name: 'x' }), /subject/);
  });

  test('B17: a logout token is one of the issuer, for the client, of now, and nothing else', async () => {
    fresh();
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    const said: Claims = { iss: corp.url, aud: 'countersign', sub: 'u-1', sid: 's-1', iat: startMs / 1000, exp: startMs / 1000 + 120, jti: 'j-1', events };
    const corpIssuer = directory.issuers.get('corp') ?? assert.fail();
    const verify = async (more: Claims, header: Partial<JWTHeaderParameters> = {}, by = key): Promise<unknown> => {
      const outcome = await issuers.verifyLogout(corpIssuer, await sign({ ...said, ...more }, header, by));
      return 'refused' in outcome ? outcome.refused : outcome.logout;
    };
    const logout = { issuer: 'corp', subject: 'u-1', signIn: 's-1', id: 'j-1', endedMs: startMs };
    assert.deepEqual(await verify({}, { typ: 'logout+jwt' }), logout);
    assert.deepEqual(await verify({}), logout, 'issuers that are older than the type leave it out');
    assert.deepEqual(await verify({ sub: undefined }), { ...logout, subject: null });
    assert.deepEqual(await verify({ sid: undefined }), { ...logout, signIn: null });
    assert.deepEqual(await verify({ iat: startMs / 1000 + 0.0005 }), { ...logout, endedMs: startMs + 1 }, 'a time has parts of a second, and is kept in ms');
    assert.deepEqual(await verify({ iat: startMs / 1000 - 20 }), logout, 'a slow clock of the issuer leaves nothing that was begun before');
    const wrong: readonly (readonly [RegExp, Claims, Partial<JWTHeaderParameters>?, Key?])[] = [
      [/signature is wrong/, {}, {}, partnerKey],
      [/claim iss/, { iss: partner.url }],
      [/audience countersign/, { aud: 'another' }],
      [/expired/, { exp: startMs / 1000 - 31 }],
      [/exp/, { exp: undefined }],
      [/claim iat/, { iat: undefined }],
      [/claim jti/, { jti: undefined }],
      [/names neither/, { jti: 7 }],
      [/names neither/, { sub: undefined, sid: undefined }],
      [/names neither/, { sub: undefined, sid: 7 }],
      [/claim events/, { events: undefined }],
      [/not a logout token/, { events: {} }],
      [/not a logout token/, { events: { 'http://schemas.openid.net/event/backchannel-logout': true } }],
      [/not a logout token/, {}, { typ: 'at+jwt' }],
      [/nonce/, { nonce: 'n' }],
    ];
    for (const [reason, more, header, by] of wrong) {
      assert.match(String(await verify(more, header, by)), reason, JSON.stringify(more));
    }
    const unsigned = new UnsecuredJWT(said).encode();
    assert.ok('refused' in (await issuers.verifyLogout(corpIssuer, unsigned)));
    await refused(await sign(said), /made it for something else/);
  });

  test('a token of a sign-in is accepted for 30 days, because the ends of sign-ins are kept as long', async () => {
    fresh();
    const [iat, exp] = [startMs / 1000 - 29 * 86_400, startMs / 1000 + 300 * 86_400];
    assert.equal((await accepted(await sign(claims({ sid: 's', iat, exp })))).expiresMs, startMs + 86_400_000);
    await refused(await sign(claims({ sid: 's', iat: iat - 86_400, exp })), /made more than 30 days ago/);
    await accepted(await sign(claims({ iat: iat - 86_400, exp })));
  });

  test('an address that its issuer has not verified names nobody', async () => {
    fresh();
    for (const verified of [false, 'false', null, 0]) {
      await refused(await sign(claims({ email_verified: verified })), /claim email does not name/);
    }
    await accepted(await sign(claims({ email_verified: true })));
  });

  test('a token that a client got for itself is that of an agent', async () => {
    fresh();
    const agent = { email: 'nightly@corp.example' };
    for (const more of [{ client_id: 'u-1' }, { azp: 'u-1' }, { sub: 'x@clients', azp: 'x' }, { idtyp: 'app' }, { gty: 'client-credentials' }]) {
      assert.equal((await accepted(await sign(claims({ ...agent, ...more })))).principal.kind, 'agent', JSON.stringify(more));
    }
    assert.equal((await accepted(await sign(claims({ azp: 'countersign' })))).principal.kind, 'human');
  });

  test('who acts on behalf of the subject is the principal, and its groups are not those of the subject', async () => {
    fresh();
    const { principal, onBehalfOf, issued } = await accepted(await sign(claims({ act: { sub: 'bot-client', act: { sub: 'before' } } })));
    assert.deepEqual([principal, onBehalfOf], [bot, 'corp/ann@corp.example']);
    assert.deepEqual(issued, { issuer: corp.url, subject: 'bot-client', behalfSubject: 'u-1' });
    const other = await accepted(await sign(claims({ act: { sub: 'c', email: 'agent@corp.example', groups: ['compliance'] } })));
    assert.deepEqual(other.principal, { id: 'corp/agent@corp.example', kind: 'agent', groups: [], targets: [] });
    for (const act of [null, 'bot-client', {}, { sub: 7 }, { sub: '' }, [{ sub: 'bot-client' }], { sub: 'bot-client', iss: partner.url }]) {
      await refused(await sign(claims({ act })), /does not say who acts/);
    }
    await refused(await sign(claims({ act: { sub: 'unknown' } })), /claim email does not name/);
  });

  test('B16: only keys that the issuer publishes prove a token, not those that it brings along or that fit another algorithm', async () => {
    fresh();
    const [mine, rsa] = [await makeKey('k1'), await makeKey('rsa', 'RS256')];
    corp.keys = [key.published, rsa.published];
    await accepted(await sign(claims(), {}, rsa));
    await refused(await sign(claims(), {}, mine), /signature is wrong/);
    await refused(await sign(claims(), { jwk: mine.published, jku: partner.url, x5c: ['MIIB'] }, mine), /signature is wrong/);
    await refused(new UnsecuredJWT({ ...claims() }).encode(), /not signed in a way/);
    const none = `${Buffer.from('{"alg":"none","kid":"k1"}').toString('base64url')}.${(await sign(claims())).split('.')[1]}.`;
    await refused(none, /not signed in a way/);
    // The public key as the secret of a keyed hash, in each form that is known to all.
    const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
    for (const secret of [JSON.stringify(rsa.published), String(rsa.published.n), pem]) {
      const forged = await new CompactSign(Buffer.from(JSON.stringify(claims())))
        .setProtectedHeader({ alg: 'HS256', kid: 'rsa' })
        .sign(await importJWK({ kty: 'oct', k: Buffer.from(secret).toString('base64url') }, 'HS256'));
      await refused(forged, /not signed in a way/);
    }
    const p384 = await makeKey('k1', 'ES384');
    await refused(await sign(claims(), {}, p384), /does not publish/);
    const named = `${Buffer.from('{"alg":"ES384","kid":"k1"}').toString('base64url')}.${(await sign(claims())).split('.').slice(1).join('.')}`;
    await refused(named, /does not publish/);
    const critical = new SignJWT({ ...claims() }).setProtectedHeader({ alg: key.alg, kid: key.kid, crit: ['x'], x: 1 });
    await refused(await critical.sign(key.secret, { crit: { x: true } }), /not signed in a way/);
  });

  test('B16: whatever is changed in a token, it is not accepted', async () => {
    fresh();
    const token = await sign(claims());
    const bytes = (text: string): string =>
      text
        .split('.')
        .map((part) => Buffer.from(part, 'base64url').toString('hex'))
        .join();
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_.=+/ {"\0é'.split('')), async (at, character) => {
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        const outcome = await issuers.verify(changed);
        // The last character of a part has bits that mean nothing.
        assert.ok('refused' in outcome || bytes(changed) === bytes(token), changed);
      }),
    );
    assert.equal(corp.reads, 1);
  });

  test('B17: the same principal with another token has the groups of that token', async () => {
    fresh();
    const [many, none] = [await accepted(await sign(claims())), await accepted(await sign(claims({ groups: [] })))];
    assert.equal(many.principal.id, none.principal.id);
    assert.notEqual(many.id, none.id);
    assert.deepEqual([many.principal.targets, none.principal.targets], [['orders'], []]);
    const token = await sign(claims());
    const [head, body, signature = ''] = token.split('.');
    await accepted(token);
    await refused(`${head}.${body}.${signature.slice(0, -4)}AAAA`, /signature/);
  });

  test('B18: no issuer speaks for another, or for the groups of another', async () => {
    fresh();
    await refused(await sign(claims(), {}, partnerKey), /signature is wrong/);
    await refused(await sign(claims({ iss: partner.url })), /signature is wrong/);
    for (const iss of ['https://id.corp.example', `${corp.url}/`, corp.url.toUpperCase(), [corp.url], undefined]) {
      await refused(await sign(claims({ iss })), /none of an issuer/);
    }
    const visitor = await accepted(await sign(claims({ iss: partner.url, groups: ['compliance', 'visitors', 'payroll'] }), {}, partnerKey));
    assert.deepEqual(visitor.principal, { id: 'partner/ann@corp.example', kind: 'human', groups: ['payroll', 'visitors'], targets: ['payroll', 'wiki'] });
    const bound = await accepted(await sign(claims({ iss: partner.url, sub: 'bot-client' }), {}, partnerKey));
    assert.equal(bound.principal.id, 'partner/ann@corp.example');
    fresh({ issuers: new Map([['corp', issuer('corp', corp, { url: `${corp.url}/` })]]) });
    await assert.rejects(
      sign(claims({ iss: `${corp.url}/` })).then(async (token) => issuers.verify(token)),
      {
        code: 'issuer_unreachable',
        message: /it calls itself "http:\/\/127\.0\.0\.1:\d+": write exactly that as its url/,
      },
    );
  });

  test('a token is for this gateway, valid now, and made to come in with', async () => {
    fresh();
    const now = startMs / 1000;
    for (const [more, reason] of [
      [{ aud: 'another' }, /not for this gateway: the issuer corp must make it for the audience countersign/],
      [{ aud: undefined }, /audience countersign/],
      [{ aud: ['a', 'b'] }, /audience countersign/],
      [{ exp: now - 31 }, /has expired/],
      [{ exp: undefined }, /until when it is valid/],
      [{ exp: now + 400 * 86_400 }, /more than 366 days/],
      [{ nbf: now + 31 }, /not valid yet/],
      [{ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }, /something else/],
      [{ cnf: { jkt: 'x' } }, /bound to a key of its client/],
      [{ sub: undefined }, /no subject/],
    ] as const) {
      await refused(await sign(claims(more)), reason);
    }
    for (const typ of ['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'token-introspection+jwt']) {
      await refused(await sign(claims(), { typ }), /something else/);
    }
    for (const more of [{ aud: ['other', 'countersign'] }, { exp: now - 29 }, { nbf: now + 29 }]) {
      await accepted(await sign(claims(more)));
    }
    for (const typ of ['JWT', 'at+jwt', 'application/at+JWT']) {
      await accepted(await sign(claims(), { typ }));
    }
    const token = await sign(claims({ exp: now + 60 }));
    await accepted(token);
    nowMs += 90_000;
    await refused(token, /has expired/);
  });

  test('D33: what is too long or no JWT is refused before anything of it is read', async () => {
    fresh();
    await refused(await sign(claims({ pad: 'x'.repeat(jwtCharactersMax) })), /longer than/);
    for (const token of ['ey.ey.', 'eyJhIjoxfQ.bnVsbA.', `${Buffer.from('[1]').toString('base64url')}.e30.x`, 'eyJ.x.y']) {
      await refused(token, /none of an issuer/);
    }
    assert.equal(corp.reads, 0);
  });

  test('keys that are rotated are found, and an unknown key id makes the issuer be asked at most once in a while', async () => {
    fresh();
    await accepted(await sign(claims()));
    const next = await makeKey('k2');
    corp.keys = [next.published, key.published];
    await refused(await sign(claims(), {}, next), /a key that the issuer corp does not publish/);
    await Promise.all(Array.from({ length: 50 }, async (_, i) => refused(await sign(claims(), { kid: `guess-${i}` }), /does not publish/)));
    assert.equal(corp.reads, 1);
    nowMs += 10_000;
    await Promise.all(Array.from({ length: 50 }, async (_, i) => refused(await sign(claims(), { kid: `guess-${i}` }), /does not publish/)));
    assert.equal(corp.reads, 2);
    await accepted(await sign(claims(), {}, next));
    assert.equal(corp.reads, 2);
  });

  test('a key that the issuer withdraws proves nothing more, also of tokens that were verified before', async () => {
    fresh();
    const token = await sign(claims({ exp: startMs / 1000 + 7200 }));
    await accepted(token);
    const next = await makeKey('k2');
    corp.keys = [next.published];
    nowMs += 300_001;
    await accepted(token);
    // The keys are read in the background: a token with the new one waits for the same reading, or comes after it.
    await accepted(await sign(claims({ exp: startMs / 1000 + 7200 }), {}, next));
    await refused(token, /does not publish/);
  });

  test('an issuer that is out of reach is said, asked rarely, and its keys are used as long as they are not old', async () => {
    fresh();
    const token = await sign(claims({ exp: startMs / 1000 + 10_000 }));
    corp.isDown = true;
    const unreachable = { code: 'issuer_unreachable', message: /^Tokens of the issuer corp \(http.*\) cannot be verified now: .* the status 503/ };
    troubles.length = 0;
    await assert.rejects(issuers.verify(token), unreachable);
    assert.match(troubles.join(), unreachable.message);
    corp.isDown = false;
    await assert.rejects(issuers.verify(token), unreachable, 'it was asked a moment ago');
    nowMs += 10_000;
    await accepted(token);
    corp.isDown = true;
    nowMs += 3_600_000;
    await accepted(token);
    nowMs += 10_001;
    await assert.rejects(issuers.verify(token), unreachable);
    corp.isDown = false;
    nowMs += 10_000;
    await accepted(token);
  });

  test('what the configuration says of a token counts as long as the token is held', async () => {
    fresh();
    const { find } = await accepted(await sign(claims()));
    assert.equal(find()?.id, 'corp/ann@corp.example');
    directory = { ...directory, groups: new Map() };
    assert.deepEqual(find()?.targets, []);
    directory = { ...directory, subjects: new Map([[subjectKey('corp', 'u-1'), 'bot']]) };
    assert.equal(find(), undefined, 'it is somebody else now');
    directory = { ...directory, subjects: new Map(), issuers: new Map([['corp', issuer('corp', corp, { audience: 'other' })]]) };
    assert.equal(find(), undefined);
    issuers.recheck();
    await refused(await sign(claims()), /audience other/);
  });

  test('E48: what a token opened stands until the token ends, its principal is suspended, or the configuration takes it away', async () => {
    fresh();
    await using database = new EmbeddedDatabase(':memory:');
    const { tokens, exclusions } = await openIdentities(database, { gateway: 'own', key: null, now: Date.now });
    using authenticator = new Authenticator({ tokens, exclusions, findPrincipal: (id) => directory.principals.get(id), now: () => nowMs, issuers });
    const identify = async (token: string): Promise<Identity> => {
      const outcome = await authenticator.authenticateIssued({ token });
      return 'identity' in outcome ? outcome.identity : assert.fail(outcome.refused);
    };
    const token = await sign(claims());
    const { standing, tokenId } = await identify(token);
    assert.equal((await identify(token)).standing, standing);
    assert.equal((await identify(token)).principal, standing.principal, 'the same object, so that what is decided about it is kept');
    directory = { ...directory, groups: new Map() };
    authenticator.recheck();
    assert.deepEqual([standing.ended(), standing.principal.targets], [null, []]);
    assert.deepEqual(authenticator.find('corp/ann@corp.example'), standing.principal);
    await assert.rejects(authenticator.create('corp/ann@corp.example'), {
      code: 'unknown_principal',
      message: /signs in there, at the address of the gateway in a browser or with countersign login --url URL/,
    });
    nowMs = standing.expiresMs;
    assert.equal(standing.ended()?.reason, 'expired');
    assert.deepEqual(authenticator.find('corp/ann@corp.example'), standing.principal, 'what it granted before stays');
    const unchanged = directory;
    for (const [changed, found] of [
      [{ groups }, ['orders']],
      [{ issuers: new Map() }, undefined],
      [{ subjects: new Map([[subjectKey('corp', 'u-1'), 'bot']]) }, undefined],
    ] as const) {
      directory = { ...unchanged, ...changed };
      authenticator.recheck();
      assert.deepEqual(authenticator.find('corp/ann@corp.example')?.targets, found, 'unless the configuration takes it away since');
    }
    directory = unchanged;
    const gone = { ...bot, id: 'gone' };
    directory = { ...directory, principals: new Map([...directory.principals, ['gone', gone]]) };
    const own = await authenticator.create('gone', { ttlMs: 1000 });
    nowMs += 1000;
    assert.equal(own.standing.ended()?.reason, 'expired');
    directory = unchanged;
    authenticator.recheck();
    assert.equal(authenticator.find('gone'), undefined);

    const second = await identify(await sign(claims({ exp: nowMs / 1000 + 600 })));
    assert.notEqual(second.tokenId, tokenId);
    const delegated = await identify(await sign(claims({ exp: nowMs / 1000 + 600, act: { sub: 'bot-client' } })));
    await authenticator.suspend('corp/ann@corp.example', 'operator', '');
    assert.deepEqual([second.standing.ended()?.reason, delegated.standing.ended()?.reason], ['suspended', 'suspended']);
    const refusal = { refused: 'The token is not accepted: corp/ann@corp.example is suspended' };
    assert.deepEqual(await authenticator.authenticateIssued({ token: await sign(claims({ exp: nowMs / 1000 + 600 })) }), refusal);

    // A key that the issuer adds ends nothing, and one that it withdraws ends what is open by tokens of it.
    onKeys = () => {
      authenticator.recheck();
    };
    const joe = { exp: nowMs / 1000 + 7200, email: 'joe@corp.example', sub: 'u-2' };
    const next = await makeKey('k2');
    const open = await identify(await sign(claims(joe)));
    for (const [published, end] of [
      [[key.published, next.published], undefined],
      [[next.published], 'removed'],
    ] as const) {
      corp.keys = published;
      nowMs += 300_001;
      const { reads } = corp;
      issuers.refresh();
      await waitUntil(() => corp.reads > reads);
      // Its key is not known, so it waits for the reading that is under way.
      await refused(await sign(claims(joe), { kid: 'unknown' }), /does not publish/);
      assert.equal(open.standing.ended()?.reason, end);
    }
    onKeys = () => undefined;
    corp.keys = [key.published];
    nowMs += 300_001;

    const other = await identify(await sign(claims({ exp: nowMs / 1000 + 600, email: 'joe@corp.example', sub: 'u-2' })));
    directory = { ...directory, issuers: new Map() };
    authenticator.recheck();
    assert.equal(other.standing.ended()?.reason, 'removed');
  });

  test('a configuration that changes while a token is verified counts', async () => {
    for (const [changed, reason] of [
      [{ issuers: new Map() }, /none of an issuer/],
      [{ issuers: new Map([['corp', issuer('corp', corp, { audience: 'another' })]]) }, /audience another/],
    ] as const) {
      fresh();
      whileReading = () => {
        whileReading = () => undefined;
        directory = { ...directory, ...changed };
        issuers.recheck();
      };
      await refused(await sign(claims()), reason);
      assert.deepEqual(acceptedIds, []);
    }
  });

  test('nothing of a token but its digest is kept', async () => {
    fresh();
    const token = await sign(claims());
    const kept = await accepted(token);
    assert.equal(kept.id, `jwt_${hash('sha256', token.slice(0, token.lastIndexOf('.'))).slice(0, 16)}`);
    const [, , signature = ''] = token.split('.');
    assert.ok(!JSON.stringify(kept).includes(signature));
  });
});
