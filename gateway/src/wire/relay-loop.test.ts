import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setInterval as every, setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../domain/errors.ts';
import { defaultLimits, type Limits } from '../domain/limits.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { Connection } from './connection.ts';
import { runRelay } from './relay-loop.ts';
import { LineRelay } from './testdata/line-relay.ts';
import { MemoryChannel } from './testdata/memory-channel.ts';
import { Inbox, socketPair, TestServer } from './testdata/sockets.ts';
import { UpstreamConnection } from './upstream-connection.ts';

/** Long enough for anything to arrive on loopback that is under way and must not arrive. */
const settleMs = 30;

interface Path extends AsyncDisposable {
  /** The client's end, and the target's. */
  readonly client: Socket;
  readonly target: Socket;
  /** The gateway's ends. */
  readonly accepted: Socket;
  readonly channel: MemoryChannel;
  readonly done: Promise<void>;
}

/** client ── Connection ── runRelay ── UpstreamConnection ── target, all over real sockets. */
async function openPath(limits: Partial<Limits> = {}): Promise<Path> {
  const pair = await socketPair();
  const accepted = Promise.withResolvers<Socket>();
  const server = await TestServer.open(accepted.resolve);
  const channel = new MemoryChannel(limits);
  const upstream = await UpstreamConnection.dial({ host: '127.0.0.1', port: server.port, options: {} }, defaultLimits);
  const target = await accepted.promise;
  const client = new Connection(pair.near, { certificate: null, loginMs: 1000 });
  const done = runRelay(client, upstream, channel, new LineRelay());
  done.catch(() => undefined);
  return {
    client: pair.far,
    target,
    accepted: pair.near,
    channel,
    done,
    [Symbol.asyncDispose]: async () => {
      await pair[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      upstream.destroy();
    },
  };
}

test('bytes pass both ways unchanged, however they are cut', async () => {
  await using path = await openPath();
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  const sent = 'first line\nsecond\n\nfourth, somewhat longer than the others\n';
  const pieces: string[] = [];
  for (let size = 1; size < 20; size += 3) {
    for (let at = 0; at < sent.length; at += size) {
      pieces.push(sent.slice(at, at + size));
    }
  }
  for await (const piece of every(1, pieces.values())) {
    const { value, done } = piece.next();
    if (done === true) {
      break;
    }
    path.client.write(value);
    path.target.write(value);
  }
  const expected = sent.repeat(7);
  await atTarget.untilText(expected);
  await atClient.untilText(expected);
  assert.equal(path.channel.textOf('request test.line'), expected);
  assert.equal(path.channel.textOf('response'), expected);
  path.client.end('quit\n');
  await path.done;
  assert.deepEqual(path.channel.closes, [{ reason: 'client', code: undefined }]);
});

test('a request whose texts policy changes is asked about, recorded and forwarded as it became, and not asked about if it has none', async () => {
  await using path = await openPath();
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  path.channel.wantedChange = { texts: [(text) => text.replaceAll('secret', '***')], obligations: [] };
  path.client.write('one secret\nanother\ntwo secret\n');
  await atTarget.untilText('one ***\nanother\ntwo ***\n');
  assert.equal(path.channel.textOf('request test.line'), 'one ***\nanother\ntwo ***\n');
  path.client.write('\0\nthree\n');
  await atTarget.untilText('one ***\nanother\ntwo ***\nthree\n');
  await atClient.untilText('refused\n');
  assert.deepEqual([path.channel.records.filter(({ kind }) => kind === 'request').length, path.channel.textOf('request')], [1, '\0\n']);
});

test('neither a request nor a response moves before its record is committed', async () => {
  await using path = await openPath();
  path.channel.autoCommit = false;
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  path.client.write('one\ntwo\n');
  path.target.write('answer\n');
  await waitUntil(() => path.channel.records.length === 3);
  await delay(settleMs);
  assert.equal(atTarget.text + atClient.text, '');
  path.channel.commit();
  await atTarget.untilText('one\ntwo\n');
  await atClient.untilText('answer\n');
});

test('a refused request is recorded, answered and not forwarded; the next ones are', async () => {
  await using path = await openPath();
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  path.client.write('one\ndeny this\ntwo\n');
  await atTarget.untilText('one\ntwo\n');
  await atClient.untilText('refused\n');
  assert.deepEqual(
    path.channel.records.map(({ text, verdict }) => [text, verdict]),
    [
      ['one\n', 'allow'],
      ['deny this\n', 'deny'],
      ['refused\n', undefined],
      ['two\n', 'allow'],
    ],
  );
});

test('while a request is held the client waits, bytes of the target are relayed, and the order is kept', async () => {
  await using path = await openPath();
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  path.client.write('hold one\ntwo\n');
  await waitUntil(() => path.channel.heldRequests.length === 1);
  const before = path.accepted.bytesRead;
  path.client.write('x'.repeat(8 * 1024 * 1024));
  path.target.write('news\n');
  await atClient.untilText('news\n');
  await delay(settleMs);
  assert.equal(atTarget.text, '');
  assert.ok(path.accepted.bytesRead - before < 1024 * 1024, 'the client is not read while it waits');
  path.channel.heldRequests[0]?.('allow');
  await atTarget.untilText('hold one\ntwo\n');
});

test('while a relay pauses others have their turns, and what comes then keeps its order', async () => {
  await using path = await openPath();
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  path.target.write('slow\n');
  path.client.write('one\n');
  await atClient.untilText('slow\n');
  path.target.end('more\n');
  assert.equal(await atClient.untilEnd(), 'slow\nmore\n');
  assert.equal(await atTarget.untilEnd(), 'one\n');
});

test('a session that is halted while its relay pauses ends at once', async () => {
  const idleMs = 500;
  await using path = await openPath({ idleMs });
  const atClient = new Inbox(path.client);
  path.target.write('endless\n');
  await delay(idleMs + settleMs);
  assert.equal(atClient.text, '');
  path.channel.controller.abort(new GatewayError('halted', 'An operator halted the session.'));
  assert.equal(await atClient.untilEnd(), '! halted\n');
});

test('a halt is told to the client, recorded, and ends both sides', async () => {
  await using path = await openPath();
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  path.client.write('hold on\n');
  await waitUntil(() => path.channel.heldRequests.length === 1);
  path.channel.controller.abort(new GatewayError('halted', 'An operator halted the session.'));
  await atTarget.untilEnd();
  assert.equal(await atClient.untilEnd(), '! halted\n');
  path.client.end();
  await path.done;
  path.channel.heldRequests[0]?.('allow');
  await delay(settleMs);
  assert.equal(atTarget.text, '', 'what was still being decided is not forwarded');
  assert.equal(path.channel.textOf('response'), '! halted\n');
  assert.deepEqual(path.channel.closes, [{ reason: 'halted', code: 'halted' }]);
});

test('C28: what cannot be recorded does not move, and the client is told why', async () => {
  await using path = await openPath();
  path.channel.autoCommit = false;
  path.channel.room = 2;
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  path.target.write('recorded\n');
  await waitUntil(() => path.channel.records.length === 1);
  path.client.write('one\ntwo\n');
  await waitUntil(() => path.channel.records.length === 2);
  path.target.write('secret\n');
  await delay(settleMs);
  assert.equal(atClient.text, '', 'the sentence keeps its place behind what is not yet committed');
  path.channel.commit();
  assert.equal(await atClient.untilEnd(), 'recorded\n! cannot_record\n');
  assert.equal(await atTarget.untilEnd(), 'one\n');
  path.client.end();
  await path.done;
  assert.deepEqual(path.channel.closes, [{ reason: 'cannot_record', code: 'cannot_record' }]);
});

test('C28: when the journal never commits again the client is told, and nothing else moves', async () => {
  await using path = await openPath();
  path.channel.autoCommit = false;
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  path.client.write('one\n');
  path.target.write('secret\n');
  await waitUntil(() => path.channel.records.length === 2);
  path.channel.room = 0;
  path.channel.controller.abort(new GatewayError('cannot_record', 'The journal is broken.'));
  assert.equal(await atClient.untilEnd(), '! cannot_record\n');
  assert.equal(await atTarget.untilEnd(), '');
  path.channel.commit();
  path.client.end();
  await path.done;
  assert.equal(atClient.text + atTarget.text, '! cannot_record\n');
});

test('a bug in a relay cuts both sides and is reported', async () => {
  await using path = await openPath();
  const atTarget = new Inbox(path.target);
  const atClient = new Inbox(path.client);
  path.target.write('bug');
  await assert.rejects(path.done, TypeError);
  assert.equal((await atClient.untilEnd()) + (await atTarget.untilEnd()), '');
  assert.deepEqual(path.channel.closes, [{ reason: 'error', code: undefined }]);
});

test('bytes that were released before the target ended still reach the client', async () => {
  await using path = await openPath();
  const atClient = new Inbox(path.client);
  path.target.end('x'.repeat(1024 * 1024));
  assert.equal((await atClient.untilEnd()).length, 1024 * 1024);
  path.client.end();
  await path.done;
  assert.deepEqual(path.channel.closes, [{ reason: 'target', code: undefined }]);
});

test('a connection without a byte ends after its idle limit, a busy one does not', async () => {
  const idleMs = 800;
  let isBusy = false;
  // Where the machine did not get to a line in time, the connection was idle: that says nothing, and is done again.
  for (let longestMs = Infinity; longestMs > idleMs / 2;) {
    await using path = await openPath({ idleMs });
    const atClient = new Inbox(path.client);
    const atTarget = new Inbox(path.target);
    longestMs = 0;
    for (let lines = 1, beganMs = performance.now(); lines <= 8 && !atClient.isEnded; lines++, beganMs = performance.now()) {
      path.client.write('busy\n');
      await Promise.race([atTarget.untilText('busy\n'.repeat(lines)), atClient.untilEnd()]);
      await delay(idleMs / 4);
      longestMs = Math.max(longestMs, performance.now() - beganMs);
    }
    isBusy = !atClient.isEnded;
    assert.equal(await atClient.untilEnd(), '! deadline_exceeded\n');
  }
  assert.ok(isBusy, 'it did not end while it was busy');
});

test('while nothing is committed, no more is taken from the target than the limit', async () => {
  const queuedBytesMax = 256 * 1024;
  await using path = await openPath({ queuedBytesMax });
  path.channel.autoCommit = false;
  path.channel.keepsText = false;
  path.target.write(Buffer.alloc(32 * 1024 * 1024));
  await waitUntil(() => path.channel.recordedBytes > queuedBytesMax);
  await delay(5 * settleMs);
  assert.ok(path.channel.recordedBytes <= queuedBytesMax + 64 * 1024, `${path.channel.recordedBytes} bytes were recorded`);
});

test('a client that only sends is not read past what the target takes', async () => {
  await using path = await openPath();
  path.channel.keepsText = false;
  const line = Buffer.from(`${'x'.repeat(16 * 1024 - 1)}\n`);
  for (let i = 0; i < 4096; i += 1) {
    path.client.write(line);
  }
  await untilStill(() => path.accepted.bytesRead);
  // Two kernel buffers and our limit.
  assert.ok(path.accepted.bytesRead < 24 * 1024 * 1024, `${path.accepted.bytesRead} bytes were read`);
  path.target.resume();
  await once(path.client, 'drain');
  assert.equal(path.client.writableLength, 0);
});

test('a slow reader holds up only itself: 200 MB pass in flat memory', async () => {
  await using path = await openPath();
  path.channel.keepsText = false;
  const total = 200 * 1024 * 1024;
  const chunk = Buffer.alloc(256 * 1024);
  let left = total;
  const pour = (): void => {
    while (left > 0) {
      left -= chunk.length;
      if (!path.target.write(chunk)) {
        return;
      }
    }
  };
  path.target.on('drain', pour);
  pour();
  await untilStill(() => path.channel.recordedBytes);
  const stalledAt = path.channel.recordedBytes;
  assert.ok(stalledAt < 24 * 1024 * 1024, `${stalledAt} bytes were taken for a client that reads nothing`);
  let received = 0;
  let peakBytes = 0;
  path.client.on('data', (bytes: Buffer) => {
    received += bytes.length;
    peakBytes = Math.max(peakBytes, path.accepted.writableLength);
    if (received === total) {
      path.client.end('quit\n');
    }
  });
  await path.done;
  assert.equal(received, total);
  assert.ok(peakBytes < 4 * 1024 * 1024, `${peakBytes} bytes were queued`);
});

/** Waits until a number has stopped growing. */
async function untilStill(read: () => number): Promise<void> {
  let last = -1;
  for await (const current of every(3 * settleMs, read)) {
    if (last === current()) {
      return;
    }
    last = current();
  }
}
