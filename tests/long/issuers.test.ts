import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get as getOver, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import OpenAI from 'openai';
import pg from 'pg';
import { openSampleModel } from '../../cli/src/demo/sample-model.ts';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { openSampleTools } from '../../cli/src/demo/sample-tools.ts';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { filesHolding } from '../support/canary.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { clientId } from '../../examples/issuer.ts';
import { audience, Issuer } from '../support/issuer.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('tokens of an issuer', () => {
  let issuer: Issuer;
  let web: SampleServer;
  let tools: SampleServer;
  let model: SampleServer;
  let shop: Shop;
  /** The Authorization headers that came to the target behind the gateway. */
  const seen: (string | undefined)[] = [];
  const policies = mkdtempSync(join(tmpdir(), 'countersign-issuers-'));
  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      rmSync(policies, { recursive: true });
    });
    writeFileSync(
      join(policies, 'held.cedar'),
      '@id("posts") @approval("operators") forbid (principal, action == Action::"http.request", resource == Target::"web") when { context.effects.contains("write") };',
    );
    issuer = parts.use(await Issuer.open());
    issuer.groups.set('ann', ['compliance', 'admins', 'unheard-of']);
    issuer.groups.set('boss', ['operators']);
    issuer.groups.set('chief', ['operators', 'compliance']);
    issuer.groups.set('dee', ['desk']);
    tools = parts.use(await openSampleTools());
    model = parts.use(await openSampleModel());
    web = parts.use(
      await openServer(async (request, response) => {
        seen.push(request.headers.authorization, ...request.rawHeaders.filter((text) => text.startsWith('ey')));
        response.end('hello');
      }),
    );
    shop = parts.use(
      await openShop({
        targets: `  tools: { protocol: mcp, url: "${tools.url}", durability: process }
  model: { protocol: llm, url: "${model.url}", durability: process }
  web: { protocol: http, url: "${web.url}", durability: process }\n`,
        config: `${identity(issuer.url)}policies: ${policies}\n`,
        gateway: { environment: { COUNTERSIGN_LOG: 'trace' } },
      }),
    );
  });

  const identity = (
    url: string,
    grants = 'compliance: { targets: [shop, web, tools, model] }',
  ): string => `  nightly: { kind: agent, issuer: corp, subject: nightly-agent, targets: [web] }
groups: { ${grants}, operators: {}, desk: {}, admins: { issuers: [] } }
roles: { web-desk: { role: analyst, groups: [desk], query: "target:web" } }
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
    assert.equal(attributes['countersign.principal_kind'], 'human');
    assert.equal(attributes['countersign.subject'], 'ann');
    const own = (await shop.gateway.sessions('all')).filter(({ principal }) => principal === null);
    const acceptances = (await Promise.all(own.map(async (each) => shop.gateway.records(each.session))))
      .flat()
      .filter(({ action }) => action === 'gateway.accept_token');
    assert.deepEqual(
      acceptances.map(({ attributes: of }) => [of['countersign.principal'], of['countersign.issuer'], of['countersign.subject'], of['user.roles']]),
      [['corp/ann@corp.example', issuer.url, 'ann', ['compliance']]],
      'whatever the principal does with the token, who it is stands there',
    );
    assert.deepEqual(attributes['user.roles'], ['compliance'], 'only groups that the configuration gives to tokens of the issuer');
  });

  test('through a local port of connect', async () => {
    const tunnel = shop.gateway.spawnCli(['connect', 'shop'], { COUNTERSIGN_TOKEN: await issuer.signIn('ann') });
    let said = '';
    tunnel.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    await waitUntil(() => tunnel.exitCode !== null || said.includes('\n'));
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'ann', password: 'none', database: 'shop' });
    await client.connect();
    assert.deepEqual((await client.query('select 2 as two')).rows, [{ two: 2 }]);
    await client.end();
    assert.equal((await shop.gateway.newest()).principal, 'corp/ann@corp.example');
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

  test('clients of MCP and of models use it as their key', async () => {
    const token = await issuer.signIn('ann');
    const base = `http://127.0.0.1:${shop.gateway.port('http')}/t`;
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${base}/tools`), { requestInit: { headers: { authorization: `Bearer ${token}` } } }));
    assert.match(JSON.stringify(await client.callTool({ name: 'track_parcel', arguments: { order: 101 } })), /left Dover/);
    await client.close();
    const openai = new OpenAI({ baseURL: `${base}/model/v1`, apiKey: token, maxRetries: 0 });
    const stream = await openai.chat.completions.create({ model: 'any', messages: [{ role: 'user', content: 'Hello' }], stream: true });
    assert.ok((await stream.toReadableStream().getReader().read()).value);
    stream.controller.abort();
  });

  test('B21: whoever the issuer says is of a group with a role searches and reads the records of the role, as long as it says so', async () => {
    const person = await issuer.signIn('ann');
    const client = await connect(person);
    await client.query('select 3 as three');
    await client.end();
    await get(person);
    const search = async (query: string, token?: string): Promise<string> => {
      const answer = await shop.gateway.api(`/api/v1/search?${new URLSearchParams({ query }).toString()}`, token === undefined ? {} : { token });
      return `${answer.status} ${await answer.text()}`;
    };
    const dee = await issuer.signIn('dee');
    const ofWeb = await search('principal:corp/ann@corp.example kind:request', dee);
    assert.match(ofWeb, /^200 .*"target":"web"/);
    assert.doesNotMatch(ofWeb, /"target":"shop"/);
    assert.match(await search('"select 3 as three"', dee), /"count":0/);
    assert.match(await search('"select 3 as three"'), /"count":1/);
    issuer.groups.set('dee', []);
    assert.match(await search('', await issuer.signIn('dee')), /^403 .*may not search records/);
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
      const refused = await shop.gateway.api('/api/v1/sessions', { token: await issuer.signIn(person) });
      assert.equal(refused.status, 403, person);
      assert.match(await refused.text(), new RegExp(`corp/${person}@corp\\.example may not list sessions`));
    }
  });

  test('B17, D35: requests of two people over one connection are those of two', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const tokens = [await issuer.signIn('ann'), await issuer.agentToken()];
    const sessions: unknown[] = [];
    const ports = new Set<number | undefined>();
    for (const token of [...tokens, ...tokens]) {
      const asking = getOver(`http://127.0.0.1:${shop.gateway.port('http')}/t/web/`, { agent, headers: { authorization: `Bearer ${token}` } });
      const [answer]: IncomingMessage[] = await once(asking, 'response');
      assert.equal(answer?.statusCode, 200);
      await answer?.resume().toArray();
      ports.add(asking.socket?.localPort);
      sessions.push(answer?.headers['countersign-session']);
    }
    agent.destroy();
    assert.equal(ports.size, 1);
    const [ann, agents, ...again] = sessions;
    assert.deepEqual(again, [ann, agents]);
    const principals = await Promise.all([ann, agents].map(async (session) => (await shop.gateway.records(String(session))).at(-1)?.principal));
    assert.deepEqual(principals, ['corp/ann@corp.example', 'nightly']);
  });

  test('E48: a token that is refreshed goes on with the session, so nobody gets rid of what they did', async () => {
    const session = async (token: string): Promise<string | null> => {
      const answer = await get(token);
      assert.equal(answer.status, 200);
      return answer.headers.get('countersign-session');
    };
    const [one, other] = [await session(await issuer.signIn('ann')), await session(await issuer.signIn('ann'))];
    assert.equal(other, one);
    assert.notEqual(await session(await issuer.signIn('chief')), one);
  });

  test('B20: people of the issuer approve what others ask, as the groups of their tokens say', async () => {
    const post = async (token: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${shop.gateway.port('http')}/t/web/`, { method: 'POST', headers: { authorization: `Bearer ${token}`, connection: 'close' } });
    const held = await post(await issuer.agentToken());
    const { approval }: { readonly approval: string } = JSON.parse(await held.text());
    assert.equal(held.status, 409);
    const grant = async (person: string): Promise<number> =>
      (await shop.gateway.api(`/api/v1/approvals/${approval}/grant`, { method: 'POST', body: {}, token: await issuer.signIn(person) })).status;
    assert.equal(await grant('ann'), 404, 'she is in no group that may approve');
    assert.equal(await grant('boss'), 200);
    assert.equal((await post(await issuer.agentToken())).status, 200, 'another token of the same agent spends the grant');
    const own = post(await issuer.signIn('chief'));
    await waitUntil(async () => (await shop.gateway.api('/api/v1/approvals')).text().then((text) => text.includes('corp/chief@corp.example')));
    const [open]: ApprovalSummary[] = JSON.parse(await (await shop.gateway.api('/api/v1/approvals')).text());
    const refused = await shop.gateway.api(`/api/v1/approvals/${open?.approval}/grant`, { method: 'POST', body: {}, token: await issuer.signIn('chief') });
    assert.equal(refused.status, 403, 'nobody approves what they ask themselves, also with another token');
    assert.equal(
      (await shop.gateway.api(`/api/v1/approvals/${open?.approval}/grant`, { method: 'POST', body: {}, token: await issuer.signIn('boss') })).status,
      200,
    );
    assert.equal((await own).status, 200);
  });

  test('cases of policies name people of the issuer, with the groups that their tokens would have', () => {
    const cases = join(policies, 'cases.yaml');
    const asks = 'target: web, action: http.request, text: GET /';
    writeFileSync(
      cases,
      `- { principal: corp/ann@corp.example, groups: [compliance], ${asks}, expect: allow, policy: 'grant:group compliance:web' }
- { principal: corp/ann@corp.example, ${asks}, expect: deny }
- { principal: corp/ann@corp.example, groups: [complience], ${asks}, expect: deny }
- { principal: nightly, kind: human, ${asks}, expect: allow }
- { principal: crop/ann@corp.example, ${asks}, expect: deny }
`,
    );
    const lines = shop.gateway.command(['policy', 'test', cases]).stdout.split('\n');
    for (const [i, words] of [
      /^ok .*allow by grant:group compliance:web/,
      /^ok .*deny by/,
      /no token of the issuer corp makes a member of "complience": is compliance meant\?/,
      /the configuration says the kind of nightly: leave it out/,
      /there is no principal "crop\/ann@corp\.example"/,
    ].entries()) {
      assert.match(lines[i] ?? '', words);
    }
    const { stdout } = shop.gateway.cli(['config', 'check'], { environment: { SHOP_PASSWORD: 'any' } });
    assert.match(
      stdout,
      new RegExp(`^issuer     corp: ${issuer.url}, for the audience ${audience}; principals corp/… by its claim email, groups by its claim groups$`, 'm'),
    );
    assert.match(stdout, /^group      compliance: reaches shop, web, tools, model; members by tokens of corp$/m);
    assert.match(stdout, /^group      admins, administers and reads no content: reaches nothing; no token makes a member$/m);
  });

  test('a suspended person is out at once and stays out; another of the same issuer is not', async () => {
    const client = await connect(await issuer.signIn('ann'));
    const ended = new Promise((resolve) => client.once('end', resolve));
    assert.equal(shop.gateway.command(['principal', 'suspend', 'corp/ann@corp.example', '--reason', 'lost laptop']).status, 0);
    await ended;
    await assert.rejects(connect(await issuer.signIn('ann')), { message: /corp\/ann@corp\.example is suspended/ });
    assert.equal((await get(await issuer.agentToken())).status, 200);
    assert.match(
      shop.gateway.command(['principal', 'list']).stdout,
      /^corp\/ann@corp\.example  human  compliance  shop,web,tools,model  suspended by operator since .*: lost laptop$/m,
    );
    assert.equal(shop.gateway.command(['principal', 'resume', 'corp/ann@corp.example']).status, 0);
    await (await connect(await issuer.signIn('ann'))).end();
    const listed = shop.gateway.rows<{ readonly id: string; readonly kind: string | null }>(['principal', 'list']);
    assert.deepEqual(
      listed.map(({ id }) => id),
      ['agent', 'stranger', 'nightly'],
      'nobody is suspended any more',
    );
    const { status, stderr } = shop.gateway.command(['principal', 'suspend', 'crop/ann@corp.example']);
    assert.deepEqual([status, /There is no principal "crop\/ann@corp\.example"/.test(stderr)], [1, true], stderr);
  });

  test('what a group or an issuer loses in the configuration ends what its tokens opened', async () => {
    const config = readFileSync(shop.gateway.configFile, 'utf8').split('\n').slice(2).join('\n');
    for (const [line, changed] of [
      ['compliance: { targets: [shop, ', 'compliance: { targets: ['],
      [`audience: "${audience}"`, 'audience: another'],
      ['groups: groups', 'groups: teams'],
    ] as const) {
      const client = await connect(await issuer.signIn('ann'));
      const ended = new Promise((resolve) => client.once('end', resolve));
      await shop.gateway.apply(config.replace(line, changed));
      await ended;
      await shop.gateway.apply(config);
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
    for (const canary of [token, forged, signature]) {
      assert.deepEqual(filesHolding(shop.gateway.data, canary.slice(-200)), []);
    }
    assert.ok(!readFileSync(join(shop.gateway.directory, 'log'), 'utf8').includes(signature.slice(-200)));
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
  const answer = await gateway.api('/api/v1/sessions', { token });
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /Tokens of the issuer corp \(http.*\) cannot be verified now: .* cannot be reached/);
  assert.equal((await gateway.api('/api/v1/sessions', { token: await gateway.issueToken('boss') })).status, 200);
});
