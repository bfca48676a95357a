import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { defaultLimits } from '../../gateway/src/domain/limits.ts';
import { Gateway } from '../../gateway/src/gateway.ts';
import { grantPolicy } from '../../gateway/src/policy/grants.ts';
import { MaskControl } from '../support/controls/mask.ts';

const stepBytes = 1024;
const readBytes = 2 * 1024 * 1024;
/** Most bytes that Linux holds of one direction of a connection: the sender's buffer, and the receiver's. */
const kernelBytes = ['wmem', 'rmem'].reduce((sum, name) => {
  const file = `/proc/sys/net/ipv4/tcp_${name}`;
  return sum + (existsSync(file) ? Number(readFileSync(file, 'utf8').split('\t')[2]) : 0);
}, 0);
/** More than the gateway may hold of one answer: what waits for its record, what waits for the client, and what came with that. */
const gatewayBytes = 4 * defaultLimits.queuedBytesMax + 1024 * 1024;
const heldBytesMax = 2 * kernelBytes + gatewayBytes;

/** Events of an answer without end, each with a secret. The `text/event-stream` of a model says it in pieces. */
const events: Readonly<Record<string, string>> = {
  api: `data: ${JSON.stringify({ text: `secret-qwertz123 ${'x'.repeat(900)}` })}\n\n`,
  model: ['sec', 'ret-qwertz', `123 ${'x'.repeat(900)}`]
    .map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`)
    .join(''),
};

/** Writes the same bytes for as long as the reader takes them. Returns how many it has written so far. */
function writeEndlessly(response: ServerResponse, bytes: Buffer): () => number {
  let written = 0;
  const write = (): void => {
    do {
      written += bytes.length;
    } while (response.write(bytes));
  };
  response.on('drain', write);
  write();
  return () => written;
}

for (const [target, event] of Object.entries(events)) {
  test(`D33: a client that reads a masked answer slowly holds back the target, and little of it is in the gateway (${target})`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-slow-'));
    t.after(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    let writtenBytes = (): number => 0;
    await using server = await openServer(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      writtenBytes = writeEndlessly(response, Buffer.from(event.repeat(16)));
      await once(response, 'close');
    });
    const configFile = join(directory, 'countersign.yaml');
    writeFileSync(
      configFile,
      `data: store
listen: { http: 127.0.0.1:0 }
targets:
  api: { url: "${server.url}", durability: process }
  model: { protocol: llm, url: "${server.url}", durability: process }
principals: { agent: { kind: agent, targets: [api, model] } }
`,
    );
    await using gateway = await Gateway.open({
      logLevel: 'silent',
      configFile,
      policyOf: ({ principals }) => {
        const grants = grantPolicy([...principals.values()]);
        return { ...grants, decide: (question) => ({ ...grants.decide(question), obligations: [{ kind: 'test-mask', parameters: {} }] }) };
      },
      controls: [new MaskControl()],
    });
    const address = gateway.addresses['http'] ?? '';
    const operator = readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim();
    const made = await fetch(`http://${address}/api/v1/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operator}` },
      body: '{"principal":"agent"}',
    });
    const { token } = Object(await made.json());
    await using slow = connect(Number(address.split(':').at(-1)), '127.0.0.1');
    const body = '{"model":"m","stream":true,"messages":[]}';
    const head = ['host: 127.0.0.1', 'content-type: application/json', `content-length: ${body.length}`, `authorization: Bearer ${token}`];
    slow.write(`POST /t/${target}/v1/chat/completions HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`);
    const pieces: Buffer[] = [];
    for (let read = 0; read < readBytes;) {
      const piece: unknown = slow.read(stepBytes);
      if (Buffer.isBuffer(piece)) {
        pieces.push(piece);
        read += piece.length;
        assert.ok(writtenBytes() - read < heldBytesMax, `${writtenBytes() - read} bytes are on their way`);
        await setImmediate();
      } else {
        await once(slow, 'readable');
      }
    }
    const text = Buffer.concat(pieces).toString('latin1');
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.ok(text.includes('secret-***') && !text.includes('qwertz'), text.slice(0, 2000));
  });
}
