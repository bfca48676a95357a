import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import postgres from 'postgres';
import { passwordMessage, sslRequest, startupMessage } from '../../gateway/src/protocols/postgres/compose.ts';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { freePort } from '../../cli/src/demo/free-port.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { notAllowedHere, requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';

const startup = startupMessage(
  new Map([
    ['user', 'me'],
    ['database', 'shop'],
  ]),
);
const outsideAddress = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.internal === false && each.family === 'IPv4')?.address;
const tlsState = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

describe('TLS on both sides', requireProgram('psql', 'openssl'), () => {
  const ours = makeCertificate();
  const theirs = makeCertificate();
  const misnamed = makeCertificate(undefined, 'DNS:elsewhere.example');
  let secured: PostgresServer;
  let elsewhere: PostgresServer;
  let plain: PostgresServer;
  let liar: Server;
  /** The bytes that the hostile target got. */
  const overheard: Buffer[] = [];
  let gateway: GatewayProcess;
  let token: string;
  before(async () => {
    [secured, elsewhere, plain] = await Promise.all([startPostgres({ tls: theirs }), startPostgres({ tls: misnamed }), startPostgres()]);
    const liarPort = await freePort();
    liar = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        overheard.push(bytes);
        // AuthenticationOk and ReadyForQuery in the clear, behind the consent to TLS.
        socket.write(Buffer.from('SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1'));
      });
    }).listen(liarPort, '127.0.0.1');
    const url = (server: { readonly port: number }, options: string): string =>
      `{ url: "postgres://app@localhost:${server.port}/postgres${options}", password: { env: SHOP_PASSWORD }, durability: process }`;
    const full = (authority: { readonly certificateFile: string }): string =>
      `?sslmode=verify-full&sslrootcert=${encodeURIComponent(authority.certificateFile)}`;
    gateway = await GatewayProcess.start({
      host: '0.0.0.0',
      environment: { SHOP_PASSWORD: secured.password },
      config: `tls: { cert: ${ours.certificateFile}, key: ${ours.keyFile} }
targets:
  required: ${url(secured, '?sslmode=require')}
  verified: ${url(secured, full(theirs))}
  bound: ${url(secured, `${full(theirs)}&channel_binding=require`)}
  forged: ${url(secured, full(ours))}
  misnamed: ${url(elsewhere, full(misnamed))}
  refusing: ${url(plain, '?sslmode=require')}
  liar: ${url({ port: liarPort }, '?sslmode=require')}
  shop: ${url(plain, '?sslmode=off')}
principals:
  agent: { kind: agent, targets: [required, verified, bound, forged, misnamed, refusing, liar, shop] }
sinks: { siem: { otlp: "http://192.0.2.1:4318", query: 'principal:nobody' } }
`,
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    liar.close();
    await gateway[Symbol.asyncDispose]();
    await Promise.all([secured, elsewhere, plain].map((server) => server[Symbol.asyncDispose]()));
  });

  const login = (more: Readonly<Record<string, string>>) => ({
    PGHOST: 'localhost',
    PGPORT: String(gateway.port('postgres')),
    PGUSER: 'me',
    PGPASSWORD: token,
    PGDATABASE: 'shop',
    // Not psql's own choice, which tries again in the clear.
    PGSSLMODE: 'require',
    PGSSLROOTCERT: ours.certificateFile,
    ...more,
  });
  const select = (more: Readonly<Record<string, string>>, statement = 'select 40 + 2') => psql(login(more), ['-At', '-c', statement]);

  test('psql negotiates TLS; verify-full takes our certificate and no other', async () => {
    for (const mode of ['require', 'verify-full']) {
      const { stdout, stderr } = await psql(login({ PGSSLMODE: mode }), ['-At', '-c', 'select 40 + 2', '-c', '\\conninfo']);
      assert.match(stdout, /^42\n/, stderr);
      assert.match(stdout, /SSL connection \(protocol: TLSv1\.3/);
    }
    const { stderr } = await select({ PGSSLMODE: 'verify-full', PGSSLROOTCERT: theirs.certificateFile });
    assert.match(stderr, /certificate verify failed/);
  });

  test('direct TLS: node-postgres and postgres.js', async () => {
    const options = { host: 'localhost', port: gateway.port('postgres'), user: 'me', password: token, database: 'shop' };
    const client = new pg.Client({ ...options, sslnegotiation: 'direct', ssl: { ca: ours.certificate } });
    await client.connect();
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }]);
    await client.end();
    // Its types do not know the option yet.
    const direct = { ...options, username: 'me', sslnegotiation: 'direct', ssl: { ca: ours.certificate.toString() }, max: 1 };
    const sql = postgres(direct);
    assert.deepEqual([...(await sql`select 2 as two`)], [{ two: 2 }]);
    await sql.end();
  });

  const reachable = outsideAddress === undefined ? notAllowedHere('it has no address but loopback') : {};
  test('a token in the clear is taken on loopback only, and the refusal says what to do', reachable, async () => {
    const address = outsideAddress ?? '';
    assert.equal((await select({ PGSSLMODE: 'disable' })).stdout, '42\n');
    assert.equal((await select({ PGHOST: address, PGSSLMODE: 'require' })).stdout, '42\n');
    const { status, stderr } = await select({ PGHOST: address, PGSSLMODE: 'disable' });
    assert.equal(status, 2);
    assert.match(stderr, /A token is not taken over a connection in the clear: connect with sslmode=require or verify-full, or through countersign connect/);
    // It is refused before it is asked for: nobody on the way has seen it.
    assert.equal((await converse(address, Buffer.concat([startup, passwordMessage(token)]))).at(0), 'E'.charCodeAt(0));
  });

  test('what leaves in the clear is said at the start', () => {
    assert.match(gateway.log, /the sink siem gets facts of what is recorded over http:\/\/192\.0\.2\.1:4318: they cross the network in the clear/);
  });

  test('to the target: require and verify-full encrypt, and the password is bound to the connection', async () => {
    for (const target of ['required', 'verified', 'bound']) {
      const { stdout, stderr } = await select({ PGDATABASE: target }, tlsState);
      assert.equal(stdout, 't\n', `${target}: ${stderr}`);
    }
    assert.equal((await select({}, tlsState)).stdout, 'f\n');
  });

  test('to the target: another authority, another name, or no TLS at all end the login', async () => {
    const refusals = { forged: /TLS with localhost failed/, misnamed: /TLS with localhost failed/, refusing: /does not offer TLS/ };
    for (const [target, words] of Object.entries(refusals)) {
      const { status, stderr } = await select({ PGDATABASE: target });
      assert.equal(status, 2);
      assert.match(stderr, words);
    }
    assert.doesNotMatch(elsewhere.log(), /connection authorized|statement:/);
  });

  test('A2: bytes that a client sends in the clear after its request for TLS are never read as encrypted', async () => {
    const { length } = await gateway.sessions();
    const answer = await converse('127.0.0.1', Buffer.concat([sslRequest, startup, passwordMessage(token), Buffer.from("Q\0\0\0\x16select 'smuggled'\0")]));
    assert.match(answer.toString('latin1'), /^E.*C08P01\0.*Unencrypted bytes/s);
    assert.equal((await gateway.sessions()).length, length, 'nobody logged in');
    assert.doesNotMatch(plain.log(), /smuggled/);
  });

  test('A2: bytes that a target sends in the clear after its consent to TLS are never read as encrypted', async () => {
    const { status, stderr } = await select({ PGDATABASE: 'liar' });
    assert.equal(status, 2);
    assert.match(stderr, /unencrypted bytes after its answer/);
    assert.deepEqual(Buffer.concat(overheard), sslRequest, 'it was told neither a name nor a password');
    const records = await gateway.records((await gateway.newest()).session);
    assert.ok(records.some(({ attributes }) => attributes['error.type'] === 'target_tls_failed'));
    assert.ok(!records.some(({ action }) => action === 'postgres.query'));
  });

  test('the record holds', () => {
    const { status, stdout } = gateway.verify();
    assert.equal(status, 0, stdout);
  });

  /** Sends bytes in one piece and reads to the end. */
  async function converse(host: string, bytes: Buffer): Promise<Buffer> {
    const socket = connect(gateway.port('postgres'), host);
    const answer: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => answer.push(chunk));
    socket.end(bytes);
    await once(socket, 'close');
    return Buffer.concat(answer);
  }
});
