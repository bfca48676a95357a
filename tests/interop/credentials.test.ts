import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { suiteParts } from '../support/suite-parts.ts';

const secret = 'canary-target-secret-81c2';
const bearer = 'Bearer realm="countersign"';
const basic = 'Basic realm="countersign", charset="UTF-8"';

interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** The text that a person reads of it. */
  readonly words?: string;
}

describe('credentials over HTTP', () => {
  let refusal: Refusal | null = null;
  let server: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  const parts = suiteParts();
  before(async () => {
    server = parts.use(
      await openServer(async (request, response) => {
        request.resume();
        await once(request, 'end');
        if (refusal === null) {
          response.end(JSON.stringify({ authorization: request.headers.authorization }));
        } else {
          response.writeHead(refusal.status, { 'www-authenticate': 'Bearer realm="the target"', ...refusal.headers }).end(refusal.body);
        }
      }),
    );
    const target = (protocol: string, more = ''): string =>
      `{ protocol: ${protocol}, url: "${server.url}", password: { env: TARGET_SECRET }, durability: process${more} }`;
    gateway = parts.use(
      await GatewayProcess.start({
        environment: { TARGET_SECRET: secret },
        config: `targets:
  http: ${target('http')}
  llm: ${target('llm')}
  claude: ${target('llm', ', options: { provider: anthropic }')}
  mcp: ${target('mcp')}
  open: { url: "${server.url}", durability: process }
principals:
  agent: { kind: agent, targets: [http, llm, claude, mcp, open] }
  boss: { kind: human, targets: [], groups: [admins] }
`,
      }),
    );
    token = await gateway.issueToken('agent');
  });

  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => fetch(`http://127.0.0.1:${gateway.port('http')}${path}`, init);
  const asBasic = (user: string, password: string): RequestInit => ({
    headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
  });

  for (const path of ['/t/http/x', '/t/llm/v1/models', '/t/claude/v1/models', '/t/mcp', '/api/v1/targets']) {
    test(`T4.27: a 401 at ${path} names every way to give a token, and each is taken`, async () => {
      const refused = await ask(path);
      await refused.text();
      assert.equal(refused.status, 401);
      assert.equal(refused.headers.get('www-authenticate'), `${bearer}, ${basic}`);
      const own = path.startsWith('/api') ? await gateway.issueToken('boss') : token;
      for (const init of [asBasic('anybody', own), asBasic('', own), asBasic(own, ''), { headers: { authorization: `Bearer ${own}` } }]) {
        const answered = await ask(path, init);
        await answered.text();
        assert.notEqual(answered.status, 401);
      }
    });
  }

  test('T4.27: in HTTP/2 too', async () => {
    const client = connectHttp2(`http://127.0.0.1:${gateway.port('http')}`);
    const stream = client.request({ ':path': '/t/http/x', accept: '*/*' });
    const [headers] = await once(stream, 'response');
    assert.deepEqual([headers[':status'], headers['www-authenticate']], [401, `${bearer}, ${basic}`]);
    client.destroy();
  });

  test('a token that a browser kept is not taken from a page of another origin', async () => {
    const headers = { authorization: `Basic ${Buffer.from(`agent:${token}`).toString('base64')}` };
    assert.equal((await ask('/t/http/x', { headers: { ...headers, origin: 'https://evil.example' } })).status, 403);
    assert.equal((await ask('/t/http/x', { headers: { ...headers, origin: `http://127.0.0.1:${gateway.port('http')}` } })).status, 200);
  });

  test('T4.27: over HTTP/2 an answer whose request has no body is ended as any other', async () => {
    // Frame by frame: clients in Go take a reset right behind the answer for a reason to ask again.
    for (const [withBody, resets] of [
      [false, 0],
      [true, 1],
    ] as const) {
      const socket = connect(gateway.port('http'), '127.0.0.1');
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      socket.write(frame(frameTypes.settings, 0, 0, Buffer.alloc(0)));
      const headers = { ':method': withBody ? 'POST' : 'GET', ':scheme': 'http', ':path': '/t/http/x', ':authority': '127.0.0.1' };
      socket.write(frame(frameTypes.headers, withBody ? 4 : 5, 1, headerBlock(headers)));
      const seen: number[] = [];
      let pings = 0;
      for await (const { type, flags, stream } of framesOf(socket)) {
        const isEnd = stream === 1 && type === frameTypes.data && (flags & 1) === 1;
        const isPong = type === frameTypes.ping && (flags & 1) === 1;
        pings += isPong ? 1 : 0;
        if (stream === 1) {
          seen.push(type);
        }
        // Bytes that the server sends directly after its answer have arrived with the second answer to a ping.
        if (isEnd || (isPong && pings < 3)) {
          socket.write(frame(frameTypes.ping, 0, 0, Buffer.alloc(8)));
        } else if (isPong) {
          break;
        }
      }
      assert.ok(seen.includes(frameTypes.headers) && seen.includes(frameTypes.data));
      assert.equal(seen.filter((type) => type === frameTypes.reset).length, resets);
    }
  });

  const refusals: readonly (readonly [what: string, path: string, refusal: Refusal])[] = [
    ['401', '/t/http/x', { status: 401, body: 'who are you?' }],
    ['407', '/t/http/x', { status: 407, body: 'who are you?' }],
    [
      '401 of OpenAI',
      '/t/llm/v1/models',
      { status: 401, body: '{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}', words: 'Incorrect API key provided' },
    ],
    [
      '401 of Anthropic',
      '/t/claude/v1/messages/batches',
      { status: 401, body: '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}', words: 'invalid x-api-key' },
    ],
    ['400 of Google', '/t/llm/v1beta/models', { status: 400, body: '{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}', words: '400' }],
    ['403 of AWS', '/t/http/x', { status: 403, headers: { 'x-amzn-errortype': 'UnrecognizedClientException:http://x/' }, body: '{}' }],
    ['403 of S3', '/t/http/x', { status: 403, body: '<Error><Code>SignatureDoesNotMatch</Code></Error>' }],
  ];
  for (const [what, path, refused] of refusals) {
    test(`T4.27: a target that refuses the gateway's own credential (${what}) is an error of the target, and an alert`, async () => {
      refusal = refused;
      const answered = await ask(path, {
        headers: { authorization: `Bearer ${token}`, ...(path.includes('claude') ? { 'anthropic-version': '2023-06-01' } : {}) },
      });
      const words = await answered.text();
      refusal = null;
      assert.equal(answered.status, 502);
      assert.equal(answered.headers.get('www-authenticate'), null);
      assert.match(words, path.includes('claude') ? /"type":"error",.*"error_code":"target_refused_credential"/ : /target_refused_credential/i);
      assert.ok(!words.includes(refused.body));
      const records = await gateway.records(answered.headers.get('countersign-session') ?? '');
      const request = records.find(({ record }) => record === answered.headers.get('countersign-record'));
      const alert = records.findLast(({ kind, attributes }) => kind === 'alert' && attributes['countersign.request'] === request?.seq);
      assert.match(alert?.action ?? '', /^(http|llm)\.target_refused_credential$/);
      assert.equal(alert?.attributes['http.response.status_code'], refused.status);
      assert.ok(String(alert.content?.text).includes(refused.words ?? refused.body));
    });
  }

  test('T4.27: over MCP it is an error of the request', async () => {
    refusal = { status: 401, body: '{}' };
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    const answered = await ask('/t/mcp', { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body });
    refusal = null;
    assert.match(await answered.text(), /"id":1,"error":\{.*"code":"target_refused_credential"/);
  });

  test('T4.27: other refusals, and refusals of a target that gets no credential, are passed on as the target’s answer', async () => {
    const plain = { status: 403, body: 'not yours' };
    for (const [path, given] of [
      ['/t/http/x', plain],
      ['/t/http/x', { status: 400, body: `API keys: ${'x'.repeat(40_000)}` }],
      ['/t/open/x', { status: 401, body: 'who are you?' }],
    ] as const) {
      refusal = given;
      const answered = await ask(path, {
        headers: { authorization: `Bearer ${token}`, ...(path.includes('claude') ? { 'anthropic-version': '2023-06-01' } : {}) },
      });
      assert.deepEqual([answered.status, await answered.text()], [given.status, given.body]);
    }
    refusal = null;
  });

  describe('git', requireProgram('git'), () => {
    const backend = join(spawnSync('git', ['--exec-path'], { encoding: 'utf8' }).stdout.trim(), 'git-http-backend');
    test(
      'T4.27: clones and pushes through the gateway with the token as password',
      { skip: existsSync(backend) ? false : 'git-http-backend is not here' },
      async () => {
        const directory = mkdtempSync(join(tmpdir(), 'countersign-git-'));
        const git = (words: readonly string[]) => {
          const child = spawn('git', words, {
            cwd: directory,
            stdio: ['ignore', 'pipe', 'pipe'],
            env: { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
          });
          let said = '';
          child.stderr.on('data', (piece: Buffer) => {
            said += piece.toString();
          });
          child.stdout.resume();
          return once(child, 'close').then(([code]) => assert.equal(code, 0, `git ${words.join(' ')}: ${said}`));
        };
        await using repositories = await openGitServer(backend, directory);
        await git(['init', '-q', '--bare', 'shop.git']);
        await git(['-C', 'shop.git', 'config', 'http.receivepack', 'true']);
        gateway.configure(`targets:
  code: { url: "${repositories.url}", user: gateway, password: { env: TARGET_SECRET }, durability: process }
principals:
  agent: { kind: agent, targets: [code] }
`);
        await gateway.signal('SIGTERM');
        await gateway.start();
        const url = `http://agent:${token}@127.0.0.1:${gateway.port('http')}/t/code/shop.git`;
        await git(['clone', '-q', url, 'work']);
        writeFileSync(join(directory, 'work', 'README'), 'bread');
        await git(['-C', 'work', 'add', '.']);
        await git(['-C', 'work', '-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-qm', 'first']);
        await git(['-C', 'work', 'push', '-q', 'origin', 'HEAD:refs/heads/main']);
        await git(['clone', '-q', '-b', 'main', url, 'again']);
        assert.equal(readFileSync(join(directory, 'again', 'README'), 'utf8'), 'bread');
        rmSync(directory, { recursive: true, force: true });
      },
    );
  });
});

/** git's own server behind CGI, for whoever has the target's credential. */
async function openGitServer(backend: string, root: string): Promise<SampleServer> {
  const wanted = `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}`;
  return openServer(async (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    if (request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const child = spawn(backend, [], {
      env: {
        ...process.env,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        REQUEST_METHOD: request.method,
        PATH_INFO: path,
        QUERY_STRING: query,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_USER: 'gateway',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    request.pipe(child.stdin);
    const pieces: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    await once(child, 'close');
    const answer = Buffer.concat(pieces);
    const end = answer.indexOf('\r\n\r\n');
    const lines = answer.toString('latin1', 0, end).split('\r\n');
    const status = Number(/^Status: (\d+)/m.exec(lines.join('\n'))?.[1] ?? 200);
    response.writeHead(
      status,
      lines.flatMap((line) => (line.startsWith('Status') ? [] : line.split(': ', 2))),
    );
    response.end(answer.subarray(end + 4));
  });
}

const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6 } as const;

/** https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literals without indexing (RFC 7541, 6.2.2), each shorter than 127 bytes. */
function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]),
  );
}

async function* framesOf(socket: AsyncIterable<Buffer>): AsyncGenerator<{ readonly type: number; readonly flags: number; readonly stream: number }> {
  let rest = Buffer.alloc(0);
  for await (const piece of socket) {
    rest = Buffer.concat([rest, piece]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      yield { type: rest.readUInt8(3), flags: rest.readUInt8(4), stream: rest.readUInt32BE(5) };
      rest = rest.subarray(9 + rest.readUIntBE(0, 3));
    }
  }
}
