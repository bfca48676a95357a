import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import aws4 from 'aws4';
import { GatewayProcess } from '../support/gateway-process.ts';

const accessKeyId = 'AKIDCANARY';
const secretAccessKey = 'aws-secret-canary-31';
const sessionToken = 'aws-session-canary-32';
/** As a program prints it that renews a key. */
const renewed = JSON.stringify({
  Version: 1,
  AccessKeyId: accessKeyId,
  SecretAccessKey: secretAccessKey,
  SessionToken: sessionToken,
  Expiration: '2099-01-01T00:00:00Z',
});

/** A request as the server saw it. */
interface Seen {
  readonly url: string;
  readonly bytes: number;
  readonly told?: string;
  readonly length?: string;
  /** The names of headers with checksums. */
  readonly checksums?: readonly string[];
}

/** The signature that a server computes of what arrived, as far as the request says that it is signed. */
function expectedSignature(request: IncomingMessage, body: Buffer): string {
  const [, region = '', service = '', names = ''] =
    /\/(\w+-\w+-\d)\/(\w+)\/aws4_request, SignedHeaders=([^,]+),/.exec(request.headers.authorization ?? '') ?? [];
  const headers = Object.fromEntries(names.split(';').map((name) => [name, String(request.headers[name])]));
  const told = headers['x-amz-content-sha256'] ?? createHash('sha256').digest('hex');
  const hash = createHash('sha256').update(body).digest('hex');
  if (told !== hash && !(told === 'UNSIGNED-PAYLOAD' && service === 's3')) {
    return 'the body is not the one that was signed';
  }
  const { method = '', url = '' } = request;
  if (request.headers['x-amz-security-token'] !== (service === 'sts' ? sessionToken : undefined)) {
    return 'another session token than the key has';
  }
  const signer = new aws4.RequestSigner({ method, path: url, headers, region, service }, { accessKeyId, secretAccessKey });
  return String(signer.sign().headers?.['Authorization']);
}

function checksumsOf({ headers }: IncomingMessage): { readonly checksums?: readonly string[] } {
  return headers['content-type'] === undefined ? {} : { checksums: Object.keys(headers).filter((name) => name.includes('checksum')) };
}

