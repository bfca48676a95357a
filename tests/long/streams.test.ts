import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { exchangeWays, type NamedExchangeWay } from '../support/contracts.ts';
import { ask, exchangeConfig, sessionOf } from '../support/exchanges.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { mountSmall, requireMounts } from '../support/mounted-disk.ts';
import { startStreamServer } from '../support/stream-server.ts';
import { waitUntil } from '../support/wait-until.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

const environment = { TARGET_SECRET: 'target-secret' };
const diskBytes = 24 * 1024 * 1024;
const growthMax = 96 * 1024 * 1024;

function wayOf(protocol: string): NamedExchangeWay {
  const way = exchangeWays.find((each) => each.protocol === protocol);
  assert.ok(way);
  return way;
}

/** Whatever of the answer comes before the connection breaks. */
async function readToTheEnd(response: Response, onPiece: () => void = () => undefined): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece, { stream: true });
      onPiece();
    }
  } catch {
    // Cut.
  }
  return text;
}

describe('faults during a streamed answer', () => {
  const llm = wayOf('llm');

  test('C28: kill -9 when requests of all protocols are at the target: they are in the recovered record, and start-up needs no hand', async () => {
    await using server = await startStreamServer();
    await using gateway = await GatewayProcess.start({ config: exchangeConfig(server, 'process'), environment });
    const token = await gateway.issueToken('agent');
    const killed = Promise.withResolvers<number | null>();
    const wordsOf = (way: NamedExchangeWay): string => `killed-words of ${way.target}`;
    server.onRequest = async () => {
      if (exchangeWays.every((way) => server.heardOf(wordsOf(way)) !== undefined)) {
        killed.resolve(gateway.signal('SIGKILL'));
      }
      await killed.promise;
    };
    await Promise.all(exchangeWays.map(async (way) => assert.rejects(ask(gateway, way, way.body(wordsOf(way)), { token }))));
    await gateway.start();
    const sessions = await gateway.sessions();
    assert.deepEqual(new Set(sessions.map(({ state }) => state)), new Set(['interrupted']));
    const records = (await Promise.all(sessions.map(async ({ session }) => gateway.records(session)))).flat();
    for (const way of exchangeWays) {
      assert.ok(
        records.some(({ kind, content }) => kind === 'request' && content?.text?.includes(wordsOf(way)) === true),
        way.target,
      );
    }
    assert.equal(gateway.verify().status, 0);
  });

  test('C28: kill -9 in the middle of a stream: every byte that the client has is in the recovered record', async () => {
    await using server = await startStreamServer();
    await using gateway = await GatewayProcess.start({ config: exchangeConfig(server, 'process'), environment });
    const response = await ask(gateway, llm, llm.body('endless'), { token: await gateway.issueToken('agent') });
    let pieces = 0;
    const got = await readToTheEnd(response, () => {
      pieces += 1;
      if (pieces === 20) {
        void gateway.signal('SIGKILL');
      }
    });
    await gateway.start();
    const records = await gateway.records(sessionOf(response));
    const bytes = records.filter(({ kind }) => kind === 'response').reduce((sum, { content }) => sum + (content?.bytes ?? 0), 0);
    assert.ok(got.length > 0 && bytes >= got.length, `${got.length} bytes came, ${bytes} are in the record`);
    assert.equal(gateway.verify().status, 0);
  });

  test(
    'C28: a full disk in the middle of a stream: it ends with the error, nothing more reaches the target, and service resumes with space',
    requireMounts(),
    async () => {
      await using disk = mountSmall(diskBytes);
      await using server = await startStreamServer();
      await using gateway = await GatewayProcess.start({ config: exchangeConfig(server, 'process'), environment, data: join(disk.directory, 'data') });
      const token = await gateway.issueToken('agent');
      const ballast = join(disk.directory, 'ballast');
      writeFileSync(ballast, Buffer.alloc(diskBytes / 2));
      const beside = await ask(gateway, llm, llm.body('endless'), { token });
      const told = beside.text();
      const streaming = await ask(gateway, llm, llm.body('megabytes 40'), { token });
      const got = await readToTheEnd(streaming);
      assert.ok(got.length < 40 * 1024 * 1024);
      assert.match(await told, /\n\ndata: \{"error":\{"message":"countersign: .*"code":"cannot_record","param":null\}\}\n\n$/);
      await waitUntil(async () => {
        const refused = await ask(gateway, llm, llm.body(`on a full disk ${randomBytes(1_000_000).toString('base64')}`), { token });
        const words = await refused.text();
        return refused.status === 507 && words.includes('cannot_record');
      });
      const heard = server.heard.length;
      const refused = await ask(gateway, llm, llm.body(`never heard ${randomBytes(1_000_000).toString('base64')}`), { token });
      assert.equal(refused.status, 507);
      assert.equal(server.heard.length, heard);
      rmSync(ballast);
      await waitUntil(async () => {
        const back = await ask(gateway, llm, llm.body('with space again'), { token });
        await back.text();
        return back.status === 200;
      });
      assert.equal(await gateway.signal('SIGTERM'), 0);
      assert.equal(gateway.verify().status, 0);
    },
  );

  test('D33: a reader that does not read: the target is not read on, memory stays, and others are served', async () => {
    await using server = await startStreamServer();
    await using gateway = await GatewayProcess.start({ config: exchangeConfig(server, 'process'), environment });
    const token = await gateway.issueToken('agent');
    await (await ask(gateway, llm, llm.body('megabytes 8'), { token })).text();
    const before = residentBytes(gateway.pid);
    const body = llm.body('megabytes 400');
    const slow = connect(gateway.port('http'), '127.0.0.1');
    slow.pause();
    slow.write(
      `POST /t/llm${llm.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nauthorization: Bearer ${token}\r\n\r\n${body}`,
    );
    await waitUntil(() => server.heard.length >= 2);
    for (let i = 0; i < 20; i++) {
      const served = await ask(gateway, llm, llm.body('others'), { token });
      await served.text();
      assert.equal(served.status, 200);
    }
    assert.ok(residentBytes(gateway.pid) - before < growthMax);
    slow.destroy();
    await waitUntil(() => server.heard[1]?.isCut === true);
  });

  test('A8: a client that sends no head, and one that stops in the middle of a body, hold up nobody and are cut off', async () => {
    await using server = await startStreamServer();
    await using gateway = await GatewayProcess.start({ config: `${exchangeConfig(server, 'process')}limits: { loginMs: 3000 }\n`, environment });
    const silent = connect(gateway.port('http'), '127.0.0.1');
    silent.on('error', () => undefined);
    silent.resume();
    const token = await gateway.issueToken('agent');
    const halfway = connect(gateway.port('http'), '127.0.0.1');
    halfway.write(`POST /t/llm${llm.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\nauthorization: Bearer ${token}\r\n\r\n{"model"`);
    const served = await ask(gateway, llm, llm.body('others'), { token });
    await served.text();
    assert.equal(served.status, 200);
    await once(silent, 'close');
    assert.equal(server.heard.length, 1);
    halfway.destroy();
  });

  test('a target that goes silent in the middle of its answer, or never begins one, is given up in time', async () => {
    await using mute = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (bytes) => {
        if (bytes.toString('latin1').startsWith('POST /begins')) {
          socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nwords\r\n');
        }
      });
    }).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const port = portOf(mute);
    await using gateway = await GatewayProcess.start({
      config: `targets:\n  http: { url: "http://127.0.0.1:${port}", durability: process }\nprincipals:\n  agent: { kind: agent, targets: [http] }\nlimits: { idleMs: 2000 }\n`,
    });
    const way = wayOf('http');
    const token = await gateway.issueToken('agent');
    const never = await ask(gateway, way, 'x', { token });
    assert.equal(never.status, 504);
    assert.match(await never.text(), /deadline_exceeded/);
    const begun = await ask(gateway, { ...way, path: '/begins' }, 'x', { token });
    await assert.rejects(begun.text());
  });

  test('a target that never finishes its TLS is given up in time', async () => {
    await using silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const port = portOf(silent);
    await using gateway = await GatewayProcess.start({
      config: `targets:\n  http: { url: "https://127.0.0.1:${port}" }\nprincipals:\n  agent: { kind: agent, targets: [http] }\nlimits: { dialMs: 700 }\n`,
    });
    const response = await ask(gateway, wayOf('http'), 'x', { token: await gateway.issueToken('agent') });
    assert.equal(response.status, 502);
    assert.match(await response.text(), /target_tls_failed/);
  });
});

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
