import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { before, describe, test } from 'node:test';
import pg from 'pg';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { clientId } from '../../examples/issuer.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { hashToken } from '../../gateway/src/identity/token-format.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { ManyClients } from '../support/many-clients.ts';
import { audience, Issuer } from '../support/issuer.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { postAsPage, registerPasskey, signFor } from '../support/soft-authenticator.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil, within } from '../support/wait-until.ts';

const scimSecret = 'scim-secret-canary-2c90-scim-secret-canary-2c90';
const storeKey = 'store-key-canary-9d1f-store-key-canary-9d1f';

/** A network between gateways and their store that can be cut, or carry nothing. */
class Line implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  readonly #server;
  readonly #to: number;
  #isCut = false;

  private constructor(to: number) {
    this.#to = to;
    this.#server = createServer((client) => {
      this.#carry(client);
    });
  }

  static async open(to: number): Promise<Line> {
    const line = new Line(to);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Has nothing arrive, while no connection ends. */
  stall(isStalled: boolean): void {
    this.#sockets.forEach((socket) => (isStalled ? socket.pause() : socket.resume()));
  }

  cut(isCut: boolean): void {
    this.#isCut = isCut;
    if (isCut) {
      this.#sockets.forEach((socket) => socket.destroy());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut(true);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #carry(client: Socket): void {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const database = connect(this.#to, '127.0.0.1');
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}

describe('two gateways with one store', () => {
  let store: PostgresServer;
  let web: SampleServer;
  let issuer: Issuer;
  /** The way of the second gateway to the store. */
  let line: Line;
  let first: GatewayProcess;
  let second: GatewayProcess;
  let config: (storePort: number, stale?: string) => string;
  /** The secrets of both gateways. */
  let environment: Readonly<Record<string, string>> = {};
  const clients = new ManyClients();
  const parts = suiteParts();
  before(async () => {
    store = parts.use(await startPostgres());
    await asOperatorOfStore(`CREATE DATABASE identities`);
    line = parts.use(await Line.open(store.port));
    web = parts.use(
      await openServer(async (_request, response) => {
        response.end('hello');
      }),
    );
    issuer = parts.use(await Issuer.open());
    issuer.groups.set('dan', ['staff']);
    config = (port, stale = '30s') => `store: { postgres: { url: { env: STORE_URL_${port} }, key: { env: STORE_KEY }, stale: ${stale} } }
targets:
  shop: { url: "${store.url}", password: { env: SHOP_PASSWORD }, durability: process }
  web: { protocol: http, url: "${web.url}", durability: process }
principals: { ann: { kind: human, groups: [compliance], targets: [shop, web] }, bot: { kind: agent, targets: [shop, web] } }
groups: { staff: { targets: [shop, web] } }
roles: { analyst: { groups: [compliance] } }
identity:
  issuers:
    corp: { url: "${issuer.url}", clientId: ${clientId}, scim: { env: SCIM_SECRET }, audience: "${audience}", groups: groups, principal: email }
`;
    const address = (port: number): string => `postgres://${store.user}:${store.password}@127.0.0.1:${port}/identities`;
    environment = {
      SHOP_PASSWORD: store.password,
      SCIM_SECRET: scimSecret,
      STORE_KEY: storeKey,
      [`STORE_URL_${store.port}`]: address(store.port),
      [`STORE_URL_${line.port}`]: address(line.port),
    };
    first = parts.use(await GatewayProcess.start({ config: config(store.port), environment }));
    second = parts.use(await GatewayProcess.start({ config: config(line.port), environment }));
  });

  async function asOperatorOfStore(sql: string, database = 'postgres'): Promise<pg.QueryResult> {
    const client = new pg.Client({ host: '127.0.0.1', port: store.port, database, user: store.user, password: store.password });
    await client.connect();
    const result = await client.query(sql);
    await client.end();
    return result;
  }

  /** Opens a connection to the target. Returns what resolves when it has ended. */
  async function open(gateway: GatewayProcess, token: string): Promise<{ readonly ended: Promise<unknown> }> {
    const client = new pg.Client({ host: '127.0.0.1', port: gateway.port('postgres'), user: 'any', password: token, database: 'shop' });
    client.on('error', () => undefined);
    await client.connect();
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }]);
    return { ended: new Promise((resolve) => client.once('end', resolve)) };
  }

  async function get(gateway: GatewayProcess, token: string): Promise<number | undefined> {
    return clients.ask(gateway, '/t/web/', token);
  }

  async function own(gateway: GatewayProcess, action: string): Promise<readonly ShownRecord[]> {
    const sessions = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
    return (await Promise.all(sessions.map(async ({ session }) => gateway.records(session)))).flat().filter((record) => record.action === action);
  }

  async function readiness(gateway: GatewayProcess): Promise<string> {
    return (await fetch(`http://127.0.0.1:${gateway.port('http')}/readyz`)).text();
  }

  test('B19, E48: a token of one is good at the other, and what one ends is over at the other, each on its own record', async () => {
    const token = await first.issueToken('bot');
    assert.deepEqual([await get(second, token), await get(first, token)], [200, 200]);
    const { ended } = await open(second, token);
    const [{ id = '' } = {}]: readonly { readonly id?: string }[] = JSON.parse(await (await second.api('/api/v1/tokens')).text());
    assert.equal((await first.api(`/api/v1/tokens/${id}`, { method: 'DELETE' })).status, 200);
    await within(ended, 'the end of the connection at the other gateway');
    assert.equal(await get(second, token), 401);
    assert.deepEqual(
      (await own(first, 'gateway.revoke_token')).map(({ attributes }) => attributes['countersign.token.id']),
      [id],
    );
    assert.deepEqual(await own(second, 'gateway.revoke_token'), [], 'one of them records the act');
    const [heard] = await own(second, 'gateway.hear_of_act');
    assert.deepEqual([heard?.attributes['countersign.token.id'], heard?.attributes['user.id']], [id, 'operator']);
    assert.match(String(heard?.attributes['countersign.other_gateway']), /^[0-9a-f]{16}$/);
    assert.deepEqual(await own(first, 'gateway.hear_of_act'), []);
    const session = (await second.sessions()).findLast(({ targets }) => targets.includes('shop'));
    assert.match(JSON.stringify((await second.records(session?.session ?? '')).at(-1)), /"countersign.close.reason":"revoked"/);
  });

  test('T4.15: who is suspended at one is out at the other until somebody at either resumes', async () => {
    const token = await second.issueToken('ann');
    assert.equal(await get(first, token), 200);
    const { ended } = await open(first, token);
    assert.equal((await second.api('/api/v1/principals/ann/suspend', { method: 'POST', body: { reason: 'lost laptop' } })).status, 200);
    await within(ended, 'the end of the connection at the other gateway');
    assert.equal(await get(first, token), 401);
    assert.equal((await first.api('/api/v1/principals/ann/suspend', { method: 'POST', body: {} })).status, 409, 'it is known here too');
    assert.equal((await first.api('/api/v1/principals/ann/resume', { method: 'POST', body: {} })).status, 200);
    await waitUntil(async () => (await get(second, token)) === 200);
  });

  test('B16, E48: a passkey of one signs in at the other, and what one removes counts at neither', async () => {
    const [here, there] = [first, second].map((gateway) => `http://localhost:${gateway.port('http')}`);
    const invited = await first.api('/api/v1/passkeys/invitations', { method: 'POST', body: { name: 'eve' } });
    const { link } = JSON.parse(await invited.text());
    const passkey = await registerPasskey(link.replace(here, there));
    const signIn = async (origin = '', signCount = 0): Promise<Awaited<ReturnType<typeof postAsPage>>> =>
      postAsPage(origin, '/api/v1/sign-in/passkey', await signFor(origin, { ...passkey, signCount }), { from: '127.0.9.9' });
    const { status, cookies } = await signIn(here);
    assert.equal(status, 200);
    const isIn = async (): Promise<boolean> =>
      (await (await fetch(`${here}/sign-in`, { headers: { cookie: cookies.join().split(';')[0] ?? '', connection: 'close' } })).text()).includes('local/eve');
    assert.ok(await isIn());
    const id = Buffer.from(passkey.credentialId, 'base64').toString('base64url');
    assert.equal((await second.api(`/api/v1/passkeys/${id}`, { method: 'DELETE' })).status, 200);
    await waitUntil(async () => !(await isIn()));
    assert.deepEqual([(await signIn(here, 1)).status, (await signIn(there, 1)).status], [401, 401]);
    const again = await postAsPage(here ?? '', '/api/v1/invitation', { secret: new URL(link).hash.slice(1) });
    assert.equal(again.status, 401, 'the link was used at the other gateway');
    const heard = (await own(first, 'gateway.hear_of_act')).map(({ attributes }) => attributes);
    assert.ok(heard.some((each) => each['countersign.passkey'] === id && each['countersign.token.id'] === undefined));
    assert.ok(heard.some((each) => each['countersign.reason'] === 'at another gateway, somebody registered a passkey'));
  });

  test('E48: who has left, as the directory told one gateway, is out at the other', async () => {
    const token = await issuer.signIn('dan');
    assert.deepEqual([await get(first, token), await get(second, token)], [200, 200]);
    const { ended } = await open(second, token);
    const told = await fetch(`http://127.0.0.1:${first.port('http')}/scim/v2/Users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${scimSecret}`, 'content-type': 'application/scim+json' },
      body: JSON.stringify({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'dan@corp.example', active: false }),
    });
    assert.equal(told.status, 201, await told.text());
    await within(ended, 'the end of the connection at the other gateway');
    assert.equal(await get(second, token), 401);
  });

  test('one question is asked of both, and has one answer', async () => {
    const [analyst, bot] = [await first.issueToken('ann'), await second.issueToken('bot')];
    for (const gateway of [first, second, first]) {
      assert.equal(await get(gateway, bot), 200);
    }
    const logOf = async (gateway: GatewayProcess): Promise<string> => {
      const [row = ''] = (await (await gateway.api('/api/v1/search?query=kind:key&limit=1')).text()).split('\n');
      return String(JSON.parse(row).record).split('/')[0] ?? '';
    };
    const ask = async (...words: readonly string[]): Promise<readonly Record<string, unknown>[]> => {
      const urls = [first, second].flatMap((gateway) => ['--url', `http://127.0.0.1:${gateway.port('http')}`]);
      const { stdout } = first.spawnCli(['search', 'principal:bot target:web kind:request', ...words, ...urls, '--json'], { COUNTERSIGN_TOKEN: analyst });
      return (await text(stdout)).split('\n').flatMap((row) => (row === '' ? [] : [JSON.parse(row)]));
    };
    let found = await ask();
    // An index may still lack what was recorded just now.
    await waitUntil(async () => {
      found = await ask();
      return found.length >= 3 && isDeepStrictEqual(await ask('--count-by', 'principal'), [{ value: 'bot', count: found.length }]);
    });
    assert.equal(new Set(found.map(({ record }) => String(record).split('/')[0])).size, 2);
    const urlOf = new Map(
      await Promise.all([first, second].map(async (gateway) => [await logOf(gateway), `http://127.0.0.1:${gateway.port('http')}`] as const)),
    );
    assert.ok(
      found.every(({ record, gateway }) => gateway === urlOf.get(String(record).split('/')[0] ?? '')),
      'each says which gateway has it',
    );
    const times = found.map(({ time }) => String(time));
    assert.deepEqual(times, times.toSorted().toReversed());
  });

  test('a gateway that was away hears of it at its start', async () => {
    const token = await first.issueToken('bot');
    assert.equal(await get(second, token), 200);
    await second.signal('SIGKILL');
    const { revoked } = JSON.parse(await (await first.api(`/api/v1/tokens/${hashToken(token)}`, { method: 'DELETE' })).text());
    const refused = second.cli(['token', 'list']);
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
    assert.match(refused.stderr, /its tokens are in a store that gateways share: start it, or ask another one/);
    second.configure(config(line.port, '2s'));
    await second.start();
    assert.equal(await get(second, token), 401);
    const heard = (await own(second, 'gateway.hear_of_act')).filter(({ attributes }) => attributes['countersign.token.id'] === revoked);
    assert.equal(heard.length, 1);
  });

  test('C28: a gateway that cannot ask the store accepts credentials for the time that is set, then nobody, says why, and recovers alone', async () => {
    const [token, other] = [await second.issueToken('bot'), await first.issueToken('bot')];
    assert.equal(await get(second, token), 200);
    const { ended } = await open(second, token);
    line.stall(true);
    await within(ended, 'the end of what was open');
    line.cut(true);
    const reason = /No credential is accepted now\. The store that knows which are valid cannot be asked/;
    assert.match(await readiness(second), reason);
    assert.deepEqual([await get(second, token), await get(second, other), await get(first, token)], [503, 503, 200]);
    assert.equal((await second.api('/api/v1/tokens', { method: 'POST', body: { principal: 'bot' } })).status, 503);
    assert.equal((await second.api('/api/v1/sessions')).status, 200, 'the operator may look and halt');
    line.cut(false);
    await waitUntil(async () => (await get(second, token)) === 200);
    assert.equal(await get(second, other), 200);
    assert.ok(!(await readiness(second)).includes('No credential'));
    assert.deepEqual([(await own(second, 'gateway.lose_store')).length, (await own(second, 'gateway.find_store')).length], [1, 1]);
    line.cut(true);
    assert.equal(await second.signal('SIGTERM'), 0);
    second.configure(config(line.port));
    await assert.rejects(second.start(), /countersign: The store 127\.0\.0\.1:\d+\/identities cannot be used: /);
    line.cut(false);
  });

  test('E42: a store that is older than it was lets nobody in, while a gateway runs and at its start', async () => {
    const token = await first.issueToken('bot');
    assert.equal(await get(first, token), 200);
    await asOperatorOfStore(
      'CREATE TABLE kept AS SELECT * FROM exclusions; DELETE FROM exclusions WHERE revision = (SELECT max(revision) FROM exclusions)',
      'identities',
    );
    await waitUntil(async () => (await get(first, token)) === 503);
    assert.match(await readiness(first), /The store is older than it was/);
    await assert.rejects(second.start(), /the store is older than keys\.db: of \d+ revocations/);
    await asOperatorOfStore('DELETE FROM exclusions; INSERT INTO exclusions SELECT * FROM kept; DROP TABLE kept', 'identities');
    await waitUntil(async () => (await get(first, token)) === 200);
    await second.start();
    assert.equal(await get(second, token), 200);
    for (const gateway of [first, second]) {
      for (const canary of [scimSecret, storeKey, store.password]) {
        assert.ok(!gateway.log.includes(canary));
      }
      assert.equal(gateway.verify().status, 0);
    }
  });
});
