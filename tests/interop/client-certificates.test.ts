import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql, type RunResult } from '../support/run.ts';
import { suiteParts } from '../support/suite-parts.ts';

/** The files of a certificate and its key. */
interface Pair {
  readonly cert: string;
  readonly key: string;
}

describe('client certificates', requireProgram('psql', 'openssl'), () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-clients-'));
  const server = makeCertificate();
  let gateway: GatewayProcess;
  let database: PostgresServer;
  let web: SampleServer;
  let authority: Pair;
  let nightly: Pair;
  /** The number of clients that asked over HTTPS. */
  let clients = 0;
  const parts = suiteParts();

  /** Makes a certificate, signed by itself or by an authority. */
  function make(name: string, extensions: string, by?: Pair): Pair {
    const pair = { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
    const openssl = (...words: readonly string[]): void => {
      execFileSync('openssl', words, { stdio: 'pipe' });
    };
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', pair.key);
    writeFileSync(`${pair.cert}.ext`, extensions);
    openssl('req', '-new', '-key', pair.key, '-subj', `/CN=${name}`, '-out', `${pair.cert}.csr`);
    const signing = by === undefined ? ['-signkey', pair.key] : ['-CA', by.cert, '-CAkey', by.key];
    openssl('x509', '-req', '-in', `${pair.cert}.csr`, ...signing, '-days', '2', '-extfile', `${pair.cert}.ext`, '-out', pair.cert);
    return pair;
  }
  const ofAuthority = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign';
  const ofClient = (name: string): string => `subjectAltName=${name}\nextendedKeyUsage=clientAuth`;

  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    authority = make('authority', ofAuthority);
    nightly = make('nightly', ofClient('URI:spiffe://corp/nightly'), authority);
    database = parts.use(await startPostgres());
    web = parts.use(
      await openServer(async (_request, response) => {
        response.end('hello');
      }),
    );
    gateway = parts.use(
      await GatewayProcess.start({
        environment: { SHOP_PASSWORD: database.password },
        config: `tls: { cert: ${server.certificateFile}, key: ${server.keyFile}, clients: ${authority.cert} }
targets:
  shop: { url: "${database.url}", password: { env: SHOP_PASSWORD }, durability: process }
  web: { protocol: http, url: "${web.url}", durability: process }
principals:
  nightly: { kind: agent, targets: [shop, web], certificate: { uri: "spiffe://corp/nightly" } }
  other: { kind: agent, targets: [web], certificate: { dns: other.corp.example } }
  agent: { kind: agent, targets: [shop, web] }
`,
      }),
    );
  });

  async function overPostgres(pair: Pair | null, password?: string): Promise<RunResult> {
    const tls = { PGSSLMODE: 'require', ...(pair === null ? { PGSSLCERT: '/none' } : { PGSSLCERT: pair.cert, PGSSLKEY: pair.key }) };
    const where = { PGHOST: 'localhost', PGPORT: String(gateway.port('postgres')), PGUSER: 'any', PGDATABASE: 'shop', PGPASSWORD: password ?? '' };
    return psql({ ...where, ...tls, PGCONNECT_TIMEOUT: '20' }, ['-w', '-Atc', 'select 1']);
  }

  async function overHttp(pair: Pair | null, { token, agent }: { token?: string; agent?: Agent } = {}): Promise<IncomingMessage> {
    clients += 1;
    const asked = request(`https://127.0.0.1:${gateway.port('http')}/t/web/`, {
      agent: agent ?? new Agent(),
      // Another client asks each time, because after a refusal the next one waits longer.
      localAddress: agent === undefined ? `127.0.2.${clients}` : '127.0.0.1',
      ca: server.certificate,
      servername: 'localhost',
      ...(pair === null ? {} : { cert: readFileSync(pair.cert), key: readFileSync(pair.key) }),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    asked.end();
    const [answer]: IncomingMessage[] = await once(asked, 'response');
    await answer?.resume().toArray();
    return answer ?? assert.fail();
  }

  async function principalOf(answer: IncomingMessage): Promise<string | null | undefined> {
    return (await gateway.records(String(answer.headers['countersign-session']))).at(-1)?.principal;
  }

  test('B16: a certificate stands for the principal to which it is bound, over PostgreSQL and HTTPS, because its key was proven', async () => {
    const { status, stdout, stderr } = await overPostgres(nightly);
    assert.deepEqual([status, stdout], [0, '1\n'], stderr);
    const answer = await overHttp(nightly);
    assert.deepEqual([answer.statusCode, await principalOf(answer)], [200, 'nightly']);
    const [opening] = await gateway.records((await gateway.newest()).session);
    assert.match(
      JSON.stringify(await gateway.records((await gateway.newest()).session)),
      /"tls\.client\.hash\.sha256":"[0-9a-f]{64}"/,
      JSON.stringify(opening),
    );
    const stolen = { cert: nightly.cert, key: authority.key };
    await assert.rejects(overHttp(stolen), 'the certificate alone, without its key');
  });

  test('B18: no chain, purpose or name makes a certificate of another authority one that is accepted', async () => {
    const impostor = make('impostor', ofAuthority);
    const leaf = make('leaf', ofClient('URI:spiffe://corp/leaf'), authority);
    const below = make('below', ofAuthority, authority);
    const wrong: Readonly<Record<string, Pair>> = {
      'signed by itself': make('own', ofClient('URI:spiffe://corp/nightly')),
      'signed by an authority of the same name': make('forged', ofClient('URI:spiffe://corp/nightly'), { ...impostor }),
      'signed by a certificate that is no authority': make('under-leaf', ofClient('URI:spiffe://corp/nightly'), leaf),
      'signed by an authority below the one that is named': make('under-below', ofClient('URI:spiffe://corp/nightly'), below),
      'made for servers': make('for-servers', 'subjectAltName=URI:spiffe://corp/nightly\nextendedKeyUsage=serverAuth', authority),
      'made for nothing': make('for-nothing', 'subjectAltName=URI:spiffe://corp/nightly', authority),
      'of an authority itself': make('itself', `${ofAuthority}\n${ofClient('URI:spiffe://corp/nightly')}`, authority),
      'of the name as a subject': make('nightly-cn', ofClient('DNS:elsewhere.example'), authority),
      'with the name within another': make('within', `${ofClient('@names')}\n[names]\nDNS.1 = "a, URI:spiffe://corp/nightly"`, authority),
      'of two principals': make('two', ofClient('URI:spiffe://corp/nightly,DNS:other.corp.example'), authority),
      'of nobody': leaf,
    };
    for (const [name, pair] of Object.entries(wrong)) {
      const answer = await overHttp(pair);
      assert.equal(answer.statusCode, 401, name);
    }
    const { status, stderr } = await overPostgres(wrong['signed by itself'] ?? null);
    assert.equal(status, 2);
    assert.match(stderr, /no password supplied/, 'it is asked for a token');
  });

  test('B17: a token counts before the certificate, and a connection that goes on stays that of its certificate', async () => {
    const token = await tokenOf('agent');
    const [withToken, wrong] = [await overHttp(nightly, { token }), await overHttp(nightly, { token: token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a') })];
    assert.deepEqual([withToken.statusCode, await principalOf(withToken), wrong.statusCode], [200, 'agent', 401]);
    const without = await overPostgres(null, token);
    assert.deepEqual([without.status, without.stdout], [0, '1\n'], without.stderr);
    const other = make('other', ofClient('DNS:other.corp.example'), authority);
    // One keeps its connection, the other resumes its TLS session.
    for (const agent of [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent({ keepAlive: false })]) {
      const [one, again, two] = [await overHttp(nightly, { agent }), await overHttp(nightly, { agent }), await overHttp(other, { agent })];
      assert.deepEqual([await principalOf(one), await principalOf(again), await principalOf(two)], ['nightly', 'nightly', 'other']);
      agent.destroy();
    }
  });

  test('E48: a principal that is suspended is out with its certificate', async () => {
    assert.equal(gateway.cli(['principal', 'suspend', 'nightly']).status, 0);
    assert.equal((await overHttp(nightly)).statusCode, 401);
    assert.equal(gateway.cli(['principal', 'resume', 'nightly']).status, 0);
    assert.equal((await overHttp(nightly)).statusCode, 200);
  });

  async function tokenOf(principal: string): Promise<string> {
    return gateway.cli(['token', 'create', principal]).stdout.trim();
  }
});
