import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { freePort } from '../../cli/src/demo/free-port.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { requireProgram } from '../support/require-program.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('logins at the target', requireProgram('openssl'), () => {
  const certificate = makeCertificate();
  const servers: Record<string, PostgresServer> = {};
  let gateway: GatewayProcess;
  let token: string;
  before(async () => {
    const [scram, md5, password, cleartext, trust, mortal] = await Promise.all([
      startPostgres(),
      startPostgres({ authentication: 'md5' }),
      startPostgres({ authentication: 'password', tls: certificate }),
      startPostgres({ authentication: 'password' }),
      startPostgres({ authentication: 'trust' }),
      startPostgres(),
    ]);
    Object.assign(servers, { scram, md5, password, cleartext, trust, mortal });
    const target = (port: number, more: string): string => `{ url: "postgres://app@127.0.0.1:${port}/postgres", durability: process, ${more} }`;
    const secret = 'password: { env: SHOP_PASSWORD }';
    gateway = await GatewayProcess.start({
      environment: { SHOP_PASSWORD: scram.password, OTHER_PASSWORD: 'another-password-canary' },
      config: `targets:
  scram: ${target(scram.port, secret)}
  md5: ${target(md5.port, secret)}
  password: ${target(password.port, `${secret}, options: { sslmode: verify-full, sslrootcert: ${certificate.certificateFile} }`)}
  cleartext: ${target(cleartext.port, secret)}
  trust: ${target(trust.port, secret)}
  mortal: ${target(mortal.port, secret)}
  scramonly: ${target(md5.port, `${secret}, options: { require_auth: scram-sha-256 }`)}
  wrong: ${target(scram.port, 'password: { env: OTHER_PASSWORD }')}
  absent: ${target(await freePort(), secret)}
principals:
  agent: { kind: agent, targets: [scram, md5, password, cleartext, trust, mortal, scramonly, wrong, absent] }
  stranger: { kind: agent, targets: [] }
`,
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await Promise.all(Object.values(servers).map((server) => server[Symbol.asyncDispose]()));
  });

  async function connect(database: string, password: string = token): Promise<pg.Client> {
    const client = new pg.Client({ host: '127.0.0.1', port: gateway.port('postgres'), user: 'me', password, database });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  for (const method of ['scram', 'md5', 'password', 'trust']) {
    test(`${method}${method === 'password' ? ' under TLS' : ''}`, async () => {
      const client = await connect(method);
      assert.deepEqual((await client.query('select current_user as who')).rows, [{ who: 'app' }]);
      await client.end();
    });
  }

  test('A6: a password in the clear is never given, nor one in a way that the target was not allowed', async () => {
    await assert.rejects(connect('cleartext'), { code: '08006', message: /in the clear/ });
    await assert.rejects(connect('scramonly'), { code: '08006' });
    assert.doesNotMatch(servers['cleartext']?.log() ?? '', /connection authorized|statement:/);
  });

  test('an error has the form of PostgreSQL, with the session, and without the credential', async () => {
    const stranger = await gateway.issueToken('stranger');
    const refusals: readonly (readonly [string, string, string, RegExp])[] = [
      ['scram', 'cs_nonsense', '28P01', /The token is not accepted/],
      ['nowhere', token, '3D000', /There is no target "nowhere"/],
      ['scram', stranger, '42501', /stranger was not granted scram/],
      ['absent', token, '08006', /cannot be reached: the connection was refused.*\(session [0-9a-f]{32}\)/],
      ['wrong', token, '08006', /does not accept the credential.*\(session [0-9a-f]{32}\)/],
      ['scram/nowhere', token, '3D000', /database "nowhere" does not exist/],
    ];
    for (const [database, password, code, words] of refusals) {
      await assert.rejects(connect(database, password), (error: Error & { readonly code?: string }) => {
        assert.equal(error.code, code, database);
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
    }
  });

  test('a target that goes away: its own words, the session closed, 08006 from then on', async () => {
    const client = await connect('mortal');
    const { session } = await gateway.newest();
    const running = assert.rejects(client.query('select pg_sleep(300)'), { code: '57P01' });
    await waitUntil(() => servers['mortal']?.log().includes('pg_sleep(300)') === true);
    await servers['mortal']?.[Symbol.asyncDispose]();
    await running;
    await waitUntil(async () => (await gateway.newest()).state === 'closed');
    const records = await gateway.records(session);
    assert.equal(records.findLast(({ kind }) => kind === 'response')?.attributes['db.response.status_code'], '57P01');
    await assert.rejects(connect('mortal'), { code: '08006' });
  });

  test('the record holds', () => {
    const { status, stdout } = gateway.verify();
    assert.equal(status, 0, stdout);
  });
});
