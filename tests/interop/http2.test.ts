import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect as connectHttp2, constants, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { runProgram } from '../support/run.ts';
import { waitUntil } from '../support/wait-until.ts';

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly localPort: number | undefined;
  body: string;
  closed: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

async function startServer(seen: Seen[]): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const { url = '', headers, rawHeaders, socket } = request;
    const entry: Seen = { url, headers, rawHeaders, localPort: socket.remotePort, body: '', closed: false };
    seen.push(entry);
    response.once('close', () => {
      entry.closed = true;
    });
    request.on('data', (piece: Buffer) => {
      entry.body += piece.toString('latin1');
    });
    request.on('end', () => {
      if (url === '/never') {
        return;
      }
      if (url === '/endless') {
        response.write('first');
      } else if (url === '/trailers') {
        response.writeHead(200, [
          'set-cookie',
          'a=1',
          'set-cookie',
          'b=2',
          'etag',
          '"x"',
          'etag',
          '"y"',
          'trailer',
          'x-sum',
          'connection',
          'x-hop',
          'x-hop',
          'no',
        ]);
        response.write('body');
        response.addTrailers({ 'x-sum': '42' });
        response.end();
      } else {
        response.end(url === '/large' ? Buffer.alloc(10_000_000, 'x') : `echo ${entry.body.length}`);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** One request on its own stream; rejects when the stream is reset. */
async function ask(client: ClientHttp2Session, headers: OutgoingHttpHeaders, body: string | Buffer = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = client.request(headers);
    let [answered, trailers]: Answer['headers'][] = [{}, {}];
    let text = '';
    stream.on('response', (head) => {
      answered = head;
    });
    stream.on('trailers', (lines) => {
      trailers = lines;
    });
    stream.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
    });
    stream.on('error', reject);
    stream.on('close', () => {
      resolve({ status: Number(answered?.[':status']), headers: answered ?? {}, trailers: trailers ?? {}, body: text });
    });
    if (!stream.writableEnded) {
      stream.end(body);
    }
  });
}

