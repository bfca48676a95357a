import { strict as assert } from 'node:assert';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { GatewayError, type ErrorCode } from '../../domain/errors.ts';
import { defaultLimits, type Limits } from '../../domain/limits.ts';
import type { Target } from '../../domain/target.ts';
import { TestServer } from '../../wire/testdata/sockets.ts';
import { startPostgres, type PostgresServer } from '../../../../tests/support/postgres-server.ts';
import { passwordMessage } from './compose.ts';
import { certificate, serverTls } from './testdata/client-side.ts';
import { ArrayChannel } from './testdata/open-door.ts';
import { int32s, message, targetMessages } from './testdata/shorthand.ts';
import { logIn } from './upstream.ts';

const password = 'target-password-canary-5f1d';

function channelTo(port: number, target: Partial<Target> = {}, limits: Partial<Limits> = {}): ArrayChannel {
  return new ArrayChannel(
    {
      name: 'orders',
      scheme: 'postgres',
      protocol: 'postgres',
      host: '127.0.0.1',
      port,
      path: 'postgres',
      user: 'app',
      password: () => password,
      durability: 'process',
      options: {},
      ...target,
    },
    { ...defaultLimits, ...limits },
  );
}

const request = { database: '', settings: new Map([['application_name', 'countersign-test']]) };
const failsWith =
  (code: ErrorCode, words = /./) =>
  (error: unknown): boolean =>
    error instanceof GatewayError && error.code === code && words.test(error.message) && !error.message.includes(password);
const ask = (code: number, ...rest: readonly Uint8Array[]): Buffer => message('R', int32s(code), ...rest);

/** A target that says its lines one at a time, each when it has read something; what it read is kept. */
async function hostileTarget(...lines: readonly (Uint8Array | ((socket: Socket) => void))[]): Promise<TestServer & { readonly heard: Buffer[] }> {
  const heard: Buffer[] = [];
  const server = await TestServer.open((socket) => {
    const left = [...lines];
    socket.on('data', (bytes: Buffer) => {
      heard.push(bytes);
      const line = left.shift();
      if (typeof line === 'function') {
        line(socket);
      } else if (line !== undefined) {
        socket.write(line);
      }
    });
    socket.resume();
  });
  return Object.assign(server, { heard });
}

describe('a real PostgreSQL', () => {
  for (const authentication of ['scram-sha-256', 'md5', 'trust'] as const) {
    test(`lets the gateway in by ${authentication}`, async () => {
      await using server = await startPostgres({ authentication });
      const channel = channelTo(server.port);
      const { upstream, greeting, key, status } = await logIn(channel, request);
      assert.equal(status, 0x49);
      assert.equal(key?.length, 8);
      assert.ok(Buffer.concat(greeting).includes('application_name\0countersign-test'));
      upstream.end();
      const limited = channelTo(server.port, { options: { require_auth: 'password' } });
      await assert.rejects(logIn(limited, request), failsWith('target_login_failed', /require_auth/), 'A6: no other way than what was said');
    });
  }

  describe('with TLS', () => {
    let scram: PostgresServer;
    let cleartext: PostgresServer;
    const tls = { certificate: certificate.certificate, key: certificate.key };
    before(async () => {
      [scram, cleartext] = await Promise.all([startPostgres({ tls }), startPostgres({ tls, authentication: 'password' })]);
    });
    after(async () => {
      await Promise.all([scram[Symbol.asyncDispose](), cleartext[Symbol.asyncDispose]()]);
    });

    test('off, require, verify-full; channel binding', async () => {
      for (const options of [
        { sslmode: 'off' },
        { sslmode: 'require' },
        { sslmode: 'require', channel_binding: 'require' },
        { sslmode: 'verify-full', sslrootcert: certificate.certificateFile, channel_binding: 'require', require_auth: 'scram-sha-256' },
      ]) {
        const { upstream } = await logIn(channelTo(scram.port, { options }), request);
        assert.equal(upstream.isEncrypted, options.sslmode !== 'off');
        upstream.end();
      }
      assert.match(scram.log(), /connection authorized|ready to accept/);
    });

    test('an unknown authority, a name that is not the certificate’s, binding without TLS: no login', async () => {
      const attempt = (target: Partial<Target>): Promise<unknown> => logIn(channelTo(scram.port, target), request);
      await assert.rejects(attempt({ options: { sslmode: 'verify-full' } }), failsWith('target_tls_failed'));
      await assert.rejects(
        attempt({ host: '0.0.0.0', options: { sslmode: 'verify-full', sslrootcert: certificate.certificateFile } }),
        failsWith('target_tls_failed'),
      );
      await assert.rejects(attempt({ options: { channel_binding: 'require' } }), failsWith('target_login_failed', /[Cc]hannel binding/));
    });

    test('a password in the clear goes out under TLS, and without it does not', async () => {
      const { upstream } = await logIn(channelTo(cleartext.port, { options: { sslmode: 'require' } }), request);
      upstream.end();
      await assert.rejects(logIn(channelTo(cleartext.port), request), failsWith('target_login_failed', /in the clear/));
    });

    test('errors about a wrong password or an unknown database do not contain the credential', async () => {
      const wrong = channelTo(scram.port, { password: () => 'wrong' });
      await assert.rejects(logIn(wrong, request), failsWith('target_login_failed', /28P01.*credential/));
      await assert.rejects(
        logIn(channelTo(scram.port), { ...request, database: 'nowhere' }),
        failsWith('target_login_failed', /3D000.*"nowhere" does not exist/),
      );
      const without = channelTo(scram.port);
      Reflect.deleteProperty(without.target, 'password');
      await assert.rejects(logIn(without, request), failsWith('target_login_failed', /none is configured/));
    });
  });
});

