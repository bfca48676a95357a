import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as clientRequest, type IncomingMessage, type InformationEvent, type Server } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { connect, createServer as createTcpServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

interface Seen {
  readonly request: IncomingMessage;
  body: string;
}

const hint = '</style.css>; rel=preload; as=style';

async function startServer(seen: Seen[]): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const entry = { request, body: '' };
    seen.push(entry);
    request.on('data', (piece: Buffer) => {
      entry.body += piece.toString();
    });
    request.on('end', () => {
      const hints = request.url === '/many' ? 40 : request.url === '/hints' ? 1 : 0;
      for (let i = 0; i < hints; i += 1) {
        response.writeContinue();
        response.writeProcessing();
        response.writeEarlyHints({ link: hint, 'x-hint': 'yes', 'countersign-record': 'forged' });
      }
      response.end('done');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Says these words to whoever connects, once it was asked something. */
async function startTalker(words: Readonly<Record<string, string>>): Promise<ReturnType<typeof createTcpServer>> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      const [, path = ''] = bytes.toString('latin1').split(' ');
      socket.write(words[path] ?? '');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('what comes before an answer and behind a body', () => {
  const seen: Seen[] = [];
  let upstream: Server;
  let talker: ReturnType<typeof createTcpServer>;
  let gateway: GatewayProcess;
  let token: string;
  let http2: ClientHttp2Session;
  before(async () => {
    upstream = await startServer(seen);
    talker = await startTalker({
      '/unasked': 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n',
      '/low': 'HTTP/1.1 099 Low\r\ncontent-length: 0\r\n\r\n',
      '/lengths': 'HTTP/1.1 103 Hints\r\ncontent-length: 5\r\n\r\nHTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\n',
      '/trailers': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\ncontent-length: 7\r\nx-sum: 1\r\n\r\n',
      '/odd': 'HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n',
    });
    gateway = await GatewayProcess.start({
      config: `targets:
  api: { url: "http://127.0.0.1:${portOf(upstream)}", durability: process }
  talker: { url: "http://127.0.0.1:${portOf(talker)}", durability: process }
principals:
  agent: { kind: agent, targets: [api, talker] }
`,
    });
    token = await gateway.issueToken('agent');
    http2 = connectHttp2(`http://127.0.0.1:${gateway.port('http')}`);
    http2.on('error', () => undefined);
  });
  after(async () => {
    http2.destroy();
    await gateway[Symbol.asyncDispose]();
    upstream.closeAllConnections();
    upstream.close();
    talker.close();
  });

  const lastSeen = (): Seen => seen.at(-1) ?? assert.fail('the target was not asked');
  const ask = async (path: string): Promise<{ status: number; informations: InformationEvent[]; body: string; session: string }> =>
    new Promise((resolve, reject) => {
      const informations: InformationEvent[] = [];
      const url = `http://127.0.0.1:${gateway.port('http')}/t${path}`;
      const request = clientRequest(url, { headers: { authorization: `Bearer ${token}` } }, (response) => {
        let body = '';
        response.on('data', (piece: Buffer) => {
          body += piece.toString();
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, informations, body, session: String(response.headers['countersign-session']) });
        });
      });
      request.on('information', (event) => informations.push(event));
      request.on('error', reject);
      request.end();
    });

  test('early hints are recorded and passed on, a 100 that nobody waits for is not', async () => {
    const { status, informations, body, session } = await ask('/api/hints');
    assert.deepEqual([status, body, informations.map(({ statusCode }) => statusCode)], [200, 'done', [102, 103]]);
    assert.equal(informations[1]?.headers['x-hint'], 'yes');
    assert.equal(informations[1]?.headers['link'], hint.replace('</', '</t/api/'));
    assert.equal(informations[1]?.headers['countersign-record'], undefined);
    const answers = (await gateway.records(session)).filter(({ kind }) => kind === 'response');
    assert.deepEqual(
      answers.slice(-3).map(({ attributes }) => attributes['http.response.status_code']),
      [102, 103, 200],
    );
    assert.match(answers.at(-2)?.content?.text ?? '', /^HTTP 103\nlink: /);
  });

  test('in HTTP/2 too, but not to a client that knows only HTTP/1.0', async () => {
    const stream = http2.request({ ':path': '/t/api/hints', authorization: `Bearer ${token}` });
    const heads: IncomingHttpHeaders[] = [];
    stream.on('headers', (head) => heads.push(head));
    await once(stream, 'response');
    stream.resume();
    await once(stream, 'close');
    assert.deepEqual(
      heads.map((head) => [head[':status'], head['x-hint']]),
      [
        [102, undefined],
        [103, 'yes'],
      ],
    );
    const socket = connect(gateway.port('http'), '127.0.0.1');
    socket.write(`GET /t/api/hints HTTP/1.0\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`);
    let text = '';
    socket.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    await once(socket, 'close');
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*done/);
  });

  test('a target that never answers, or gives something that is not an answer, is given up', async () => {
    for (const path of ['/api/many', '/talker/unasked', '/talker/low']) {
      const { status, body } = await ask(path);
      assert.equal(status, 502, path);
      assert.match(body, /target_unreachable/);
    }
    assert.equal((await ask('/talker/odd')).status, 999);
  });

  test('trailers of a request are recorded and forwarded after its body, except those that belong into its head', async () => {
    const trailers = { 'x-sum': '42', 'content-type': 'text/plain', host: 'elsewhere', authorization: `Bearer ${token}`, 'x-token': token };
    const url = `http://127.0.0.1:${gateway.port('http')}/t/api/x`;
    const request = clientRequest(url, { method: 'POST', headers: { authorization: `Bearer ${token}`, trailer: 'x-sum' } });
    request.write('body');
    request.addTrailers(trailers);
    request.end();
    const [response]: IncomingMessage[] = await once(request, 'response');
    response?.resume();
    assert.equal(response?.statusCode, 200);
    assert.deepEqual({ ...lastSeen().request.trailers }, { 'x-sum': '42' });
    assert.equal(lastSeen().body, 'body');
    const records = await gateway.records(String(response?.headers['countersign-session']));
    assert.ok(records.some(({ kind, content }) => kind === 'request' && content?.text === 'x-sum: 42\r\n'));
    assert.ok(!JSON.stringify(records).includes(token));
  });

  test('trailers work over HTTP/2; after a body that is sent with its length they are refused', async () => {
    const post = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
      const stream = http2.request({ ':path': '/t/api/x', ':method': 'POST', authorization: `Bearer ${token}`, ...headers }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'x-sum': '43' });
      });
      stream.end('body');
      const [head] = await once(stream, 'response');
      stream.resume();
      await once(stream, 'close');
      return head[':status'];
    };
    assert.equal(await post({}), 200);
    assert.equal(lastSeen().request.trailers['x-sum'], '43');
    const asked = seen.length;
    assert.equal(await post({ 'content-length': '4' }), 400);
    assert.equal(seen.length, asked);
  });

  const sayRaw = async (request: string, body = ''): Promise<string> => {
    const socket = connect(gateway.port('http'), '127.0.0.1');
    socket.write(`${request}host: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n${body}`);
    const [piece]: Buffer[] = await once(socket, 'data');
    socket.destroy();
    return String(piece);
  };

  test('A10: an answer without a body has no content-length, and trailers have none', async () => {
    assert.doesNotMatch(await sayRaw('GET /t/talker/lengths HTTP/1.1\r\n'), /content-length/i);
    const bare = http2.request({ ':path': '/t/talker/lengths', authorization: `Bearer ${token}` });
    const [head] = await once(bare, 'response');
    assert.equal(head[':status'], 204);
    const stream = http2.request({ ':path': '/t/talker/trailers', authorization: `Bearer ${token}` });
    const told = once(stream, 'trailers');
    stream.resume();
    const [trailers] = await told;
    assert.deepEqual(Object.entries(trailers), [['x-sum', '1']]);
  });

  test('a status that HTTP/2 cannot tell is no answer there', async () => {
    const stream = http2.request({ ':path': '/t/talker/odd', authorization: `Bearer ${token}` });
    const [head] = await once(stream, 'response');
    assert.equal(head[':status'], 502);
    stream.close();
  });

  test('A10: the length of a body stays with it, and a coding that nobody undoes is refused', async () => {
    assert.match(await sayRaw('POST /t/api/x HTTP/1.1\r\nconnection: content-length\r\ncontent-length: 5\r\n', 'hello'), /^HTTP\/1\.1 200 /);
    assert.equal(lastSeen().body, 'hello');
    const asked = seen.length;
    assert.match(await sayRaw('POST /t/api/x HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n', '0\r\n\r\n'), /^HTTP\/1\.1 400 [^]*unsupported/);
    assert.equal(seen.length, asked);
  });

  test('a client that leaves in the middle of a body whose answer came early leaves no channel open', async () => {
    const socket = connect(gateway.port('http'), '127.0.0.1');
    socket.write(`POST /t/talker/odd HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-length: 100000\r\n\r\nxx`);
    const [piece]: Buffer[] = await once(socket, 'data');
    const session = /countersign-session: (\w+)/.exec(String(piece))?.[1] ?? '';
    const disconnects = async (): Promise<number> => (await gateway.records(session)).filter(({ action }) => action === 'gateway.disconnect').length;
    const earlier = await disconnects();
    socket.end();
    await waitUntil(async () => (await disconnects()) > earlier);
  });

  test('TRACE, whose answer would hold the credential of the target, is refused', async () => {
    const asked = seen.length;
    assert.match(await sayRaw('TRACE /t/api/x HTTP/1.1\r\n'), /^HTTP\/1\.1 400 [^]*unsupported/);
    assert.equal(seen.length, asked);
  });

  test('what was recorded verifies, and nothing of it was a surprise', () => {
    assert.doesNotMatch(gateway.log, /could not/);
    assert.equal(gateway.verify().status, 0);
  });
});
