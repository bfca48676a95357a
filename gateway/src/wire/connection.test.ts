import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, type ConnectionOptions as TlsOptions, type TLSSocket } from 'node:tls';
import { Connection } from './connection.ts';
import { makeCertificate } from './testdata/certificates.ts';
import { Inbox, socketPair } from './testdata/sockets.ts';
import { readServerTls } from './server-tls.ts';
import { waitUntil, within } from '../../../tests/support/wait-until.ts';

const { certificateFile, keyFile, certificate: ca } = makeCertificate();
const certificate = readServerTls({ certFile: certificateFile, keyFile, clientsFile: null });
/** A limit that only ends what hangs. */
const limitMs = 60_000;

async function openPair(loginMs = limitMs) {
  const pair = await socketPair();
  const connection = new Connection(pair.near, { certificate, loginMs });
  return { far: pair.far, near: pair.near, connection, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

async function startTls(socket: Socket, options: TlsOptions = {}): Promise<TLSSocket> {
  const secured = connectTls({ socket, ca, host: 'localhost', servername: 'localhost', ...options });
  await Promise.race([once(secured, 'secureConnect'), once(secured, 'close')]);
  return secured;
}

function text(bytes: Buffer | null): string | undefined {
  return bytes?.toString();
}

test('pieces are read in order, given back, and flow from where reading stopped', async () => {
  await using pair = await openPair();
  const { connection, far } = pair;
  far.write('login rest');
  const first = await connection.read(limitMs);
  assert.equal(text(first), 'login rest');
  connection.unread(Buffer.from('rest'));
  connection.unread(Buffer.from('login '));
  assert.equal(text(await connection.read(limitMs)), 'login ');
  far.write(' more');
  far.end();
  let flowed = '';
  const ended = Promise.withResolvers<Error | null>();
  connection.pause();
  connection.flow({
    onBytes: (bytes) => {
      flowed += bytes.toString();
    },
    onEnd: ended.resolve,
    onDrain: () => undefined,
  });
  await delay(20);
  assert.equal(flowed, '', 'paused before it flowed');
  connection.resume();
  assert.equal(await ended.promise, null);
  assert.equal(flowed, 'rest more');
});

test('the end, in order or not, reads as null', async () => {
  await using orderly = await openPair();
  orderly.far.end('bye');
  assert.equal(text(await orderly.connection.read(limitMs)), 'bye');
  assert.equal(await orderly.connection.read(limitMs), null);
  assert.equal(await orderly.connection.read(limitMs), null);
  await using broken = await openPair();
  const read = broken.connection.read(limitMs);
  broken.far.resetAndDestroy();
  assert.equal(await read, null);
  await broken.connection.closed;
  broken.connection.write(Buffer.from('to nobody'));
  broken.connection.end();
});

test('A8: a read has a deadline, and the next read gets what came late', async () => {
  await using pair = await openPair();
  await assert.rejects(pair.connection.read(30), { code: 'deadline_exceeded' });
  pair.far.write('late');
  assert.equal(text(await pair.connection.read(limitMs)), 'late');
});

test('D33: bytes that nobody reads stay in the kernel', async () => {
  await using pair = await openPair();
  pair.far.write(Buffer.alloc(32 * 1024 * 1024));
  assert.equal((await pair.connection.read(limitMs))?.length, 64 * 1024);
  await delay(100);
  assert.ok(pair.near.bytesRead <= 256 * 1024, `${pair.near.bytesRead} bytes were read`);
});

test('queued bytes arrive before the end, even if the peer keeps sending', async () => {
  await using pair = await openPair();
  const inbox = new Inbox(pair.far);
  pair.connection.write(Buffer.alloc(4 * 1024 * 1024));
  pair.connection.end();
  pair.far.write(Buffer.alloc(4 * 1024 * 1024));
  assert.equal((await inbox.untilEnd()).length, 4 * 1024 * 1024);
  pair.far.end();
  await pair.connection.closed;
});

test('a peer that does not take our last words is cut off', async () => {
  await using pair = await openPair();
  pair.connection.write(Buffer.alloc(32 * 1024 * 1024));
  pair.connection.end();
  await within(pair.connection.closed, 'the end of the connection');
});

test('negotiated TLS', async () => {
  await using pair = await openPair();
  const { connection, far } = pair;
  assert.deepEqual([connection.canStartTls, connection.isEncrypted, connection.isLoopback], [true, false, true]);
  far.write('tls?');
  assert.equal(text(await connection.read(limitMs)), 'tls?');
  connection.write(Buffer.from('S'));
  const accepting = connection.startTls({ direct: false });
  await once(far, 'data');
  const secured = await startTls(far);
  await accepting;
  assert.deepEqual([connection.canStartTls, connection.isEncrypted], [false, true]);
  secured.write('under tls');
  assert.equal(text(await connection.read(limitMs)), 'under tls');
  const inbox = new Inbox(secured);
  connection.write(Buffer.from('answer'));
  connection.end();
  assert.equal(await inbox.untilEnd(), 'answer');
});

test('direct TLS begins with the bytes that were read, and wants its protocol by ALPN', async () => {
  await using pair = await openPair();
  const securing = startTls(pair.far, { ALPNProtocols: ['test'] });
  const hello = await pair.connection.read(limitMs);
  assert.equal(hello?.[0], 0x16);
  pair.connection.unread(hello);
  await pair.connection.startTls({ direct: true, alpnProtocols: ['test'] });
  (await securing).write('under tls');
  assert.equal(text(await pair.connection.read(limitMs)), 'under tls');
});

test('direct TLS without its protocol in ALPN is refused', async () => {
  await Promise.all([refuseDirect({}), refuseDirect({ ALPNProtocols: ['other'] })]);
});

async function refuseDirect(offered: TlsOptions): Promise<void> {
  await using pair = await openPair();
  const attempt = startTls(pair.far, offered).catch(() => undefined);
  pair.connection.unread((await pair.connection.read(limitMs)) ?? Buffer.alloc(0));
  await assert.rejects(pair.connection.startTls({ direct: true, alpnProtocols: ['test'] }), { code: 'malformed' });
  await pair.connection.closed;
  await attempt;
}

test('A2: bytes in the clear behind a request for TLS are refused', async () => {
  const refusal = { code: 'malformed', message: /Unencrypted bytes followed/ };
  await using oneSegment = await openPair();
  oneSegment.far.write('tls?query');
  const bytes = await oneSegment.connection.read(limitMs);
  oneSegment.connection.unread(bytes?.subarray(4) ?? Buffer.alloc(0));
  const attempt = startTls(oneSegment.far).catch(() => undefined);
  await assert.rejects(oneSegment.connection.startTls({ direct: false }), refusal);
  await oneSegment.connection.closed;
  oneSegment.far.resetAndDestroy();
  await attempt;

  // Here they lie unread in the socket's own buffer, where the handshake takes its first bytes from.
  await using twoSegments = await openPair();
  twoSegments.far.write('tls?');
  await twoSegments.connection.read(limitMs);
  const early = startTls(twoSegments.far).catch(() => undefined);
  await waitUntil(() => twoSegments.near.bytesRead > 'tls?'.length);
  await assert.rejects(twoSegments.connection.startTls({ direct: false }), refusal);
  await twoSegments.connection.closed;
  twoSegments.far.resetAndDestroy();
  await early;
});

test('A8: a handshake that stops half way ends at its limit, and bytes that are not a handshake end at once', async () => {
  await using silent = await openPair(100);
  silent.far.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]));
  silent.connection.unread((await silent.connection.read(limitMs)) ?? Buffer.alloc(0));
  await assert.rejects(silent.connection.startTls({ direct: true }), { code: 'malformed', message: /within 0.1 s/ });
  await silent.connection.closed;
  await using garbage = await openPair();
  const failing = garbage.connection.startTls({ direct: false });
  garbage.far.write('GET / HTTP/1.1\r\n\r\n');
  await assert.rejects(failing, { code: 'malformed', message: /http request/i });
  await garbage.connection.closed;
  await using gone = await openPair();
  const leaving = gone.connection.startTls({ direct: false });
  gone.far.destroy();
  await assert.rejects(leaving, { code: 'malformed' });
});