describe('hostile targets', () => {
  test('A6: one that asks for the password in the clear, without TLS, does not get it', async () => {
    await using target = await hostileTarget(ask(3));
    await assert.rejects(logIn(channelTo(target.port), request), failsWith('target_login_failed', /in the clear/));
    assert.ok(!Buffer.concat(target.heard).includes(password));
  });

  test('A6: a target that should use SCRAM and asks for md5 gets no hash of the password', async () => {
    await using target = await hostileTarget(ask(5, Buffer.from('salt')));
    await assert.rejects(logIn(channelTo(target.port, { options: { require_auth: 'scram-sha-256' } }), request), failsWith('target_login_failed', /md5/));
    assert.equal(target.heard.length, 1);
  });

  test('A6: a target that says ok in the middle of SCRAM is not accepted', async () => {
    await using target = await hostileTarget(ask(10, Buffer.from('SCRAM-SHA-256\0\0')), Buffer.concat([ask(0), targetMessages('Z:I')]));
    await assert.rejects(logIn(channelTo(target.port), request), failsWith('target_login_failed'));
  });

  test('A6: a target that ends SCRAM without its signature, or then asks in the clear, is not accepted', async () => {
    await using target = await hostileTarget(ask(10, Buffer.from('SCRAM-SHA-256\0\0')), (socket) => {
      socket.write(ask(3));
    });
    await assert.rejects(logIn(channelTo(target.port), request), failsWith('target_login_failed'));
    assert.ok(!Buffer.concat(target.heard).includes(passwordMessage(password)));
  });

  test('A6: under TLS, without SCRAM-SHA-256-PLUS where binding is required', async () => {
    await using target = await hostileTarget((socket) => {
      socket.removeAllListeners('data');
      socket.write('S');
      const secured = new TLSSocket(socket, { isServer: true, secureContext: serverTls.context });
      secured.on('error', () => undefined);
      secured.once('data', () => secured.write(ask(10, Buffer.from('SCRAM-SHA-256\0\0'))));
    });
    const channel = channelTo(target.port, { options: { sslmode: 'require', channel_binding: 'require' } });
    await assert.rejects(logIn(channel, request), failsWith('target_login_failed', /[Cc]hannel binding/));
  });

  test('A2: bytes in the clear behind the answer to the request for TLS', async () => {
    await using target = await hostileTarget(Buffer.concat([Buffer.from('S'), ask(0), targetMessages('Z:I')]));
    await assert.rejects(logIn(channelTo(target.port, { options: { sslmode: 'require' } }), request), failsWith('target_tls_failed'));
  });

  test('a target without TLS gets nothing if TLS is required; for a target on another machine TLS is required by default', async () => {
    await using target = await hostileTarget(Buffer.from('N'), Buffer.concat([ask(0), targetMessages('Z:I')]));
    await assert.rejects(logIn(channelTo(target.port, { options: { sslmode: 'require' } }), request), failsWith('target_tls_failed', /sslmode=off/));
    assert.equal(target.heard.length, 1);
    await assert.rejects(logIn(channelTo(target.port, { host: '0.0.0.0' }), request), failsWith('target_tls_failed'));
  });

  test('A8: a silent target is given up', async () => {
    await using target = await hostileTarget();
    await assert.rejects(logIn(channelTo(target.port, {}, { dialMs: 100 }), request), failsWith('target_login_failed', /too long/));
    await assert.rejects(
      logIn(channelTo(target.port, { options: { sslmode: 'require' } }, { dialMs: 100 }), request),
      failsWith('target_login_failed', /too long/),
    );
  });

  test('A1, D33: impossible lengths, endless greetings, messages out of place', async () => {
    const impossible = [0, 3, 65_537, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff].map((length) => {
      const header = Buffer.from('R\0\0\0\0\0\0\0\0');
      header.writeUInt32BE(length, 1);
      return header;
    });
    const endless = Buffer.concat([ask(0), ...Array.from({ length: 40 }, () => message('S', 'name', 'x'.repeat(60_000)))]);
    const outOfPlace = [
      targetMessages('Z:I'),
      targetMessages('S:a:b'),
      Buffer.concat([ask(0), targetMessages('D:1')]),
      Buffer.concat([ask(0), ask(3)]),
      message('R'),
      ask(7),
      ask(12),
    ];
    for (const line of [...impossible, endless, ...outOfPlace]) {
      await using target = await hostileTarget(line);
      await assert.rejects(logIn(channelTo(target.port), request), failsWith('target_login_failed'));
      assert.ok(!Buffer.concat(target.heard).includes(password));
    }
  });

  test('halted in the middle of the login: the reason is the one given', async () => {
    await using target = await hostileTarget();
    const channel = channelTo(target.port);
    const login = logIn(channel, request);
    setTimeout(() => {
      channel.controller.abort(new GatewayError('halted', 'Halted.'));
    }, 50);
    await assert.rejects(login, failsWith('halted'));
  });

  test('random bytes: only our errors escape', async () => {
    const lines = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(ask(0), ask(10, Buffer.from('SCRAM-SHA-256\0\0')), ask(11, Buffer.from('r=x')), ask(5, Buffer.alloc(4)), targetMessages('E:28000:no')),
      ),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(lines, async (said) => {
        await using target = await hostileTarget(...said, (socket) => socket.destroy());
        try {
          const { upstream } = await logIn(channelTo(target.port, {}, { dialMs: 50 }), request);
          upstream.destroy();
        } catch (error) {
          assert.ok(error instanceof GatewayError, String(error));
        }
      }),
      { numRuns: 40 },
    );
  });
});
