import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createSecureContext, TLSSocket } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import { dial, type Dialling, type DialOptions } from './dialer.ts';
import { makeCertificate, type TestCertificate } from './testdata/certificates.ts';
import { Inbox, TestServer } from './testdata/sockets.ts';

/** `getaddrinfo` takes it for 169.254.169.254, and `isIP` for a name: what a name server might answer, without one. */
const nameOfMetadata = '2852039166';
/** An address for documentation (RFC 5737): there is no route to it, or nothing answers. */
const silent = '192.0.2.1';

/** A limit that only ends what hangs. */
const patientMs = 60_000;

const own = makeCertificate();
const other = makeCertificate();

function tlsFor({ certificate }: TestCertificate): DialOptions {
  return { tls: { context: createSecureContext({ ca: certificate }), verify: true, alpnProtocols: ['http/1.1'] }, dialMs: patientMs };
}

const kinds = {
  TCP: { options: { tls: null, dialMs: patientMs }, accept: (socket: Socket) => socket },
  TLS: {
    options: tlsFor(own),
    accept: (socket: Socket) => new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ cert: own.certificate, key: own.key }) }),
  },
} as const;

/** The addresses that the socket was told to connect to. */
function attemptsOf({ socket }: Dialling): readonly string[] {
  const attempts: string[] = [];
  socket.on('connectionAttempt', (address: string) => attempts.push(address));
  return attempts;
}

for (const [kind, { options, accept }] of Object.entries(kinds)) {
  describe(`dialling ${kind}`, () => {
    for (const host of ['169.254.169.254', '::ffff:169.254.169.254', 'fe80::1%1', nameOfMetadata]) {
      test(`A10, B23: ${host} is not connected to without the option linkLocal`, async () => {
        const guarded = dial({ host, port: 80, options: { linkLocal: false } }, options);
        const attempts = attemptsOf(guarded);
        await assert.rejects(guarded.ready, { code: 'target_unreachable', message: /only for a target with the option linkLocal/ });
        assert.deepEqual(attempts, []);
        const allowed = dial({ host, port: 80, options: { linkLocal: true } }, options);
        const attempt: unknown = (await once(allowed.socket, 'connectionAttempt'))[0];
        assert.equal(attempt, host === nameOfMetadata ? '169.254.169.254' : host);
        allowed.socket.destroy();
        await assert.rejects(allowed.ready);
      });
    }

    test('A10: a name is resolved once, and connected to is what it was resolved to', async () => {
      const accepted = Promise.withResolvers<Socket>();
      await using server = await TestServer.open((socket) => {
        accepted.resolve(accept(socket));
      });
      const dialling = dial({ host: 'localhost', port: server.port, options: {} }, options);
      const attempts = attemptsOf(dialling);
      const resolved: string[] = [];
      dialling.socket.on('lookup', (_error: Error | null, address: string) => resolved.push(address));
      await dialling.ready;
      assert.equal(new Set(resolved).size, resolved.length);
      assert.ok(attempts.length > 0 && attempts.every((address) => resolved.includes(address)), `${attempts.join()} of ${resolved.join()}`);
      dialling.socket.destroy();
    });

    test('what is written before it is ready is sent then, in order', async () => {
      const accepted = Promise.withResolvers<Socket>();
      await using server = await TestServer.open((socket) => {
        accepted.resolve(accept(socket));
      });
      const { socket, ready } = dial({ host: '127.0.0.1', port: server.port, options: {} }, options);
      socket.write('one ');
      socket.write('two');
      const inbox = new Inbox(await accepted.promise);
      await ready;
      socket.end(' three');
      assert.equal(await inbox.untilEnd(), 'one two three');
    });

    test('a target that cannot be reached is told as such', async () => {
      const server = await TestServer.open(() => undefined);
      const { port } = server;
      await server[Symbol.asyncDispose]();
      await assert.rejects(dial({ host: '127.0.0.1', port, options: {} }, options).ready, {
        code: 'target_unreachable',
        message: /127\.0\.0\.1:\d+ cannot be reached: the connection was refused/,
      });
      await assert.rejects(dial({ host: 'does-not-exist.invalid', port, options: {} }, options).ready, {
        code: 'target_unreachable',
        message: /the name cannot be resolved/,
      });
      await assert.rejects(dial({ host: silent, port: 9, options: {} }, { ...options, dialMs: 50 }).ready, { code: 'target_unreachable' });
    });

    test('it is given up for the reason of the signal', async () => {
      const controller = new AbortController();
      const { ready, socket } = dial({ host: silent, port: 9, options: {} }, { ...options, signal: controller.signal });
      controller.abort(new GatewayError('halted', 'halted'));
      await assert.rejects(ready, { code: 'halted' });
      assert.ok(socket.destroyed);
      assert.throws(() => dial({ host: silent, port: 9, options: {} }, { ...options, signal: controller.signal }), { code: 'halted' });
    });
  });
}

test('nothing is sent to a target whose certificate does not hold', async () => {
  const accepted = Promise.withResolvers<Inbox>();
  await using server = await TestServer.open((socket) => {
    accepted.resolve(new Inbox(kinds.TLS.accept(socket)));
  });
  const { socket, ready } = dial({ host: 'localhost', port: server.port, options: {} }, tlsFor(other));
  socket.write('the credential');
  await assert.rejects(ready, { code: 'target_tls_failed', message: /self-signed/ });
  assert.equal(await (await accepted.promise).untilEnd(), '');
});

test('a target that does not finish the handshake fails it at the limit, and so does one that leaves', async () => {
  await using silence = await TestServer.open(() => undefined);
  await assert.rejects(dial({ host: '127.0.0.1', port: silence.port, options: {} }, { ...tlsFor(own), dialMs: 100 }).ready, {
    code: 'target_tls_failed',
    message: /no answer within 0\.1 s/,
  });
  await using leaving = await TestServer.open((socket) => {
    socket.destroy();
  });
  await assert.rejects(dial({ host: '127.0.0.1', port: leaving.port, options: {} }, tlsFor(own)).ready, { code: 'target_tls_failed' });
});
