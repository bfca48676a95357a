import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { waitUntil, within } from '../support/wait-until.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

interface Seen {
  readonly headers: IncomingMessage['headers'];
  /** The messages of the client, in the order in which they came. */
  readonly messages: (string | Buffer)[];
  closed: number | null;
}

interface Arrivals {
  readonly seen: Seen[];
  readonly raw: Socket[];
  /** The bytes after a request whose upgrade was ignored. */
  readonly behind: Buffer[];
}

const opening = 'connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

function bytesOf(data: RawData): Buffer {
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data instanceof ArrayBuffer ? new Uint8Array(data) : data);
}

/** Says everything back; below /silent it says nothing, below /refused it does not go on in WebSocket, below /liar it does in a way that nobody asked for. */
async function startServer<Either extends Server | TlsServer>(server: Either, { seen, raw, behind }: Arrivals): Promise<Either> {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  server.on('request', (_, response) => {
    response.end('ordinary');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined);
    raw.push(socket);
    if (request.url === '/silent') {
      socket.resume().on('end', () => socket.end());
      return;
    }
    if (request.url === '/refused' || request.url === '/liar') {
      socket.on('data', (piece: Buffer) => behind.push(piece));
      socket.on('end', () => socket.end());
    }
    if (request.url === '/refused') {
      // The connection stays open, as at a server that takes what follows for further requests.
      socket.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno');
      return;
    }
    if (request.url === '/liar') {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: forged\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      const entry: Seen = { headers: request.headers, messages: [], closed: null };
      seen.push(entry);
      client.on('error', () => undefined);
      client.on('message', (data, isBinary) => {
        const message = isBinary ? bytesOf(data) : bytesOf(data).toString();
        entry.messages.push(message);
        client.send(request.url === '/count' ? String(message.length) : message);
      });
      client.on('close', (code) => {
        entry.closed = code;
      });
      if (request.url === '/greeting') {
        client.send('first');
      } else if (request.url === '/flood') {
        client.send(Buffer.alloc(40_000_000, 'f'));
      } else if (request.url === '/masked') {
        socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('WebSocket through the gateway', requireProgram('openssl'), () => {
  const seen: Seen[] = [];
  const raw: Socket[] = [];
  const behind: Buffer[] = [];
  const certificate = makeCertificate();
  let upstream: Server;
  let secured: TlsServer;
  let gateway: GatewayProcess;
  let token: string;
  /** `described`: further lines of the target `api`. */
  const configOf = (granted: string, described = ''): string => `tls: { cert: ${certificate.certificateFile}, key: ${certificate.keyFile} }
targets:
  api: { url: "http://127.0.0.1:${portOf(upstream)}", password: { env: API_SECRET }, durability: process${described} }
  other: { url: "http://127.0.0.1:${portOf(upstream)}" }
  secure: { url: "https://127.0.0.1:${portOf(secured)}", durability: process, options: { caFile: ${certificate.certificateFile} } }
principals:
  agent: { kind: agent, targets: ${granted} }
`;
  before(async () => {
    upstream = await startServer(createServer(), { seen, raw, behind });
    secured = await startServer(createTlsServer({ cert: certificate.certificate, key: certificate.key }), { seen, raw, behind });
    gateway = await GatewayProcess.start({
      environment: { API_SECRET: 'socket-canary' },
      config: configOf('[api, secure]'),
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    for (const socket of raw) {
      socket.destroy();
    }
    upstream.close();
    secured.close();
  });

  const lastSeen = (): Seen => seen.at(-1) ?? assert.fail('the target was not asked');
  /** Its session is that of the answer to its opening. */
  const open = async (path: string, own = token): Promise<{ client: WebSocket; session: string; received: Buffer[]; closed: Promise<number> }> => {
    const client = new WebSocket(`ws://127.0.0.1:${gateway.port('http')}/t/api${path}`, ['chat'], { headers: { authorization: `Bearer ${own}` } });
    const received: Buffer[] = [];
    client.on('message', (data) => received.push(bytesOf(data)));
    client.on('error', () => undefined);
    const closed = new Promise<number>((resolve) => client.once('close', resolve));
    // Bytes directly after the opening are not missed.
    const opened = once(client, 'open');
    const [answer]: IncomingMessage[] = await once(client, 'upgrade');
    await opened;
    return { client, session: String(answer?.headers['countersign-session']), received, closed };
  };
  const frames = async (session: string) =>
    (await gateway.records(session)).filter(({ attributes }) => attributes['countersign.websocket.opcode'] !== undefined);
  /** Sends these bytes, and tells what came before the connection was closed. */
  const sendRaw = async (path: string, bytes: Buffer | string, headers = opening): Promise<Buffer> => {
    const socket = connect(gateway.port('http'), '127.0.0.1');
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('error', () => undefined);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n${headers}\r\n`);
    socket.write(bytes);
    await once(socket, 'close');
    return Buffer.concat(pieces);
  };

  test('messages go both ways, each recorded with its direction before it moves on', async () => {
    const { client, session, received } = await open('/greeting');
    await waitUntil(() => received.length === 1);
    client.send('hello');
    client.send(Buffer.from([0, 1, 2]));
    client.ping('p');
    await once(client, 'pong');
    await waitUntil(() => received.length === 3);
    client.close(1000, 'done');
    const [code] = await once(client, 'close');
    assert.equal(code, 1000);
    const { headers, messages } = lastSeen();
    assert.equal(headers.authorization, 'Bearer socket-canary');
    assert.equal(headers['sec-websocket-extensions'], undefined);
    assert.deepEqual(messages, ['hello', Buffer.from([0, 1, 2])]);
    const shown = (await frames(session)).map(({ kind, attributes, content }) => [kind, attributes['countersign.websocket.opcode'], content?.text]);
    assert.deepEqual(
      shown.filter(([kind]) => kind === 'request'),
      [
        ['request', 'text', 'hello'],
        ['request', 'binary', '(binary, 3 bytes)'],
        ['request', 'ping', '(ping, 1 byte)'],
        ['request', 'close', 'close 1000 done'],
      ],
    );
    assert.deepEqual(
      shown.filter(([kind]) => kind === 'response'),
      [
        ['response', 'text', 'first'],
        ['response', 'text', 'hello'],
        ['response', 'binary', '(binary, 3 bytes)'],
        ['response', 'pong', '(pong, 1 byte)'],
        ['response', 'close', 'close 1000 done'],
      ],
    );
    const records = await gateway.records(session);
    const upgrade = records.find(({ action }) => action === 'http.upgrade');
    assert.match(upgrade?.content?.text ?? '', /^GET \/greeting\n[^]*upgrade: websocket/);
    assert.ok(records.some(({ content }) => content?.text?.startsWith('HTTP 101') === true));
    assert.ok(!JSON.stringify(records).includes('socket-canary'));
  });

  test('T4.30: a token among the offered protocols is taken, neither sent on nor recorded', async () => {
    const own = await gateway.issueToken('agent');
    const client = new WebSocket(`ws://127.0.0.1:${gateway.port('http')}/t/api/say`, ['chat', `openai-insecure-api-key.${own}`]);
    const opened = once(client, 'open');
    const [answer]: IncomingMessage[] = await once(client, 'upgrade');
    await opened;
    assert.equal(lastSeen().headers['sec-websocket-protocol'], 'chat');
    assert.equal(client.protocol, 'chat');
    client.terminate();
    assert.ok(!JSON.stringify(await gateway.records(String(answer?.headers['countersign-session']))).includes(own));
  });

  test('under TLS on both sides', async () => {
    const url = `wss://127.0.0.1:${gateway.port('http')}/t/secure/x`;
    const client = new WebSocket(url, { ca: certificate.certificate, headers: { authorization: `Bearer ${token}` } });
    await once(client, 'open');
    client.send('hello');
    const [said] = await once(client, 'message');
    assert.equal(String(said), 'hello');
    client.terminate();
  });

  test('long messages go in parts, at the pace of the reader, and are whole in the record', async () => {
    const { client, session, received } = await open('/count', await gateway.issueToken('agent'));
    client.send(Buffer.alloc(5_000_000, 'm'));
    client.send('x'.repeat(400_000));
    await waitUntil(() => received.length === 2);
    assert.deepEqual(received.map(String), ['5000000', '400000']);
    client.terminate();
    const parts = (await frames(session)).filter(({ kind, content }) => kind === 'request' && content?.text?.startsWith('xx') === true);
    assert.ok(parts.some(({ attributes }) => attributes['countersign.websocket.offset'] !== undefined));
    assert.ok(parts.map(({ content }) => content?.text).join('') === 'x'.repeat(400_000));
    const flood = await open('/flood');
    flood.client.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    flood.client.resume();
    await waitUntil(() => flood.received.length === 1);
    assert.equal(flood.received[0]?.length, 40_000_000);
    flood.client.terminate();
    await waitUntil(() => lastSeen().closed !== null);
  });

  test('A10: the answer of a target that does not consent is passed on, and no tunnel stays open after it', async () => {
    const smuggled = 'GET /admin HTTP/1.1\r\nhost: x\r\n\r\n';
    const asked = raw.length;
    const answer = (await sendRaw('/t/api/refused', smuggled)).toString();
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n[^]*\r\n\r\nno$/);
    assert.doesNotMatch(answer, /ordinary/);
    assert.equal(raw.length, asked + 1);
    const forged = (await sendRaw('/t/api/liar', smuggled)).toString();
    assert.match(forged, /^HTTP\/1\.1 502 [^]*target_unreachable/);
    // The next request has a connection of its own.
    assert.equal(raw.length, asked + 2);
    await waitUntil(() => raw.slice(asked).every(({ closed }) => closed));
    assert.deepEqual(behind, []);
  });

  test('a client that is refused, or whose handshake is wrong, gets an answer and nothing else', async () => {
    const asked = raw.length;
    assert.match((await sendRaw('/t/other/x', '')).toString(), /^HTTP\/1\.1 403/);
    assert.match((await sendRaw('/t/api/x', '', opening.replace('13', '12'))).toString(), /^HTTP\/1\.1 400/);
    assert.match((await sendRaw('/t/api/a/../x', '')).toString(), /^HTTP\/1\.1 400/);
    for (const body of ['content-length: 5\r\n', 'transfer-encoding: chunked\r\n']) {
      assert.match((await sendRaw('/t/api/x', '', opening + body)).toString(), /^HTTP\/1\.1 400/);
      assert.match((await sendRaw('/t/api/x', '0\r\n\r\n', opening + body)).toString(), /^HTTP\/1\.1 400/);
    }
    assert.equal(raw.length, asked);
  });

  test('who leaves before the target has answered ends the request there', async () => {
    const asked = raw.length;
    const socket = connect(gateway.port('http'), '127.0.0.1');
    socket.write(`GET /t/api/silent HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n${opening}\r\n`);
    await waitUntil(() => raw.length > asked);
    socket.resume().end();
    await waitUntil(() => raw.at(-1)?.destroyed === true && socket.destroyed);
  });

  test('A8: a client that opens a WebSocket with a body that does not come, and breaks off, ends only itself', async () => {
    for (let i = 0; i < 20; i++) {
      const socket = connect(gateway.port('http'), '127.0.0.1');
      await once(socket, 'connect');
      // No token is needed for this.
      socket.write(`GET /t/api/x HTTP/1.1\r\nhost: 127.0.0.1\r\n${opening}content-length: 5\r\n\r\n`);
      await new Promise((resolve) => setTimeout(resolve, i));
      socket.resetAndDestroy();
    }
    assert.match((await sendRaw('/t/other/x', '')).toString(), /^HTTP\/1\.1 403/);
    assert.equal(gateway.exitCode, null);
  });

  test('violations by either side close both with 1002', async () => {
    const masked = [0, 0, 0, 0];
    for (const bytes of [
      [0x81, 0x01, 0x61],
      [0xc1, 0x80, ...masked],
      [0x83, 0x80, ...masked],
      [0x80, 0x80, ...masked],
      [0x09, 0x80, ...masked],
      [0x89, 0xfe, 0, 126, ...masked],
      [0x81, 0xfe, 0, 5, ...masked],
      [0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, ...masked],
      [0x88, 0x81, ...masked, 3],
      [0x88, 0x80, ...masked, 0x81, 0x80, ...masked],
    ]) {
      const asked = seen.length;
      const answer = await sendRaw('/t/api/x', Buffer.from(bytes));
      const close = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
      assert.ok(close.includes(Buffer.from([0x03, 0xea])), `${bytes.join(' ')}: ${answer.toString('latin1')}`);
      assert.deepEqual(lastSeen().messages, []);
      assert.equal(seen.length, asked + 1);
    }
    await waitUntil(() => lastSeen().closed !== null);
    const { closed, session } = await open('/masked');
    assert.equal(await closed, 1002);
    await waitUntil(() => lastSeen().closed === 1002);
    assert.ok((await frames(session)).some(({ attributes }) => attributes['error.type'] === 'malformed'));
  });

  test('halt closes both sides, and says so', async () => {
    const { client, session } = await open('/x', await gateway.issueToken('agent'));
    const closed = once(client, 'close');
    await gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'test' } });
    assert.equal((await closed)[0], 1008);
    await waitUntil(() => lastSeen().closed === 1001);
  });

  test('T4.2, E48: a revoked token closes both sides, and says so', async () => {
    const made = await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal: 'agent' } });
    const own: { readonly token: string; readonly id: string } = JSON.parse(await made.text());
    const { client } = await open('/x', own.token);
    const closed = once(client, 'close');
    await gateway.api(`/api/v1/tokens/${own.id}`, { method: 'DELETE' });
    const [code, reason] = await closed;
    assert.equal(code, 1008);
    assert.match(String(reason), /revoked/);
    await waitUntil(() => lastSeen().closed === 1001);
  });

  test('the end of a grant closes both sides', async () => {
    const { client, session } = await open('/x');
    client.send('before');
    await once(client, 'message');
    const closed = once(client, 'close');
    gateway.configure(configOf('[secure]'));
    assert.equal((await closed)[0], 1008);
    await waitUntil(() => lastSeen().closed === 1001);
    assert.deepEqual(lastSeen().messages, ['before']);
    assert.ok(
      (await frames(session)).every(({ verdict }) => verdict !== 'deny'),
      'nothing had to be refused',
    );
    await gateway.takesUp(() => {
      gateway.configure(configOf('[api, secure]'));
    });
  });

  test('an open connection ends when its target has other tags because it is another place by now', async () => {
    const moved = (described: string): string => configOf('[api, secure]', described).replace(/(  api: \{ url: "[^"]*)/, '$1/elsewhere');
    const { client } = await open('/x', await gateway.issueToken('agent'));
    await gateway.apply(moved(''));
    const answered = within(once(client, 'message'), 'the answer of the place before');
    client.send('still there');
    assert.equal(String((await answered)[0]), 'still there');
    const closed = within(once(client, 'close'), 'the end of a connection that leads elsewhere');
    await gateway.apply(moved(', tags: { state: open }'));
    assert.equal((await closed)[0], 1008);
    await gateway.apply(configOf('[api, secure]'));
  });

  test('an open connection ends when policy masks values of its messages that it did not mask before, also if its client is silent', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'countersign-websocket-'));
    const rules = join(directory.path, 'rules.cedar');
    writeFileSync(rules, '@mask("email") permit (principal, action in Action::"http", resource);\n');
    const { client } = await open('/x', await gateway.issueToken('agent'));
    const closed = within(once(client, 'close'), 'the end of a connection whose messages are masked by now');
    await gateway.apply(`${configOf('[api, secure]')}policies: ${rules}\n`);
    assert.equal((await closed)[0], 1008);
    await gateway.apply(configOf('[api, secure]'));
  });

  test('an open connection obeys changed tags and the mode of its target with its next frame', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'countersign-websocket-'));
    const rules = join(directory.path, 'rules.cedar');
    writeFileSync(rules, '@id("frozen") forbid (principal, action == Action::"http.upgrade", resource) when { resource.state == "frozen" };\n');
    const apply = async (described: string): Promise<void> => gateway.apply(`${configOf('[api, secure]', described)}policies: ${rules}\n`);
    await apply(', tags: { state: open }');
    const { client, session } = await open('/x', await gateway.issueToken('agent'));
    const say = async (words: string): Promise<void> => {
      const answered = within(once(client, 'message'), `the answer to ${words}`);
      client.send(words);
      assert.equal(String((await answered)[0]), words);
    };
    await say('open');
    await apply(', tags: { state: frozen }, mode: observe');
    await say('observed');
    const closed = within(once(client, 'close'), 'the end of a connection whose frame is denied');
    await apply(', tags: { state: frozen }');
    client.send('frozen');
    assert.equal((await closed)[0], 1008);
    assert.deepEqual(lastSeen().messages, ['open', 'observed']);
    const records = await gateway.records(session);
    const told = (await frames(session)).filter(({ kind, attributes }) => kind === 'request' && attributes['countersign.websocket.opcode'] === 'text');
    assert.deepEqual(
      told.map(({ verdict, attributes }) => [
        verdict,
        records[Number(attributes['countersign.opening'])]?.attributes['countersign.target.tags'],
        attributes['countersign.observed'],
      ]),
      [
        ['allow', ['state=open'], undefined],
        ['allow', ['state=frozen'], 'deny by rules.cedar:frozen: forbidden by rules.cedar:frozen'],
        ['deny', ['state=frozen'], undefined],
      ],
    );
    await gateway.apply(configOf('[api, secure]'));
  });

  test('the connection of either side ends that of the other', async () => {
    const leaving = await open('/x');
    leaving.client.terminate();
    await waitUntil(() => lastSeen().closed !== null);
    const left = await open('/x');
    raw.at(-1)?.destroy();
    await once(left.client, 'close');
  });

  test('what was recorded verifies, and nothing of it was a surprise', () => {
    assert.doesNotMatch(gateway.log, /could not/);
    assert.equal(gateway.verify().status, 0);
  });
});
