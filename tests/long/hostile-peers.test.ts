import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { sslRequest, startupMessage } from '../../gateway/src/protocols/postgres/compose.ts';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { connectTo, Inbox, portOf } from '../../gateway/src/wire/testdata/sockets.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { requireProgram } from '../support/require-program.ts';
import { waitUntil } from '../support/wait-until.ts';

const loginsPerAddressMax = 10;
const connectionsMax = 50;
const limits = {
  loginMs: 4000,
  idleMs: 4000,
  dialMs: 4000,
  loginsPerAddressMax,
  silentPerAddressMax: loginsPerAddressMax,
  connectionsPerAddressMax: 20,
  connectionsMax,
};
/** Longer than a stop may take, and than anything here. */
const patientMs = 60_000;
/** The most by which memory may grow for a connection, garbage included, however much its peer leaves unread or asks for: a result of 1 GB leaves more garbage. */
const growthBytesMax = { unread: 128 * 1024 * 1024, asked: 192 * 1024 * 1024 };

const copyBytes = 128 * 1024 * 1024;
const stoppedMs = 1000;
/** DESIGN: a clean stop takes no longer. */
const stopMsMax = 10_000;

/** How a hostile client begins, and then says no more. */
const beginnings: Readonly<Record<'postgres' | 'http', Readonly<Record<string, Buffer>>>> = {
  postgres: {
    'nothing at all': Buffer.alloc(0),
    'half a length': Buffer.from([0, 0]),
    'half a startup': startupMessage(new Map([['user', 'me']])).subarray(0, 9),
    'a startup and no password': startupMessage(
      new Map([
        ['user', 'me'],
        ['database', 'shop'],
      ]),
    ),
    'a request for TLS': sslRequest,
    'half a hello of TLS': Buffer.from('16030100c8010000c40303', 'hex'),
  },
  http: {
    'nothing at all': Buffer.alloc(0),
    'half a head': Buffer.from('GET /healthz HTTP/1.1\r\nHost: 127.0'),
    'half a hello of TLS': Buffer.from('16030100c8010000c40303', 'hex'),
  },
};

