import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import pg from 'pg';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { filesHolding } from '../support/canary.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { audience, clientId, Issuer } from '../support/issuer.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';

describe('tokens of an issuer', () => {
  let issuer: Issuer;
  let web: SampleServer;
  let shop: Shop;
  /** The Authorization headers that came to the target behind the gateway. */
  const seen: (string | undefined)[] = [];
  const parts = suiteParts();
  before(async () => {
    issuer = parts.use(await Issuer.open());
    issuer.groups.set('ann', ['compliance', 'admins', 'unheard-of']);
    issuer.groups.set('boss', ['operators']);
    web = parts.use(
      await openServer(async (request, response) => {
        seen.push(request.headers.authorization, ...request.rawHeaders.filter((text) => text.startsWith('ey')));
        response.end('hello');
      }),
    );
    shop = parts.use(
      await openShop({
        targets: `  web: { protocol: http, url: "${web.url}", durability: process }\n`,
        config: identity(issuer.url),
        gateway: { environment: { COUNTERSIGN_LOG: 'trace' } },
      }),
    );
  });

  const identity = (
    url: string,
    grants = 'compliance: { targets: [shop, web] }',
  ): string => `  nightly: { kind: agent, issuer: corp, subject: nightly-agent, targets: [web] }
groups: { ${grants}, operators: {}, admins: { issuers: [] } }
identity:
  issuers:
    corp: { url: "${url}", clientId: ${clientId}, audience: "${audience}", groups: groups, principal: email }
`;

  async function connect(token: string): Promise<pg.Client> {
    const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'ann', password: token, database: 'shop' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async function get(token: string, headers: Readonly<Record<string, string>> = { authorization: `Bearer ${token}` }, path = '/t/web/'): Promise<Response> {
    return fetch(`http://127.0.0.1:${shop.gateway.port('http')}${path}`, { headers: { ...headers, connection: 'close' } });
  }

  async function opening(): Promise<ShownRecord | undefined> {
    const { session } = await shop.gateway.newest();
    return (await shop.gateway.records(session)).find(({ action }) => action === 'gateway.authenticate');
  }

  test('a person comes in to a database with it, by the grants of the group, and the record says who vouched for whom', async () => {
    const client = await connect(await issuer.signIn('ann'));
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }]);
    await client.end();
    const { session } = await shop.gateway.newest();
    const records = await shop.gateway.records(session);
    assert.deepEqual([...new Set(records.flatMap(({ principal }) => principal ?? []))], ['corp/ann@corp.example']);
    assert.deepEqual(records.find(({ kind }) => kind === 'request')?.policies, ['grant:group compliance:shop']);
    const { attributes } = (await opening()) ?? assert.fail();
    assert.equal(attributes['countersign.issuer'], issuer.url);
    assert.equal(attributes['countersign.subject'], 'ann');
    assert.deepEqual(attributes['user.roles'], ['compliance'], 'only groups that the configuration gives to tokens of the issuer');
  });

  test('wherever a token of the gateway goes over HTTP, and never on to the target', async () => {
    const token = await issuer.signIn('ann');
    const basic = (text: string): Readonly<Record<string, string>> => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { authorization: token },
      { 'x-api-key': token },
      { 'x-goog-api-key': token },
      { 'api-key': token },
      basic(`any:${token}`),
      basic(`${token}:`),
      { authorization: `Bearer ${token}`, 'x-copy': token },
    ]) {
      const answer = await get(token, headers);
      assert.equal(answer.status, 200, JSON.stringify(Object.keys(headers)));
    }
    const own = shop.token;
    assert.equal(
      (await get(own, { 'x-api-key': own, authorization: `Bearer ${token}` }, '/t/shop/')).status,
      404,
      'a token of the gateway counts before a JWT',
    );
    assert.deepEqual([...new Set(seen)], [undefined]);
  });

  test('an agent comes in with what its client got, as the principal that it is bound to', async () => {
    assert.equal((await get(await issuer.agentToken())).status, 200);
    const record = (await opening()) ?? assert.fail();
    assert.deepEqual([record.principal, record.attributes['countersign.subject']], ['nightly', 'nightly-agent']);
  });

  test('who was granted nothing reaches nothing, and who is in no group of administrators has no API', async () => {
    const stranger = await issuer.signIn('eve');
    const answer = await get(stranger);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /corp\/eve@corp\.example was not granted web/);
    await assert.rejects(connect(stranger), { code: '42501' });
    for (const person of ['ann', 'eve', 'boss']) {
      const refused = await shop.gateway.api('/api/sessions', { token: await issuer.signIn(person) });
      assert.equal(refused.status, 403, person);
      assert.match(await refused.text(), new RegExp(`corp/${person}@corp\\.example may not use the API`));
    }
  });

  test('what is not accepted is refused with its reason, on record, without the token', async () => {
    const token = await issuer.signIn('ann');
    const [head, , signature = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const forged = `${head}.${Buffer.from(JSON.stringify({ ...claims, groups: ['operators'] })).toString('base64url')}.${signature}`;
    const answer = await get(forged);
    assert.equal(answer.status, 401);
    assert.match(await answer.text(), /The token is not accepted: its signature is wrong\./);
    await assert.rejects(connect(forged), { code: '28P01', message: /its signature is wrong/ });
    assert.equal((await shop.gateway.api('/api/sessions', { token: forged })).status, 401);
    assert.equal((await shop.gateway.api('/api/sessions', { token: `${forged}${'A'.repeat(20_000)}` })).status, 401);
    for (const canary of [token, forged, signature]) {
      assert.deepEqual(filesHolding(shop.gateway.data, canary.slice(-200)), []);
    }
    assert.ok(!readFileSync(join(shop.gateway.directory, 'log'), 'utf8').includes(signature.slice(-200)));
  });

  test('a suspended person is out at once and stays out; another of the same issuer is not', async () => {
    const client = await connect(await issuer.signIn('ann'));
    const ended = new Promise((resolve) => client.once('end', resolve));
    assert.equal(shop.gateway.command(['principal', 'suspend', 'corp/ann@corp.example', '--reason', 'lost laptop']).status, 0);
    await ended;
    await assert.rejects(connect(await issuer.signIn('ann')), { message: /corp\/ann@corp\.example is suspended/ });
    assert.equal((await get(await issuer.agentToken())).status, 200);
    assert.equal(shop.gateway.command(['principal', 'resume', 'corp/ann@corp.example']).status, 0);
    await (await connect(await issuer.signIn('ann'))).end();
    const { status, stderr } = shop.gateway.command(['principal', 'suspend', 'crop/ann@corp.example']);
    assert.deepEqual([status, /There is no principal "crop\/ann@corp\.example"/.test(stderr)], [1, true], stderr);
  });

  test('what a group or an issuer loses in the configuration ends what its tokens opened', async () => {
    const config = readFileSync(shop.gateway.configFile, 'utf8').split('\n').slice(2).join('\n');
    for (const [line, changed, refusal] of [
      ['compliance: { targets: [shop, web] }', 'compliance: { targets: [web] }', /was not granted shop/],
      [`audience: "${audience}"`, 'audience: another', /not for this gateway: the issuer corp must make it for the audience another/],
      ['groups: groups', 'groups: teams', /was not granted shop/],
    ] as const) {
      const client = await connect(await issuer.signIn('ann'));
      const ended = new Promise((resolve) => client.once('end', resolve));
      await shop.gateway.apply(config.replace(line, changed));
      await ended;
      await assert.rejects(connect(await issuer.signIn('ann')), { message: refusal });
      await shop.gateway.apply(config);
    }
  });
});

test('an issuer that does not answer is said to be the reason, and tokens of the gateway are accepted meanwhile', async () => {
  await using issuer = await Issuer.open();
  const token = await issuer.signIn('ann');
  await issuer.close();
  await using gateway = await GatewayProcess.start({
    config: `principals: { boss: { kind: human, groups: [admins] } }
identity: { issuers: { corp: { url: "${issuer.url}", clientId: ${clientId}, audience: "${audience}" } } }
`,
  });
  const answer = await gateway.api('/api/sessions', { token });
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /Tokens of the issuer corp \(http.*\) cannot be verified now: .* cannot be reached/);
  assert.equal((await gateway.api('/api/sessions', { token: await gateway.issueToken('boss') })).status, 200);
});
