import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as clientRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { GatewayProcess } from '../support/gateway-process.ts';
import { runProgram } from '../support/run.ts';
import { requireProgram } from '../support/require-program.ts';
import { waitUntil } from '../support/wait-until.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

const secret = 'target-secret-canary-77';
/** Longer than a connection that nobody uses is kept. */
const silenceMs = 5_500;
/** Time between a piece of a stream and the next one. */
const pieceMs = 60;
/** They send the further pieces of the stream that was asked for last. */
let rest: (() => void)[] = [];

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  body: string;
  closed: boolean;
}

/** A real server that remembers what it was asked. */
async function startServer(seen: Seen[]): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const entry: Seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: '', closed: false };
    seen.push(entry);
    response.once('close', () => {
      entry.closed = true;
    });
    request.on('data', (piece: Buffer) => {
      entry.body += piece.toString('latin1');
    });
    request.on('end', () => {
      answer(entry, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function answer({ url, headers, body }: Seen, response: ServerResponse): void {
  switch (url.split('?')[0]) {
    case '/base/gzip':
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' }).end(gzipSync('{"plain":"once unzipped"}'));
      break;
    case '/base/stream':
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: one\n\n');
      rest = [() => response.write('data: two\n\n'), () => response.end('data: three\n\n')];
      break;
    case '/base/gzip-stream': {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' });
      const packed = createGzip();
      packed.pipe(response);
      packed.write('first words, ');
      packed.flush();
      rest = [() => packed.end('last words')];
      break;
    }
    case '/base/silent':
      setTimeout(() => response.end('at last'), silenceMs);
      break;
    case '/base/endless':
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('first');
      break;
    case '/base/trailers':
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('body');
      response.addTrailers({ 'x-sum': '42' });
      response.end();
      break;
    case '/base/redirect':
      response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end();
      break;
    case '/base/moved':
      response.writeHead(302, { location: url, 'x-echo': headers.authorization ?? '' }).end();
      break;
    case '/base/large':
      response.end(Buffer.alloc(20_000_000, 'x'));
      break;
    default:
      response.writeHead(200, { 'content-type': 'text/plain', 'x-own': 'yes' }).end(`echo ${body.length}`);
  }
}

describe('HTTP through the gateway', () => {
  const seen: Seen[] = [];
  let upstream: Server;
  let gateway: GatewayProcess;
  let token: string;
  let base: string;
  before(async () => {
    upstream = await startServer(seen);
    gateway = await GatewayProcess.start({
      environment: { API_SECRET: secret },
      config: `targets:
  api: { url: "http://127.0.0.1:${portOf(upstream)}/base", password: { env: API_SECRET }, durability: process, options: { bodyBytesMax: 3000000 } }
  keyed: { url: "http://127.0.0.1:${portOf(upstream)}/base", password: { env: API_SECRET }, options: { auth: "query:key" } }
  gone: { url: "http://127.0.0.1:1" }
  metadata: { url: "http://169.254.169.254" }
  other: { url: "http://127.0.0.1:1" }
principals:
  agent: { kind: agent, targets: [api, keyed, gone, metadata] }
`,
    });
    token = await gateway.issueToken('agent');
    base = `http://127.0.0.1:${gateway.port('http')}/t`;
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    upstream.closeAllConnections();
    upstream.close();
  });

  const ask = async (
    path: string,
    init: Omit<RequestInit, 'headers'> & { readonly duplex?: 'half'; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Response> => fetch(`${base}${path}`, { redirect: 'manual', ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
  const lastSeen = (): Seen => {
    const entry = seen.at(-1);
    assert.ok(entry);
    return entry;
  };
  /** Reads a streamed answer. The target sends each piece some time after the client has the one before. */
  const piecesOf = async (response: Response): Promise<readonly string[]> => {
    const pieces: string[] = [];
    for await (const piece of response.body ?? []) {
      pieces.push(Buffer.from(piece).toString());
      await delay(pieceMs);
      rest.shift()?.();
    }
    return pieces;
  };
  const recordsOf = async (response: Response) => gateway.records(response.headers.get('countersign-session') ?? '');

  test('a request goes out with the credential of the target, and both are recorded whole', async () => {
    const response = await ask('/api/things?a=1', {
      method: 'POST',
      body: 'hello',
      headers: { 'x-forwarded-for': '6.6.6.6', x_forwarded_for: '6.6.6.6', x_api_key: 'another', content_type: 'other', 'x-mine': 'kept', cookie: 'a=b' },
    });
    assert.equal(await response.text(), 'echo 5');
    assert.equal(response.headers.get('x-own'), 'yes');
    const { url, headers, body } = lastSeen();
    assert.equal(url, '/base/things?a=1');
    assert.equal(headers.authorization, `Bearer ${secret}`);
    assert.equal(headers['x-mine'], 'kept');
    assert.ok(
      Object.keys(headers).every((name) => !['x-forwarded-for', 'x-api-key'].includes(name.replaceAll('_', '-')) && name !== 'content_type'),
      'some servers take x_forwarded_for for x-forwarded-for',
    );
    assert.equal(body, 'hello');
    assert.ok(!JSON.stringify(headers).includes(token), 'the token of the client is not forwarded');
    const records = await recordsOf(response);
    const [request, answered] = records.slice(-2);
    assert.equal(request?.action, 'http.request');
    assert.equal(request?.record, response.headers.get('countersign-record'));
    assert.equal(request?.attributes['url.path'], '/things');
    assert.match(request?.content?.text ?? '', /^POST \/base\/things\?a=1\nhost: [^]*\n\nhello$/);
    assert.match(answered?.content?.text ?? '', /^HTTP 200\n[^]*\n\necho 5$/);
    assert.equal(answered?.attributes['http.response.status_code'], 200);
    assert.ok(!JSON.stringify(records).includes(secret) && !JSON.stringify(records).includes(token), 'no secret is in a record');
  });

  test('requests of one token are one session, whatever connection they come on', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, async () => (await ask('/api/x')).headers.get('countersign-session')));
    assert.equal(new Set(sessions).size, 1);
    const other = await gateway.issueToken('agent');
    const response = await ask('/api/x', { headers: { authorization: `Bearer ${other}` } });
    assert.notEqual(response.headers.get('countersign-session'), sessions[0]);
  });

  test('SDK headers carry the token, and a target may want its credential in the query', async () => {
    const response = await fetch(`${base}/keyed/y?z=1`, { headers: { 'x-api-key': token } });
    assert.equal(response.status, 200);
    assert.equal(lastSeen().url, `/base/y?z=1&key=${secret}`);
    assert.equal(lastSeen().headers['x-api-key'], undefined);
    assert.ok(!JSON.stringify(await recordsOf(response)).includes(secret));
  });

  test('who is not known, not granted, or names no target is refused, recorded, and nothing is forwarded', async () => {
    const asked = seen.length;
    const unknown = await fetch(`${base}/api/x`, { headers: { authorization: 'Bearer cs_nobody' } });
    assert.equal(unknown.status, 401);
    assert.equal(unknown.headers.get('content-type'), 'application/problem+json');
    assert.equal((await fetch(`${base}/api/x`)).status, 401);
    const other = await ask('/other/x');
    assert.equal(other.status, 403);
    assert.equal((await ask('/nothing/x')).status, 404);
    assert.equal(seen.length, asked);
  });

  test('A9: paths that servers read differently are refused, others are sent in one spelling', async () => {
    const asked = seen.length;
    const raw = async (path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = clientRequest(`${base}/api/`, { path: `/t/api${path}`, headers: { authorization: `Bearer ${token}` } }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        request.on('error', reject);
        request.end();
      });
    for (const path of [
      '/a/../b',
      '/a/%2e%2e/b',
      '/a%2fb',
      '/a%5cb',
      '/..;/b',
      '/a//b',
      '/a\\b',
      '/./b',
      '/a%00b',
      '/a#b',
      '/%',
      '/a%252fb',
      '//evil.example/x',
    ]) {
      assert.equal(await raw(path), 400, path);
    }
    assert.equal(seen.length, asked);
    assert.equal(await raw('/%61dmin/%7euser/%e4?q=%41'), 200);
    assert.equal(lastSeen().url, '/base/admin/~user/%E4?q=A');
  });

  test('A9: two Host headers, an absolute form and CR or LF do not pass', async () => {
    const asked = seen.length;
    const send = async (text: string): Promise<string> => {
      const socket = connect(gateway.port('http'), '127.0.0.1');
      socket.write(text);
      let answered = '';
      socket.on('data', (piece: Buffer) => {
        answered += piece.toString();
        socket.end();
      });
      socket.on('error', () => undefined);
      await once(socket, 'close');
      return answered;
    };
    const own = `127.0.0.1:${gateway.port('http')}`;
    assert.match(await send(`GET /t/api/x HTTP/1.1\r\nhost: ${own}\r\nhost: evil\r\nauthorization: Bearer ${token}\r\n\r\n`), /^HTTP\/1\.1 400/);
    assert.match(await send(`GET http://evil.example/t/api/x HTTP/1.1\r\nhost: ${own}\r\nauthorization: Bearer ${token}\r\n\r\n`), /^HTTP\/1\.1 4\d\d/);
    assert.match(
      await send(
        `POST /t/api/x HTTP/1.1\r\nhost: ${own}\r\nauthorization: Bearer ${token}\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      ),
      /^HTTP\/1\.1 400/,
    );
    assert.match(await send(`GET /t/api/x HTTP/1.1\r\nhost: evil.example\r\nauthorization: Bearer ${token}\r\n\r\n`), /^HTTP\/1\.1 403/);
    assert.equal(seen.length, asked);
  });

  test('bodies of unknown length are forwarded as they come, and are whole in the record', async () => {
    const pieces = Array.from({ length: 30 }, (_, i) => Buffer.alloc(40_000, 97 + (i % 26)));
    const response = await ask('/api/upload', { method: 'PUT', body: ReadableStream.from(pieces), duplex: 'half' });
    assert.equal(await response.text(), 'echo 1200000');
    assert.equal(lastSeen().headers['transfer-encoding'], 'chunked');
    const records = await recordsOf(response);
    const first = records.find(({ record }) => record === response.headers.get('countersign-record'));
    const parts = records.filter(({ kind, attributes }) => kind === 'request' && attributes['countersign.request'] === first?.seq);
    const bytes = [first, ...parts].reduce((sum, part) => sum + (part?.content?.bytes ?? 0), 0);
    assert.ok(bytes > 1_200_000, `${bytes} bytes are in the record`);
  });

  test('a body above the limit of the target is refused with 413, announced or not', async () => {
    assert.equal((await ask('/api/upload', { method: 'POST', body: Buffer.alloc(3_000_001) })).status, 413);
    const long = ReadableStream.from(
      (async function* () {
        for (let bytes = 0; bytes < 30_000_000; bytes += 100_000) {
          yield Buffer.alloc(100_000);
          await setImmediate();
        }
      })(),
    );
    const refused = await ask('/api/upload', { method: 'POST', body: long, duplex: 'half' }).then(
      ({ status }) => status,
      () => 413,
    );
    assert.equal(refused, 413);
  });

  test('a stream is recorded piece by piece, each with its time', async () => {
    const response = await ask('/api/stream');
    assert.deepEqual(await piecesOf(response), ['data: one\n\n', 'data: two\n\n', 'data: three\n\n']);
    const texts = (await recordsOf(response)).filter(({ kind }) => kind === 'response').slice(-3);
    assert.match(texts[0]?.content?.text ?? '', /data: one/);
    assert.equal(texts[1]?.content?.text, 'data: two\n\n');
    assert.equal(texts[2]?.content?.text, 'data: three\n\n');
    assert.ok(Date.parse(texts[2]?.time ?? '') - Date.parse(texts[0]?.time ?? '') >= 100);
  });

  test('compressed answers are recorded as sent and read unpacked', async () => {
    const response = await ask('/api/gzip');
    assert.equal(await response.text(), '{"plain":"once unzipped"}');
    assert.match((await recordsOf(response)).at(-1)?.content?.text ?? '', /once unzipped/);
    const streamed = await ask('/api/gzip-stream');
    assert.deepEqual(await piecesOf(streamed), ['first words, ', 'last words']);
    const shown = (await recordsOf(streamed)).slice(-3).map(({ content }) => content?.text ?? '');
    assert.match(shown.join('|'), /first words, \|last words/);
  });

  test('trailers, HEAD, redirects', async () => {
    const trailers = await new Promise<IncomingMessage>((resolve) => {
      clientRequest(`${base}/api/trailers`, { headers: { authorization: `Bearer ${token}` } }, (response) => {
        response.resume().once('end', () => {
          resolve(response);
        });
      }).end();
    });
    assert.equal(trailers.trailers['x-sum'], '42');
    assert.equal((await ask('/api/x', { method: 'HEAD' })).status, 200);
    const redirect = await ask('/api/redirect');
    assert.equal(redirect.status, 302);
    assert.equal(redirect.headers.get('location'), 'http://169.254.169.254/latest');
  });

  test('B24: a target that repeats its credential in the head of an answer does not tell the client', async () => {
    for (const target of ['api', 'keyed']) {
      const moved = await ask(`/${target}/moved?x=1`);
      await moved.body?.cancel();
      assert.equal(moved.status, 302);
      assert.ok(moved.headers.get('location')?.startsWith(`/t/${target}/moved?x=1`));
      assert.ok(!JSON.stringify([...moved.headers]).includes(secret));
      assert.ok(JSON.stringify([...moved.headers]).includes('REDACTED'));
      assert.ok(!JSON.stringify(await recordsOf(moved)).includes(secret));
    }
  });

  test('a target that thinks for a while is waited for', async () => {
    assert.equal(await (await ask('/api/silent')).text(), 'at last');
  });

  test('large answers arrive whole, at the pace of the reader', async () => {
    const response = await ask('/api/large');
    assert.equal((await response.arrayBuffer()).byteLength, 20_000_000);
  });

  test('a client that leaves ends the request at the target, and the record says so', async () => {
    const leaving = new AbortController();
    const response = await ask('/api/endless', { signal: leaving.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    leaving.abort();
    await waitUntil(() => lastSeen().closed);
    await waitUntil(async () => (await recordsOf(response)).some(({ attributes }) => attributes['error.type'] === 'client_closed'));
  });

  test('halt ends both sides', async () => {
    const own = await gateway.issueToken('agent');
    const response = await ask('/api/endless', { headers: { authorization: `Bearer ${own}` } });
    const session = response.headers.get('countersign-session') ?? '';
    const cut = assert.rejects(response.text());
    assert.equal((await gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'test' } })).ok, true);
    await cut;
    await waitUntil(() => lastSeen().closed);
    await waitUntil(async () => (await gateway.sessions()).some((known) => known.session === session && known.state === 'halted'));
  });

  test('a target that is not there, and one at an address of the link (ATTACKS B23, A10)', async () => {
    const gone = await ask('/gone/x');
    assert.equal(gone.status, 502);
    const problem: unknown = await gone.json();
    assert.ok(typeof problem === 'object' && problem !== null && 'code' in problem && 'session' in problem);
    assert.equal(problem.code, 'target_unreachable');
    const metadata = await ask('/metadata/latest/meta-data');
    assert.equal(metadata.status, 502);
    assert.match(await metadata.text(), /linkLocal/);
  });

  test('curl, with 100-continue and a chunked upload', requireProgram('curl'), async () => {
    const words = ['-sS', '-H', `Authorization: Bearer ${token}`, '-H', 'Expect: 100-continue', '-H', 'Transfer-Encoding: chunked', '--data-binary', '@-'];
    const { status, stdout, stderr } = await runProgram('curl', [...words, `${base}/api/curl`], {}, 'x'.repeat(300_000));
    assert.equal(status, 0, stderr);
    assert.equal(stdout, 'echo 300000');
  });

  test('what was recorded verifies', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
