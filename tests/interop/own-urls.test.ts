import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { request as requestHttp, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { ReplayServer } from '../../gateway/src/offline/replay-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';

interface Heard {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const batchId = 'msgbatch_013Zva2CMHLNnXjNJJKqJ2EF';

/** Answers like servers that name themselves by their whole address. */
describe('addresses of the target in its answers', () => {
  const heard: Heard[] = [];
  let server: SampleServer;
  let elsewhere: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  before(async () => {
    elsewhere = await openServer(async (request, response) => {
      heard.push({ url: `elsewhere ${request.url}`, headers: request.headers, body: '' });
      response.end();
      await Promise.resolve();
    });
    server = await openServer(async (request, response) => {
      const { url = '', headers } = request;
      heard.push({ url, headers, body: await text(request) });
      const own = `http://${headers.host}`;
      const batch = {
        id: batchId,
        type: 'message_batch',
        processing_status: 'ended',
        results_url: `${own}/base/v1/messages/batches/${batchId}/results`,
        note: '"',
      };
      if (url === `/base/v1/messages/batches/${batchId}/results`) {
        response.writeHead(200, { 'content-type': 'application/x-jsonl' }).end('{"custom_id":"one","result":{"type":"canceled"}}\n');
      } else if (url.startsWith('/base/v1/messages/batches')) {
        const body = gzipSync(JSON.stringify(url.includes('elsewhere') ? { ...batch, results_url: `${elsewhere.url}/results` } : batch, null, 1));
        response
          .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-md5': 'x', 'content-length': body.length })
          .end(body);
      } else if (/^\/base\/upload\/v1\w*\/files$/.test(url)) {
        response.writeHead(200, { 'X-Goog-Upload-URL': `${own}${url}?upload_id=abc&upload_protocol=resumable` }).end();
      } else if (url.startsWith('/base/upload/')) {
        response
          .writeHead(200, { 'content-type': 'application/json', 'x-goog-upload-status': 'final' })
          .end(JSON.stringify({ file: { name: 'files/a', uri: `${own}/base/v1beta/files/a`, downloadUri: `${own}/base/v1beta/files/a:download` } }));
      } else if (url === '/moved') {
        response
          .writeHead(303, {
            location: `${own}/things/7?a=%2F#part`,
            'content-location': '/things/7',
            link: `<${own}/things?page=2>; rel="next", <${elsewhere.url}/x>; rel="help"`,
          })
          .end();
      } else if (url === '/away') {
        response.writeHead(302, { location: `${elsewhere.url}/x`, 'x-self': `${own}/y` }).end();
      } else if (url === '/tricks') {
        response
          .writeHead(200, {
            location: `http://user@${headers.host}.evil.example/`,
            'operation-location': `//${headers.host}/operations/1`,
            refresh: `5; url=${own}/later`,
          })
          .end();
      } else if (url === '/base/outside') {
        response.writeHead(302, { location: `${own}/other` }).end();
      } else {
        response.writeHead(200, { 'content-type': 'application/json' });
        // In two pieces, cut within the address.
        const said = JSON.stringify({ self: `${own}/things/7` });
        response.write(said.slice(0, 14));
        setTimeout(() => response.end(said.slice(14)), 30);
      }
    });
    gateway = await GatewayProcess.start({
      config: `targets:
  plain: { url: "${server.url}", durability: process }
  claude: { protocol: llm, url: "${server.url}/base", durability: process, options: { provider: anthropic } }
  gemini: { protocol: llm, url: "${server.url}/base", durability: process, options: { provider: gemini } }
principals:
  agent: { kind: agent, targets: [plain, claude, gemini] }
`,
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await Promise.all([server[Symbol.asyncDispose](), elsewhere[Symbol.asyncDispose]()]);
  });

  const through = (target: string): string => `http://127.0.0.1:${gateway.port('http')}/t/${target}`;
  const ask = async (target: string, path: string, by = token): Promise<Response> =>
    fetch(`${through(target)}${path}`, { redirect: 'manual', headers: { authorization: `Bearer ${by}` } });
  const factsOf = async (response: Response) => {
    const records = await gateway.records(response.headers.get('countersign-session') ?? '');
    const request = records.find(({ record }) => record === response.headers.get('countersign-record'));
    return records
      .filter(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] === request?.seq)
      .map(({ attributes }) => attributes);
  };

  test('T4.8, E51: headers of the target lead through the gateway; what leads elsewhere is left and on record', async () => {
    const moved = await ask('plain', '/moved');
    assert.equal(moved.headers.get('location'), `${through('plain')}/things/7?a=%2F#part`);
    assert.equal(moved.headers.get('content-location'), '/t/plain/things/7');
    assert.equal(moved.headers.get('link'), `<${through('plain')}/things?page=2>; rel="next", <${elsewhere.url}/x>; rel="help"`);
    const [facts] = await factsOf(moved);
    assert.deepEqual(facts?.['countersign.rewritten_urls'], ['location', 'content-location', 'link']);
    const originals = [`${server.url}/things/7?a=%2F#part`, '/things/7', `${server.url}/things?page=2`];
    assert.deepEqual(
      facts['countersign.rewritten_urls.sha256'],
      originals.map((url) => hash('sha256', url)),
    );
    assert.deepEqual(facts['countersign.direct_urls'], [`link ${elsewhere.url}`]);
    const away = await ask('plain', '/away');
    assert.equal(away.headers.get('location'), `${elsewhere.url}/x`);
    assert.deepEqual((await factsOf(away))[0]?.['countersign.direct_urls'], [`location ${elsewhere.url}`, `x-self ${server.url}`]);
    const tricks = await ask('plain', '/tricks');
    assert.match(tricks.headers.get('location') ?? '', /evil\.example/);
    assert.equal(tricks.headers.get('operation-location'), `${through('plain')}/operations/1`);
    assert.equal(tricks.headers.get('refresh'), `5; url=${through('plain')}/later`);
    // Not below the address that was granted.
    const outside = await ask('claude', '/outside');
    assert.equal(outside.headers.get('location'), `${server.url}/other`);
    assert.deepEqual((await factsOf(outside))[0]?.['countersign.direct_urls'], [`location ${server.url}`]);
  });

  test('T4.8: an address goes by the name by which the client called the gateway', async () => {
    const location = await new Promise<string | undefined>((resolve, reject) => {
      requestHttp(`${through('plain')}/moved`, { headers: { host: `localhost:${gateway.port('http')}`, authorization: `Bearer ${token}` } }, (answer) => {
        resolve(answer.headers.location);
        answer.resume();
      })
        .on('error', reject)
        .end();
    });
    assert.equal(location, `http://localhost:${gateway.port('http')}/t/plain/things/7?a=%2F#part`);
  });

  test('T4.8: addresses in a body of an unknown form are left, and recorded', async () => {
    const response = await ask('plain', '/things/7');
    assert.deepEqual(await response.json(), { self: `${server.url}/things/7` });
    assert.deepEqual((await factsOf(response)).at(-1)?.['countersign.direct_urls'], [`body ${server.url}`]);
  });

  test('T4.8, E51: the SDK of Anthropic fetches the results of a batch through the gateway', async () => {
    const client = new Anthropic({ baseURL: through('claude'), apiKey: null, authToken: token, maxRetries: 0 });
    const first = heard.length;
    const results = [];
    for await (const result of await client.messages.batches.results(batchId)) {
      results.push(result.custom_id);
    }
    assert.deepEqual(results, ['one']);
    const asked = heard.slice(first);
    assert.deepEqual(
      asked.map(({ url }) => url),
      [`/base/v1/messages/batches/${batchId}`, `/base/v1/messages/batches/${batchId}/results`],
    );
    assert.ok(!JSON.stringify(asked).includes(token), 'the target never sees the token');
    const response = await ask('claude', `/v1/messages/batches/${batchId}`);
    const body = await response.text();
    assert.deepEqual(JSON.parse(body).results_url, `${through('claude')}/v1/messages/batches/${batchId}/results`);
    assert.equal(Number(response.headers.get('content-length')), Buffer.byteLength(body));
    assert.equal(response.headers.get('content-md5'), null);
    const [facts] = await factsOf(response);
    assert.deepEqual(facts?.['countersign.rewritten_urls'], ['results_url']);
    assert.match(String(facts['countersign.original_body.sha256']), /^[\da-f]{64}$/);
    const led = await ask('claude', '/v1/messages/batches/elsewhere');
    assert.match(await led.text(), new RegExp(elsewhere.url));
    assert.deepEqual((await factsOf(led)).at(-1)?.['countersign.direct_urls'], [`results_url ${elsewhere.url}`]);
  });

  test('T4.8, E51: a file is uploaded to Gemini through the gateway', async () => {
    const client = new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: through('gemini') } });
    const first = heard.length;
    const file = await client.files.upload({ file: new Blob(['all of it']), config: { mimeType: 'text/plain' } });
    assert.equal(file.downloadUri, `${through('gemini')}/v1beta/files/a:download`);
    // It is how a prompt names the file: Gemini must know it.
    assert.equal(file.uri, `${server.url}/base/v1beta/files/a`);
    const asked = heard.slice(first);
    assert.deepEqual(
      asked.map(({ url, body }) => [url.replace(/v1\w*/, 'v1'), url.includes('?') ? body : '']),
      [
        ['/base/upload/v1/files', ''],
        ['/base/upload/v1/files?upload_id=abc&upload_protocol=resumable', 'all of it'],
      ],
    );
    assert.ok(!JSON.stringify(asked).includes(token), 'the target never sees the token');
  });

  test('T4.8: in a replay they lead to the replay, and nowhere else', async () => {
    const made = await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } });
    const run: { readonly token: string; readonly session: string } = JSON.parse(await made.text());
    await (await ask('plain', '/moved', run.token)).text();
    await (await ask('claude', `/v1/messages/batches/${batchId}`, run.token)).text();
    await gateway.api(`/api/v1/runs/${run.session}/end`, { method: 'POST', body: {} });
    const file = join(gateway.directory, 'bundle');
    writeFileSync(file, Buffer.from(await (await gateway.api(`/api/v1/sessions/${run.session}/bundle`)).arrayBuffer()));
    await using bundle = await open(file);
    await using replay = await ReplayServer.open(bundle, { speed: null, port: 0, onMiss: () => undefined });
    const first = heard.length;
    const base = `http://${replay.addresses.get('http')}/t`;
    const again = { redirect: 'manual', headers: { authorization: `Bearer ${replay.environment['COUNTERSIGN_TOKEN']}` } } as const;
    const moved = await fetch(`${base}/plain/moved`, again);
    assert.equal(moved.headers.get('location'), `${base}/plain/things/7?a=%2F#part`);
    assert.equal(moved.headers.get('content-location'), '/t/plain/things/7');
    const batch = await fetch(`${base}/claude/v1/messages/batches/${batchId}`, again);
    const { results_url: led } = JSON.parse(await batch.text());
    assert.equal(led, `${base}/claude/v1/messages/batches/${batchId}/results`);
    assert.equal(heard.length, first);
  });

  test('what was recorded verifies', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
