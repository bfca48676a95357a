import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import pg from 'pg';
import { routes } from '../../gateway/src/api/routes.ts';
import { formatToken } from '../../gateway/src/identity/token-format.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';

/** Every way to a target: with a token of one's own or a run's, at the listener or through `countersign connect`. */
const entries = [
  { bearer: 'token', way: 'listener' },
  { bearer: 'token', way: 'tunnel' },
  { bearer: 'run', way: 'listener' },
  { bearer: 'run', way: 'tunnel' },
] as const;
type Entry = (typeof entries)[number];

interface Pass {
  readonly token: string;
  /** The run's session. */
  readonly session: string | null;
  takeBack(): Promise<void>;
}

describe('every entry and every control', () => {
  let database: PostgresServer;
  let gateway: GatewayProcess;
  const configOf = (granted: string): string => `targets:
  shop: { url: "${database.url}", password: { env: SHOP_PASSWORD }, durability: process }
principals:
  agent: { kind: agent, targets: ${granted} }
  stranger: { kind: agent, targets: [] }
  boss: { kind: human, groups: [admins], targets: [] }
`;
  const parts = suiteParts();
  before(async () => {
    database = parts.use(await startPostgres());
    gateway = parts.use(await GatewayProcess.start({ config: configOf('[shop]'), environment: { SHOP_PASSWORD: database.password } }));
  });

  async function issue({ bearer }: Entry, principal: string): Promise<Pass> {
    const made = await gateway.api(bearer === 'run' ? '/api/v1/runs' : '/api/v1/tokens', { method: 'POST', body: { principal } });
    assert.equal(made.status, 201);
    const { token, id, session } = JSON.parse(await made.text());
    const takeBack = async (): Promise<void> => {
      const gone =
        bearer === 'run' ? gateway.api(`/api/v1/runs/${session}/end`, { method: 'POST', body: {} }) : gateway.api(`/api/v1/tokens/${id}`, { method: 'DELETE' });
      assert.equal((await gone).status, 200);
    };
    return { token, session: session ?? null, takeBack };
  }

  async function portOf({ way }: Entry, token: string): Promise<number> {
    if (way === 'listener') {
      return gateway.port('postgres');
    }
    const tunnel = gateway.spawnCli(['connect', 'shop'], { COUNTERSIGN_TOKEN: token });
    let said = '';
    for (const output of [tunnel.stdout, tunnel.stderr]) {
      output.on('data', (bytes: Buffer) => {
        said += bytes.toString();
      });
    }
    await waitUntil(() => tunnel.exitCode !== null || /127\.0\.0\.1:\d+/.test(said));
    if (tunnel.exitCode !== null) {
      // It says so before it opens a port.
      throw Object.assign(new Error(said), { code: said.includes('is not accepted') ? '28P01' : '42501' });
    }
    return Number(/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
  }

  async function enter(entry: Entry, token: string): Promise<pg.Client> {
    const client = new pg.Client({ host: '127.0.0.1', port: await portOf(entry, token), user: 'me', password: token, database: 'shop' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** The newest refusal in the record of the gateway's own. */
  async function lastRefusal(): Promise<{ readonly principal: unknown; readonly reason: string }> {
    const own = (await gateway.sessions('all')).filter(({ principal, targets }) => principal === null && targets.length === 0);
    const records = await Promise.all(own.map(({ session }) => gateway.records(session)));
    const refusal = records.flat().findLast(({ verdict }) => verdict === 'deny');
    assert.equal(refusal?.attributes['client.address'], '127.0.0.1');
    return { principal: refusal.attributes['user.id'], reason: String(refusal.attributes['countersign.reason']) };
  }

  for (const entry of entries) {
    const where = `with a ${entry.bearer} at the ${entry.way}`;

    test(`B22: an unknown token is refused, on the record, ${where}`, async () => {
      // One that has just started slows down no bad token for the ones before.
      await gateway.signal('SIGTERM');
      await gateway.start();
      await assert.rejects(enter(entry, formatToken(randomBytes(32))), { code: '28P01' });
      assert.match((await lastRefusal()).reason, /^unauthenticated: /);
    });

    test(`B22: a target that was not granted is refused, on the record, ${where}`, async () => {
      const { token } = await issue(entry, 'stranger');
      await assert.rejects(enter(entry, token), { code: '42501' });
      const { principal, reason } = await lastRefusal();
      assert.match(reason, /^refused: (stranger was not granted|this run of stranger was not given) shop/);
      assert.equal(principal, 'stranger');
    });

    test(`B22: what was taken back opens nothing, ${where}`, async () => {
      const pass = await issue(entry, 'agent');
      const client = await enter(entry, pass.token);
      await client.end();
      await pass.takeBack();
      await assert.rejects(enter(entry, pass.token), { code: '28P01' });
    });

    test(`B22: what is done is recorded, and can be halted, ${where}`, async () => {
      const pass = await issue(entry, 'agent');
      const client = await enter(entry, pass.token);
      const marker = `select 'recorded ${where}'`;
      await client.query(marker);
      const session = pass.session ?? (await gateway.newest()).session;
      const request = (await gateway.records(session)).find(({ attributes }) => attributes['db.query.text'] === marker);
      assert.deepEqual([request?.principal, request?.target, request?.verdict], ['agent', 'shop', 'allow']);
      assert.equal(request?.attributes['client.address'], '127.0.0.1');
      const running = assert.rejects(client.query('select pg_sleep(300)'), { code: '57P01' });
      assert.equal((await gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'enough' } })).status, 200);
      await running;
      await waitUntil(async () => (await gateway.sessions()).find((each) => each.session === session)?.state === 'halted');
    });
  }

  for (const entry of entries) {
    test(`T4.2, E48: a credential that is revoked ends what it opened, with a ${entry.bearer} at the ${entry.way}`, async () => {
      const boss = await issue({ bearer: 'token', way: 'listener' }, 'boss');
      const made = await gateway.api(entry.bearer === 'run' ? '/api/v1/runs' : '/api/v1/tokens', {
        method: 'POST',
        body: { principal: 'agent' },
        token: boss.token,
      });
      const { token, id } = JSON.parse(await made.text());
      const known = (await gateway.sessions()).length - (entry.bearer === 'run' ? 1 : 0);
      const [busy, idle] = [await enter(entry, token), await enter(entry, token)];
      const idleEnded = new Promise<unknown>((resolve) => idle.once('error', resolve));
      const running = assert.rejects(busy.query('select pg_sleep(300)'), { code: '28P01', message: /revoked/ });
      const gone = entry.bearer === 'run' ? boss.takeBack() : gateway.api(`/api/v1/tokens/${id}`, { method: 'DELETE' });
      await gone;
      await running;
      assert.match(String(await idleEnded), /revoked/);
      await assert.rejects(idle.query('select 1'));
      await waitUntil(async () => (await gateway.sessions()).slice(known).every(({ state }) => state === 'closed'));
    });
  }

  test('T4.2, E48: a token that expires ends what it opened at that moment, at every entry', async () => {
    for (const entry of entries.filter(({ bearer }) => bearer === 'token')) {
      let client: pg.Client | null = null;
      // On a busy machine a token may expire before it has opened anything: the next one lives longer.
      for (let ttlMs = 3000; client === null; ttlMs *= 2) {
        const made = await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal: 'agent', ttlMs } });
        client = await enter(entry, JSON.parse(await made.text()).token).catch((error: unknown) => (ttlMs < 60_000 ? null : Promise.reject(error)));
      }
      await assert.rejects(client.query('select pg_sleep(300)'), { code: '28P01', message: /expired/ });
    }
  });

  test('T4.2, E48: a principal that is not configured any more is gone from every entry', async () => {
    const clients = await Promise.all(entries.map(async (entry) => enter(entry, (await issue(entry, 'agent')).token)));
    const running = clients.map(async (client) => assert.rejects(client.query('select pg_sleep(300)'), { code: '28P01', message: /not configured/ }));
    gateway.configure(configOf('[shop]').replace(/^ {2}agent: .*\n/m, ''));
    await Promise.all(running);
    gateway.configure(configOf('[shop]'));
    const pass = await issue({ bearer: 'token', way: 'listener' }, 'stranger');
    await pass.takeBack();
    await waitUntil(async () => (await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal: 'agent' } })).status === 201);
  });

  test('B22: a grant that is withdrawn is withdrawn at every entry, even for open streams', async () => {
    const passes = await Promise.all(entries.map(async (entry) => [entry, (await issue(entry, 'agent')).token] as const));
    const clients = await Promise.all(passes.map(async ([entry, token]) => enter(entry, token)));
    const running = clients.map(async (client) =>
      assert.rejects(client.query('select pg_sleep(300)'), { code: '42501', message: /agent was not granted shop/ }),
    );
    gateway.configure(configOf('[]'));
    await Promise.all(running);
    gateway.configure(configOf('[shop]'));
    for (const [entry, token] of passes) {
      await waitUntil(async () => {
        const client = await enter(entry, token).catch(() => null);
        await client?.end();
        return client !== null;
      });
    }
  });

  test('B22: no part of the API answers without a token, to a principal that is not an administrator, or to a run', async () => {
    await gateway.signal('SIGTERM');
    await gateway.start();
    const tokens = await Promise.all(entries.map(async (entry) => (await issue(entry, 'agent')).token));
    const ownTokens = tokens.filter((_, i) => entries[i]?.bearer === 'token');
    assert.ok(routes.length > 10);
    assert.deepEqual(
      routes.filter(({ callers }) => callers === 'runs').map(({ path }) => path),
      ['/api/v1/runs', '/api/v1/runs/:session/output/:stream', '/api/v1/runs/:session/end'],
    );
    for (const { method, path, callers, body } of routes.filter((route) => route.callers !== 'everybody')) {
      const place = path.replaceAll(/:\w+(\{[^}]*\})?/g, '1');
      // Another test covers what a run may ask.
      for (const token of callers === 'runs' ? ownTokens : tokens) {
        const { status } = await gateway.api(place, { method, token, ...(body === null ? {} : { body: {} }) });
        assert.equal(status, 403, `${method} ${place}`);
      }
    }
    const anonymous = await Promise.all(routes.slice(0, 3).map(({ method, path }) => gateway.api(path, { method, token: '' })));
    assert.deepEqual(
      anonymous.map(({ status }) => status),
      [401, 401, 401],
    );
  });

  test('the record holds', () => {
    const { status, stdout } = gateway.verify();
    assert.equal(status, 0, stdout);
  });
});
