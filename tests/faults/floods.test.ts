import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { before, describe, test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

const pieces = 200_000;
/** One byte each. */
const chunks = Buffer.from('1\r\n \r\n'.repeat(pieces));
const recordsMax = pieces / 50;
const requests = 2_000;

/** Answers `/drip` byte by byte, `/echo` when all of a body of chunks has come, and nothing else. */
function answer(socket: Socket): void {
  let asked = '';
  socket.on('error', () => undefined);
  socket.on('data', (bytes: Buffer) => {
    asked = asked.slice(-64) + bytes.toString('latin1');
    if (asked.startsWith('GET /drip')) {
      socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'), chunks, Buffer.from('0\r\n\r\n')]));
    } else if (asked.endsWith('\r\n0\r\n\r\n')) {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi');
    }
  });
}

describe('floods of little things', () => {
  const open = new Set<Socket>();
  let target: Server;
  let gateway: GatewayProcess;
  let authorization: string;
  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      target.close();
    });
    target = createServer((socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      answer(socket);
    }).listen(0, '127.0.0.1');
    await once(target, 'listening');
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
  api: { url: "http://127.0.0.1:${portOf(target)}", durability: process }
principals:
  agent: { kind: agent, targets: [api] }
`,
      }),
    );
    authorization = `host: 127.0.0.1\r\nauthorization: Bearer ${await gateway.issueToken('agent')}\r\n`;
  });

  const dial = (): Socket => connect(gateway.port('http'), '127.0.0.1').on('error', () => undefined);
  const recordsOf = async (kind: string): Promise<number> =>
    (await gateway.records((await gateway.newest()).session)).filter((record) => record.kind === kind).length;

  test('D33: an answer that comes byte by byte is recorded and passed on as it arrives, not byte by byte', async () => {
    const client = dial();
    client.write(`GET /t/api/drip HTTP/1.1\r\n${authorization}connection: close\r\n\r\n`);
    let bytes = 0;
    client.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    await once(client, 'close');
    assert.ok(bytes > pieces && bytes < 2 * pieces, `${bytes} bytes`);
    assert.ok((await recordsOf('response')) < recordsMax);
  });

  test('D33: a body that comes byte by byte is recorded and passed on as it arrives', async () => {
    const client = dial();
    client.write(`POST /t/api/echo HTTP/1.1\r\n${authorization}connection: close\r\ntransfer-encoding: chunked\r\n\r\n`);
    client.write(chunks);
    client.write('0\r\n\r\n');
    let text = '';
    client.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    await once(client, 'close');
    assert.match(text, /^HTTP\/1\.1 200 OK/);
    assert.ok((await recordsOf('request')) < recordsMax);
  });

  test('D33: requests that a client sends without waiting open no more connections than are let in, and end its own', async () => {
    const client = dial();
    client.write(`GET /t/api/silent HTTP/1.1\r\n${authorization}\r\n`.repeat(requests));
    client.resume();
    await waitUntil(() => client.destroyed);
    await waitUntil(() => open.size === 0);
    assert.equal(gateway.exitCode, null);
    assert.doesNotMatch(gateway.log, /could not/);
    assert.equal(gateway.verify().status, 0);
  });
});
