import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

const secret = 'target-secret-canary-78';
const content = Buffer.from('0123456789');

interface Seen {
  readonly headers: IncomingHttpHeaders;
  /** The fingerprint of the client's certificate. */
  readonly fingerprint: string | undefined;
  readonly socket: Socket;
}

/** A server of HTTPS that wants to know its client, and has a file of ten bytes. */
async function startServer(
  certificates: { readonly own: ReturnType<typeof makeCertificate>; readonly client: ReturnType<typeof makeCertificate> },
  seen: Seen[],
): Promise<Server> {
  const { own, client } = certificates;
  const server = createServer(
    { key: own.key, cert: own.certificate, ca: client.certificate, requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 120_000 },
    (request, response) => {
      const fingerprint = request.socket instanceof TLSSocket && request.socket.authorized ? request.socket.getPeerCertificate().fingerprint256 : undefined;
      seen.push({ headers: request.headers, fingerprint, socket: request.socket });
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
      if (first === undefined || last === undefined) {
        response.writeHead(200, { 'accept-ranges': 'bytes' }).end(content);
      } else {
        const part = content.subarray(Number(first), Number(last) + 1);
        response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${content.length}`, 'content-length': part.length }).end(part);
      }
    },
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Answers each request with these words. */
async function startTalker(words: Readonly<Record<string, string>>, opened: Socket[]): Promise<TcpServer> {
  const server = createTcpServer((socket) => {
    opened.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      const [, path = ''] = bytes.toString('latin1').split(' ');
      const said = words[path] ?? 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
      socket.write(said);
      if (said.includes('the end')) {
        socket.end();
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('how a target is called', () => {
  const seen: Seen[] = [];
  const opened: Socket[] = [];
  const [own, client, stranger] = [makeCertificate(), makeCertificate(), makeCertificate()];
  let server: Server;
  let talker: TcpServer;
  let gateway: GatewayProcess;
  let token: string;
  before(async () => {
    server = await startServer({ own, client }, seen);
    talker = await startTalker(
      {
        '/two': 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\noneHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged',
        '/lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 30\r\n\r\none',
        '/both': 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n',
        '/close': 'HTTP/1.1 200 OK\r\n\r\nto the end',
        '/cut': 'HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\nnot to the end',
      },
      opened,
    );
    const at = `https://localhost:${portOf(server)}`;
    const known = `caFile: ${own.certificateFile}`;
    gateway = await GatewayProcess.start({
      environment: { API_SECRET: secret },
      config: `targets:
  certified: { url: "${at}", durability: process, options: { ${known}, certFile: ${client.certificateFile}, keyFile: ${client.keyFile} } }
  basic: { url: "https://me@localhost:${portOf(server)}", password: { env: API_SECRET }, durability: process, options: { ${known} } }
  header: { url: "${at}", password: { env: API_SECRET }, durability: process, options: { ${known}, auth: "header:X-Secret" } }
  unproven: { url: "${at}", password: { env: API_SECRET }, options: { caFile: ${stranger.certificateFile} } }
  talker: { url: "http://127.0.0.1:${portOf(talker)}", durability: process }
principals:
  agent: { kind: agent, targets: [certified, basic, header, unproven, talker] }
`,
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
    opened.forEach((socket) => socket.destroy());
    talker.close();
  });

  const ask = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port('http')}/t${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
  const lastSeen = (): Seen | undefined => seen.at(-1);

  test('with a certificate of its own', async () => {
    assert.equal(await (await ask('/certified/file')).text(), '0123456789');
    assert.equal(lastSeen()?.fingerprint, new X509Certificate(client.certificate).fingerprint256);
  });

  test('with user and password, or in a header of its choice, which no client overrides', async () => {
    await (await ask('/basic/file')).text();
    assert.equal(lastSeen()?.headers.authorization, `Basic ${Buffer.from(`me:${secret}`).toString('base64')}`);
    await (await ask('/header/file', { 'x-secret': 'of the client' })).text();
    assert.equal(lastSeen()?.headers['x-secret'], secret);
    assert.equal(lastSeen()?.headers.authorization, undefined);
  });

  test('with no byte sent if its certificate does not prove who it is', async () => {
    const asked = seen.length;
    const refused = await ask('/unproven/file');
    assert.equal(refused.status, 502);
    assert.match(await refused.text(), /target_tls_failed/);
    assert.equal(seen.length, asked);
  });

  test('a part of a file', async () => {
    const part = await ask('/certified/file', { range: 'bytes=2-4' });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get('content-range'), 'bytes 2-4/10');
    assert.equal(await part.text(), '234');
  });

  test('on a connection that is kept, by whoever comes next', async () => {
    await Promise.all(['a', 'b', 'c'].map(async (name) => (await ask(`/certified/${name}`)).text()));
    await (await ask('/certified/first')).text();
    const used = lastSeen()?.socket;
    await (await ask('/certified/second')).text();
    assert.equal(lastSeen()?.socket, used);
  });

  test('A10: bytes after an answer reach nobody, and an answer that two readers end in different places is refused', async () => {
    assert.equal(await (await ask('/talker/two')).text(), 'one');
    const connections = opened.length;
    assert.equal(await (await ask('/talker/next')).text(), 'ok');
    assert.equal(opened.length, connections + 1);
    for (const path of ['/lengths', '/both']) {
      const refused = await ask(`/talker${path}`);
      assert.equal(refused.status, 502);
      assert.match(await refused.text(), /is not HTTP that can be passed on/);
    }
  });

  test('an answer that ends with its connection is whole; one of announced length that does not reach it is cut', async () => {
    assert.equal(await (await ask('/talker/close')).text(), 'to the end');
    await assert.rejects(async () => (await ask('/talker/cut')).text());
  });
});