async function startAws(): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const isSigned = request.headers.authorization === expectedSignature(request, body);
      const told = request.headers['x-amz-content-sha256'];
      response
        .writeHead(isSigned ? 200 : 403)
        .end(JSON.stringify({ url: request.url, bytes: body.length, told, length: request.headers['content-length'], ...checksumsOf(request) }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('targets that want requests signed', () => {
  let server: Server;
  let gateway: GatewayProcess;
  let token: string;
  before(async () => {
    server = await startAws();
    const policies = mkdtempSync(join(tmpdir(), 'countersign-aws-'));
    after(() => {
      rmSync(policies, { recursive: true });
    });
    writeFileSync(join(policies, 'masks.cedar'), '@mask_request("email") permit (principal in Group::"masked", action, resource);');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
    const { port } = server.address() as AddressInfo;
    const target = (service: string, options = '') =>
      `{ url: "http://127.0.0.1:${port}", user: ${accessKeyId}, password: { env: AWS_SECRET }, durability: process, options: { auth: aws-sigv4, awsRegion: eu-west-1, awsService: ${service}${options} } }`;
    gateway = await GatewayProcess.start({
      environment: { AWS_SECRET: secretAccessKey, AWS_RENEWED: renewed },
      config: `limits: { frameBytesMax: 1000000 }
targets:
  models: ${target('bedrock')}
  files: ${target('s3')}
  renewed: ${target('sts').replace('AWS_SECRET', 'AWS_RENEWED')}
principals:
  agent: { kind: agent, targets: [models, files, renewed] }
  masked: { kind: agent, groups: [masked], targets: [models, files] }
policies: ${policies}
`,
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });

  const ask = async (
    path: string,
    init: Omit<RequestInit, 'headers'> & { readonly duplex?: 'half'; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port('http')}/t/${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
  const seenBy = async (response: Response): Promise<Seen> => JSON.parse(await response.text());
  const hashOf = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

  test('head and body as they are sent are under the signature', async () => {
    const response = await ask('models/model/anthropic.claude-v2%3A1/converse?b=2&a=x%20y', { method: 'POST', body: '{"a":1}' });
    assert.equal(response.status, 200, await response.clone().text());
    const { url, told } = await seenBy(response);
    assert.equal(url, '/model/anthropic.claude-v2%3A1/converse?b=2&a=x%20y');
    assert.equal(told, hashOf('{"a":1}'));
    assert.equal((await ask('models/foundation-models')).status, 200);
    const records = JSON.stringify(await gateway.records(response.headers.get('countersign-session') ?? ''));
    assert.ok(!records.includes(secretAccessKey) && !records.includes('AWS4-HMAC'), 'no part of the credential is in a record');
  });

  test('a body that comes in pieces is read whole first, up to a limit', async () => {
    const pieces = (count: number) => ReadableStream.from(Array.from({ length: count }, () => Buffer.alloc(100_000, 'x')));
    const response = await ask('models/x', { method: 'POST', body: pieces(5), duplex: 'half' });
    assert.equal(response.status, 200, await response.clone().text());
    assert.deepEqual(await seenBy(response), { url: '/x', bytes: 500_000, told: hashOf('x'.repeat(500_000)), length: '500000' });
    assert.equal((await ask('models/x', { method: 'POST', body: Buffer.alloc(1_000_001) })).status, 413);
  });

  test('a body whose texts policy changes is signed as it became, and no checksum of the client goes with it', async () => {
    const bearer = await gateway.issueToken('masked');
    const said = '{"to": "ada@example.com"}';
    for (const path of ['files/bucket/a', 'models/model/x/invoke']) {
      const headers = {
        authorization: `Bearer ${bearer}`,
        'content-type': 'application/json',
        'x-amz-content-sha256': hashOf(said),
        'x-amz-checksum-sha256': createHash('sha256').update(said).digest('base64'),
        'x-amz-sdk-checksum-algorithm': 'SHA256',
      };
      const response = await ask(path, { method: 'PUT', body: said, headers });
      assert.equal(response.status, 200, await response.clone().text());
      const { bytes, told, checksums } = await seenBy(response);
      assert.deepEqual([bytes, told, checksums], ['{"to": "[email]"}'.length, hashOf('{"to": "[email]"}'), []]);
    }
    const signed = { authorization: `Bearer ${bearer}`, 'content-type': 'text/plain', 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' };
    const refused = await ask('files/bucket/a', { method: 'PUT', body: `19\r\n${said}\r\n0\r\n\r\n`, headers: signed });
    assert.match(await refused.text(), /its client has signed them/);
  });

  test('a long body is not held for its signature if the service allows that', async () => {
    const response = await ask('files/bucket/a%20key%21', { method: 'PUT', body: Buffer.alloc(3_000_000, 'y') });
    assert.equal(response.status, 200, await response.clone().text());
    assert.deepEqual(await seenBy(response), { url: '/bucket/a%20key%21', bytes: 3_000_000, told: 'UNSIGNED-PAYLOAD', length: '3000000' });
    assert.equal((await seenBy(await ask('files/bucket/b', { method: 'PUT', body: 'short' }))).told, hashOf('short'));
  });

  test('a client that knows AWS keys alone gives its token as session token, and its own signature goes no further', async () => {
    const own = { authorization: 'AWS4-HMAC-SHA256 Credential=x', 'x-amz-date': '20000101T000000Z', 'x-amz-security-token': token };
    const response = await ask('models/y', { headers: own });
    assert.equal(response.status, 200, await response.text());
  });

  test('a key that is renewed has a session token, which is signed and in no record', async () => {
    const response = await ask('renewed/z');
    assert.equal(response.status, 200, await response.clone().text());
    const records = JSON.stringify(await gateway.records(response.headers.get('countersign-session') ?? ''));
    assert.ok(!records.includes(sessionToken) && !records.includes(secretAccessKey));
  });
});
