import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { before, describe, test } from 'node:test';
import { compileCache } from '../support/compile-cache.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';

/** Ends a connection at its second request: it is closed, reset, or closed in the middle of an answer. */
type Ending = (socket: Socket) => void;

describe('targets over HTTP', () => {
  /** The requests: for each the number of its connection, its place on it, and its text. */
  const heard: (readonly [connection: number, request: number, text: string])[] = [];
  let ending: Ending | null = null;
  let endsAll = false;
  let server: Server;
  let gateway: GatewayProcess;
  let token: string;
  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      server.close();
    });
    let connections = 0;
    server = createServer((socket) => {
      connections += 1;
      const number = connections;
      let requests = 0;
      let text = '';
      socket.on('error', () => socket.destroy());
      socket.on('data', (piece: Buffer) => {
        text += piece.toString('latin1');
        const length = Number(/^content-length: (\d+)$/im.exec(text)?.[1] ?? 0);
        const head = text.indexOf('\r\n\r\n');
        if (head === -1 || text.length < head + 4 + length) {
          return;
        }
        requests += 1;
        heard.push([number, requests, text]);
        text = '';
        if (ending !== null && (requests > 1 || endsAll)) {
          ending(socket);
        } else {
          const path = heard.at(-1)?.[2].split(' ')[1] ?? '';
          const lines = path === '/many' ? Array.from({ length: 300 }, (_, i) => `x-${i}: 1\r\n`).join('') : '';
          socket.write(`HTTP/1.1 200 OK\r\n${lines}content-length: ${path.length}\r\n\r\n${path}`);
        }
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const long = `process.stdin.once('data', () => process.stdout.write('{"jsonrpc":"2.0","id":1,"result":{"x":"' + 'x'.repeat(17 * 1024 * 1024) + '"}}\\n'))`;
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
  api: { url: "${url}", durability: process }
  names: { url: "${url}", durability: process, options: { encodedSlash: true } }
  long: { command: ["${process.execPath}", "-e", ${JSON.stringify(long)}], environment: { ${compileCache()} }, durability: process }
principals:
  agent: { kind: agent, targets: [api, names, long] }
`,
      }),
    );
    token = await gateway.issueToken('agent');
  });

  const ask = async (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port('http')}/t${path}`, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain' } });

  const closed: Ending = (socket) => socket.end();
  const reset: Ending = (socket) => socket.resetAndDestroy();
  const midway: Ending = (socket) => socket.end('HTTP/1.1 200');

  /** How often the target gets a request over a connection that was kept and ends as it is used, and what the client gets. */
  const attempt = async (
    init: RequestInit,
    end: Ending,
  ): Promise<{ readonly status: number; readonly texts: readonly string[]; readonly response: Response }> => {
    ending = null;
    await (await ask('/api/before')).text();
    const from = heard.length;
    ending = end;
    const response = await ask('/api/again', init);
    await response.text();
    ending = null;
    return { status: response.status, texts: heard.slice(from).map(([, , text]) => text), response };
  };

  for (const [what, end] of [
    ['closed', closed],
    ['reset', reset],
  ] as const) {
    test(`T4.29: a kept connection that is ${what} as it is used: what may be repeated is sent once more, the same bytes, recorded once`, async () => {
      for (const init of [{}, { method: 'DELETE' }, { method: 'PUT', body: 'all of it' }]) {
        const { status, texts, response } = await attempt(init, end);
        assert.deepEqual([status, texts.length, texts[0]], [200, 2, texts[1]]);
        const records = await gateway.records(response.headers.get('countersign-session') ?? '');
        const requests = records.filter(({ kind, content }) => kind === 'request' && String(content?.text).includes('/again'));
        assert.equal(requests.filter(({ record }) => record === response.headers.get('countersign-record')).length, 1);
      }
    });
  }

  test('T4.29: what may not be repeated, was answered in part, or fails on a new connection too is an error after one attempt more at most', async () => {
    const post = await attempt({ method: 'POST', body: 'once' }, closed);
    assert.deepEqual([post.status, post.texts.length], [502, 1]);
    const cut = await attempt({}, midway);
    assert.deepEqual([cut.status, cut.texts.length], [502, 1]);
    endsAll = true;
    const always = await attempt({}, (socket) => socket.end());
    endsAll = false;
    assert.deepEqual([always.status, always.texts.length], [502, 2]);
  });

  test('T4.29: a slash in percent encoding, where the target takes it as part of a name: decided, recorded and sent in one spelling', async () => {
    for (const [asked, sent] of [
      ['/api/v4/projects/group%2fsub%2Fproject/issues', '/api/v4/projects/group%2Fsub%2Fproject/issues'],
      ['/@scope%2fname', '/@scope%2Fname'],
      ['/v1/projects/p/packages/a%2Fb%7Ec?x=%2f', '/v1/projects/p/packages/a%2Fb~c?x=%2F'],
    ] as const) {
      const response = await ask(`/names${asked}`);
      assert.equal(await response.text(), sent);
      const records = await gateway.records(response.headers.get('countersign-session') ?? '');
      const request = records.find(({ record }) => record === response.headers.get('countersign-record'));
      assert.equal(request?.attributes['url.path'], sent.split('?')[0]);
      assert.equal((await ask(`/api${asked}`)).status, 400, 'nowhere else');
    }
    const from = heard.length;
    for (const path of [
      '/a%2F..%2Fb',
      '/a%2f%2e%2e%2fb',
      '/a/..%2Fb',
      '/a%2F.',
      '/a%2F%2Fb',
      '/%2Fa',
      '/a%252Fb',
      '/a%5Cb',
      '/a%2F..;x%2Fb',
      '/a%00b',
      '/a%2F..%3Bx/b',
    ]) {
      // Clients would mend some of them.
      assert.match(await rawStatus(gateway.port('http'), `/t/names${path}`, token), /^HTTP\/1.1 400 /, path);
    }
    assert.equal(heard.length, from);
  });

  test('T4.29: an answer of a program that is longer than the limit is an error of the target', async () => {
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    const response = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/long`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/list',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
    });
    assert.equal(response.status, 200);
    assert.match(
      await response.text(),
      /"id":1,"error":\{"code":-32010,"message":"countersign: The server of the target sent a message longer.*"code":"target_unreachable"/,
    );
  });

  test('T4.29: an answer with more header lines than are passed on is an error of the target', async () => {
    assert.equal((await ask('/api/many')).status, 502);
  });
});

/** The status line of a request that is sent as it is. */
async function rawStatus(port: number, path: string, token: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`);
  let text = '';
  for await (const piece of socket) {
    text += String(piece);
  }
  return text.split('\r\n')[0] ?? '';
}