describe('HTTP/2 from clients', requireProgram('openssl'), () => {
  const certificate = makeCertificate();
  const seen: Seen[] = [];
  const clients: ClientHttp2Session[] = [];
  let upstream: Server;
  let gateway: GatewayProcess;
  let token: string;
  before(async () => {
    upstream = await startServer(seen);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
    const place = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    gateway = await GatewayProcess.start({
      environment: { FIRST_SECRET: 'first-canary', SECOND_SECRET: 'second-canary' },
      config: `tls: { cert: ${certificate.certificateFile}, key: ${certificate.keyFile} }
limits: { loginMs: 1000 }
targets:
  api: { url: "${place}", password: { env: FIRST_SECRET }, durability: process, options: { bodyBytesMax: 300000 } }
  second: { url: "${place}", password: { env: SECOND_SECRET }, durability: process }
principals:
  agent: { kind: agent, targets: [api, second] }
`,
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    for (const client of clients) {
      client.destroy();
    }
    await gateway[Symbol.asyncDispose]();
    upstream.closeAllConnections();
    upstream.close();
  });

  const open = async (scheme: 'http' | 'https' = 'http'): Promise<ClientHttp2Session> => {
    const client = connectHttp2(`${scheme}://127.0.0.1:${gateway.port('http')}`, { ca: certificate.certificate });
    client.on('error', () => undefined);
    clients.push(client);
    await once(client, 'connect');
    return client;
  };
  const to = (path: string, headers: OutgoingHttpHeaders = {}): OutgoingHttpHeaders => ({
    ':path': `/t/api${path}`,
    authorization: `Bearer ${token}`,
    ...headers,
  });
  const lastSeen = (): Seen => seen.at(-1) ?? assert.fail('the target was not asked');
  const recordsOf = async ({ headers }: Answer) => gateway.records(String(headers['countersign-session']));

  for (const scheme of ['http', 'https'] as const) {
    test(`a request over ${scheme}, recorded as it is sent`, async () => {
      const client = await open(scheme);
      assert.equal(client.alpnProtocol, scheme === 'https' ? 'h2' : 'h2c');
      const answer = await ask(client, to('/things?a=1', { ':method': 'POST', cookie: ['a=1', 'b=2'], te: 'trailers', 'x-mine': 'kept' }), 'hello');
      assert.equal(answer.status, 200);
      assert.equal(answer.body, 'echo 5');
      const { url, headers } = lastSeen();
      assert.equal(url, '/things?a=1');
      assert.equal(headers.authorization, 'Bearer first-canary');
      assert.equal(headers.cookie, 'a=1; b=2');
      assert.equal(headers['x-mine'], 'kept');
      assert.equal(headers['te'], undefined);
      const records = await recordsOf(answer);
      const request = records.find(({ record }) => record === answer.headers['countersign-record']);
      assert.match(request?.content?.text ?? '', /^POST \/things\?a=1\nhost: 127/);
      assert.ok(records.some(({ kind, content }) => kind === 'request' && content?.text === 'hello'));
    });
  }

  test('streams of one connection are one channel', async () => {
    const client = await open();
    const answers = await Promise.all(Array.from({ length: 60 }, async (_, i) => ask(client, to(`/many/${i}`))));
    assert.ok(answers.every(({ status, body }) => status === 200 && body === 'echo 0'));
    const [first] = answers;
    assert.ok(first);
    const records = (await recordsOf(first)).filter(({ attributes }) => String(attributes['url.path']).startsWith('/many/'));
    assert.equal(records.length, 60);
    assert.equal(new Set(records.map(({ channel }) => channel)).size, 1);
  });

  test('bodies of unknown length, large answers, HEAD, headers said twice, trailers', async () => {
    const client = await open();
    assert.equal((await ask(client, to('/up', { ':method': 'PUT' }), Buffer.alloc(250_000, 'u'))).body, 'echo 250000');
    assert.equal(lastSeen().headers['transfer-encoding'], 'chunked');
    assert.equal((await ask(client, to('/large'))).body.length, 10_000_000);
    assert.equal((await ask(client, to('/x', { ':method': 'HEAD' }))).status, 200);
    const answer = await ask(client, to('/trailers'));
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(answer.headers['x-hop'], undefined);
    assert.equal(answer.trailers['x-sum'], '42');
  });

  test('a body above the limit is refused, and the connection stays usable', async () => {
    const client = await open();
    assert.equal((await ask(client, to('/up', { ':method': 'PUT', 'content-length': '300001' }), Buffer.alloc(300_001))).status, 413);
    const stream = client.request(to('/up', { ':method': 'PUT' }));
    stream.on('error', () => undefined);
    const status = once(stream, 'response');
    stream.write(Buffer.alloc(400_000));
    assert.equal((await status)[0][':status'], 413);
    assert.equal((await ask(client, to('/x'))).status, 200);
  });

  test('a client that resets its stream ends the request at the target', async () => {
    const client = await open();
    const stream = client.request(to('/endless'));
    stream.on('error', () => undefined);
    const [head] = await once(stream, 'response');
    stream.close(constants.NGHTTP2_CANCEL);
    await waitUntil(() => lastSeen().closed);
    await waitUntil(async () =>
      (await gateway.records(String(head['countersign-session']))).some(({ attributes }) => attributes['error.type'] === 'client_closed'),
    );
    const asked = seen.length;
    const unanswered = client.request(to('/never', { ':method': 'HEAD' }));
    unanswered.on('error', () => undefined);
    await waitUntil(() => seen.length > asked);
    unanswered.close(constants.NGHTTP2_CANCEL);
    await waitUntil(() => lastSeen().closed);
    assert.equal((await ask(client, to('/x'))).status, 200);
  });

  test('a client that leaves ends its requests at the target, and is not waited for', async () => {
    const client = await open();
    const asked = seen.length;
    client.request(to('/never')).on('error', () => undefined);
    await waitUntil(() => seen.length > asked);
    // An end and nothing else, as of a client that was ended itself.
    client.socket.destroySoon();
    await waitUntil(() => lastSeen().closed);
    await waitUntil(() => client.destroyed);
  });

  test('halt resets the stream: what came of the answer does not pass for all of it', async () => {
    const own = await gateway.issueToken('agent');
    const client = await open('https');
    const stream = client.request(to('/endless', { authorization: `Bearer ${own}` }));
    stream.on('error', () => undefined);
    const [head] = await once(stream, 'response');
    stream.resume();
    await gateway.api(`/api/v1/sessions/${String(head['countersign-session'])}/halt`, { method: 'POST', body: { reason: 'test' } });
    await waitUntil(() => stream.closed);
    assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
    await waitUntil(() => lastSeen().closed);
  });

  test('A9: a request names one host and one path', async () => {
    const client = await open();
    const asked = seen.length;
    assert.equal((await ask(client, to('/a/../b'))).status, 400);
    assert.equal((await ask(client, to('/x', { ':authority': 'evil.example' }))).status, 403);
    const two = await ask(client, to('/x', { ':authority': `127.0.0.1:${gateway.port('http')}`, host: 'evil.example' })).catch(() => null);
    assert.notEqual(two?.status, 200);
    assert.equal(seen.length, asked);
  });

  test('A11: a line break in a header is no new header, and targets share neither connection nor credential', async () => {
    const asked = seen.length;
    for (const value of ['a\r\nx-injected: 1', 'a\nx-injected: 1', 'a\rx-injected: 1', 'a\0b']) {
      // The line is left out, or the stream reset.
      await ask(await open(), to('/x', { 'x-value': value })).catch(() => null);
    }
    assert.equal((await ask(await open(), to('/x', { 'x-value': 'plain' }))).status, 200);
    const words = seen.slice(asked).flatMap(({ rawHeaders }) => rawHeaders);
    assert.deepEqual(
      words.filter((word) => /^x-injected|[\r\n\0]/.test(word)),
      [],
    );
    assert.ok(words.includes('x-value'));
    const next = await open();
    for (const name of ['api', 'second', 'api', 'second']) {
      assert.equal((await ask(next, to('/x', { ':path': `/t/${name}/x` }))).status, 200);
    }
    const [one, other] = seen.slice(-4);
    assert.deepEqual(
      seen.slice(-4).map(({ headers }) => headers.authorization),
      ['Bearer first-canary', 'Bearer second-canary', 'Bearer first-canary', 'Bearer second-canary'],
    );
    assert.notEqual(one?.localPort, other?.localPort);
  });

  test('streams that are opened and reset at once end the connection (rapid reset), and nobody else notices', async () => {
    const client = await open();
    for (let i = 0; i < 3_000 && !client.destroyed; i += 1) {
      const stream = client.request(to('/endless'));
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
      if (i % 100 === 99) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await waitUntil(() => client.destroyed);
    assert.equal((await ask(await open(), to('/x'))).status, 200);
  });

  test('a client that opens no stream, or says but half of the preface, is not waited for', async () => {
    for (const hello of ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'PR']) {
      const socket = connect(gateway.port('http'), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(hello);
      socket.resume();
      await once(socket, 'close');
    }
  });

  test('curl speaks it to targets and to the API', requireProgram('curl'), async () => {
    const base = `127.0.0.1:${gateway.port('http')}`;
    const words = ['-sS', '--cacert', certificate.certificateFile, '-w', ' %{http_version}', '-H', `Authorization: Bearer ${token}`];
    for (const [how, version] of [
      [['--http2-prior-knowledge', `http://${base}/t/api/x`], '2'],
      [['--http2', `https://${base}/t/api/x`], '2'],
      // An offer to go on in HTTP/2 that is not taken up.
      [['--http2', `http://${base}/t/api/x`], '1.1'],
      [['--http1.1', `https://${base}/t/api/x`], '1.1'],
    ] as const) {
      const { stdout, stderr } = await runProgram('curl', [...words, '--data-binary', '@-', ...how], {}, 'x'.repeat(100_000));
      assert.equal(stdout, `echo 100000 ${version}`, stderr);
    }
    const health = await runProgram('curl', ['-sS', '--cacert', certificate.certificateFile, '-w', ' %{http_version}', `https://${base}/healthz`], {});
    assert.equal(health.stdout, '{"status":"ok"} 2', health.stderr);
  });

  test('what was recorded verifies, and nothing of it was a surprise', () => {
    assert.doesNotMatch(gateway.log, /could not/);
    assert.equal(gateway.verify().status, 0);
  });
});