describe('hostile peers, against a whole gateway', requireProgram('openssl', 'psql'), () => {
  const certificate = makeCertificate();
  const silentTarget = createServer((socket) => socket.on('error', () => undefined));
  let database: PostgresServer;
  let gateway: GatewayProcess;
  let token: string;
  before(async () => {
    database = await startPostgres({ settings: { log_statement: 'none' } });
    await new Promise<void>((resolve) => silentTarget.listen(0, '127.0.0.1', resolve));
    gateway = await GatewayProcess.start({ environment: { SHOP_PASSWORD: database.password }, config: configure(limits) });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    silentTarget.close();
    await gateway[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  function configure(lowered: object): string {
    const rest = 'password: { env: SHOP_PASSWORD }, durability: process';
    return `tls: { cert: ${certificate.certificateFile}, key: ${certificate.keyFile} }
targets:
  shop: { url: "${database.url}", ${rest} }
  silent: { url: "postgres://app@127.0.0.1:${portOf(silentTarget)}/postgres", ${rest} }
principals:
  agent: { kind: agent, targets: [shop, silent] }
limits: ${JSON.stringify(lowered)}
`;
  }

  async function connect(options: pg.ClientConfig = {}): Promise<pg.Client> {
    const client = new pg.Client({ host: '127.0.0.1', port: gateway.port('postgres'), user: 'me', password: token, database: 'shop', ...options });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async function begin(listener: 'postgres' | 'http', localAddress: string, beginning: Buffer): Promise<Inbox> {
    const socket = await connectTo(gateway.port(listener), localAddress);
    socket.write(beginning);
    return new Inbox(socket);
  }

  /** Past the gateway. */
  async function around<Row extends pg.QueryResultRow>(statement: string): Promise<Row[]> {
    const client = new pg.Client({ host: '127.0.0.1', port: database.port, user: database.user, password: database.password, database: 'postgres' });
    await client.connect();
    const { rows } = await client.query<Row>(statement);
    await client.end();
    return rows;
  }

  async function backendOf(application: string): Promise<{ pid: number; wait_event: string | null } | undefined> {
    const [backend] = await around<{ pid: number; wait_event: string | null }>(
      `select pid, wait_event from pg_stat_activity where application_name = '${application}'`,
    );
    return backend;
  }

  /** One who works beside the hostile, in both ways, until `isOver`; resolves with how often it was served before that. */
  async function bystander(isOver: (served: number) => boolean): Promise<number> {
    const client = await connect();
    let served = 0;
    await waitUntil(async () => {
      await client.query('select 1');
      assert.equal((await gateway.api('/api/v1/targets')).status, 200);
      const isNowOver = isOver(served);
      served += isNowOver ? 0 : 1;
      return isNowOver;
    }, patientMs);
    await client.end();
    return served;
  }

  /** One who works beside the hostile until the promise settles; resolves with how often it was served before that. */
  async function bystanderUntil(done: Promise<unknown>): Promise<number> {
    let isDone = false;
    void done.finally(() => {
      isDone = true;
    });
    return bystander(() => isDone);
  }

  for (const listener of ['postgres', 'http'] as const) {
    test(`A8: who falls silent (${listener}) is cut off at the deadline, whatever it began; neither that nor a flood from one address holds up others`, async () => {
      const begun = Object.values(beginnings[listener]);
      const silent = await Promise.all(begun.map((beginning) => begin(listener, '127.0.0.2', beginning)));
      const flood = await Promise.all(Array.from({ length: 3 * loginsPerAddressMax }, () => begin(listener, '127.0.0.3', Buffer.alloc(0))));
      // Most of a flood at once, those that were let in at the deadline.
      await waitUntil(() => flood.filter(({ isEnded }) => isEnded).length >= 2 * loginsPerAddressMax);
      const ends = Promise.all([...silent, ...flood].map((inbox) => inbox.untilEnd()));
      assert.ok((await bystanderUntil(ends)) > 0);
    });

    test(`A8: a flood (${listener}) from everywhere leaves those that are there alone, and passes`, async () => {
      const client = await connect();
      const flood = await Promise.all(Array.from({ length: 2 * connectionsMax }, (_, i) => connectTo(gateway.port(listener), `127.0.1.${1 + (i % 50)}`)));
      const inboxes = flood.map((socket) => new Inbox(socket));
      await waitUntil(() => inboxes.filter(({ isEnded }) => isEnded).length >= connectionsMax);
      assert.equal((await client.query('select 1 as one')).rows[0].one, 1);
      for (const socket of flood) {
        socket.destroy();
      }
      await client.end();
      await waitUntil(async () => {
        const served = await Promise.allSettled([gateway.api('/healthz'), connect().then((late) => late.end())]);
        return served.every(({ status }) => status === 'fulfilled');
      });
    });
  }

  test('A8, D33: a slow reader of a large result costs no memory, holds up nobody, and is ended when nothing moves any more', async () => {
    const peak = peakBytes(gateway.pid);
    const socket = new Socket();
    const slow = await connect({ stream: () => socket, application_name: 'slow reader' });
    const { session } = await gateway.newest();
    const gone = new Promise((resolve) => socket.once('close', resolve));
    const result = slow.query("select repeat('x', 10000) from generate_series(1, 100000)").catch(() => undefined);
    socket.pause();
    // From its login on the backend is there, until the gateway gives up: what it sends is more than anybody on the way keeps.
    assert.ok((await bystanderUntil(waitUntil(async () => (await backendOf('slow reader')) === undefined))) > 0);
    assert.ok(peakBytes(gateway.pid) - peak < growthBytesMax.asked);
    socket.resume();
    await Promise.all([gone, result]);
    assert.equal((await gateway.records(session)).at(-1)?.kind, 'close');
  });

  test('A8, D33: a target that does not read costs no memory, and delays nobody', async () => {
    await around('create table taken (line text)');
    const peak = peakBytes(gateway.pid);
    const login = { PGHOST: '127.0.0.1', PGPORT: String(gateway.port('postgres')), PGUSER: 'me', PGPASSWORD: token, PGDATABASE: 'shop', PGAPPNAME: 'sender' };
    using sender = spawn('psql', ['-X', '-c', 'copy taken from stdin'], { env: { ...process.env, ...login }, stdio: ['pipe', 'ignore', 'inherit'] });
    const exited = new Promise((resolve) => sender.once('exit', resolve));
    await waitUntil(async () => (await backendOf('sender'))?.wait_event === 'ClientRead');
    const pid = (await backendOf('sender'))?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      let isTaken = false;
      sender.stdin.end(Buffer.alloc(copyBytes, `${'x'.repeat(1023)}\n`), () => {
        isTaken = true;
      });
      const stopped = performance.now();
      await bystander((served) => served > 0 && performance.now() - stopped > stoppedMs);
      assert.equal(isTaken, false);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    assert.equal(await exited, 0);
    assert.ok(peakBytes(gateway.pid) - peak < growthBytesMax.unread);
    assert.deepEqual(await around('select count(*)::int from taken'), [{ count: copyBytes / 1024 }]);
  });

  test('A8: a target that does not answer is given up, and delays nobody', async () => {
    const attempts = Array.from({ length: 5 }, () =>
      connect({ database: 'silent' }).then(
        () => assert.fail('it answered'),
        (error: unknown) => error,
      ),
    );
    const ends = Promise.all(attempts);
    assert.ok((await bystanderUntil(ends)) > 0);
    for (const error of await ends) {
      assert.ok(error instanceof pg.DatabaseError);
      assert.equal(error.code, '08006');
    }
  });

  test('A8: a stop does not wait for who is silent', async () => {
    assert.equal(await gateway.signal('SIGTERM'), 0);
    gateway.configure(configure({ loginMs: patientMs }));
    await gateway.start();
    const silent = await Promise.all([connectTo(gateway.port('postgres')), connectTo(gateway.port('http'))]);
    const beganMs = performance.now();
    assert.equal(await gateway.signal('SIGTERM'), 0);
    assert.ok(performance.now() - beganMs < stopMsMax);
    for (const socket of silent) {
      socket.destroy();
    }
    const { status, stdout } = gateway.verify();
    assert.equal(status, 0, stdout);
  });
});

/** The most memory that a process has had. */
function peakBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
