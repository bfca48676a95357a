import { strict as assert } from 'node:assert';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { createServer as createTlsServer, TLSSocket, createSecureContext } from 'node:tls';
import { Grant } from '../domain/grant.ts';
import { makeCertificate, type TestCertificate } from './testdata/certificates.ts';
import { Inbox, portOf, TestServer } from './testdata/sockets.ts';
import { UpstreamConnection } from './upstream-connection.ts';

const own = makeCertificate();
const other = makeCertificate();
const elsewhere = makeCertificate(undefined, 'DNS:elsewhere.test,IP:192.0.2.1');

async function dial(place: { readonly host: string; readonly port: number }, dialMs = 2000): Promise<UpstreamConnection> {
  return UpstreamConnection.dial({ ...place, options: {} }, { dialMs });
}

async function dialTls(certificate: TestCertificate, host: string, mode: 'require' | 'verify-full', caFile?: string): Promise<UpstreamConnection> {
  await using server = await TestServer.open((socket) => {
    answerTls(socket, certificate);
  });
  const upstream = await dial({ host, port: server.port });
  try {
    await upstream.startTls({ mode, ...(caFile === undefined ? {} : { caFile }) });
    upstream.greet(Buffer.from('ping'));
    assert.equal((await upstream.read(2000))?.toString(), 'ping');
    return upstream;
  } finally {
    upstream.destroy();
  }
}

function answerTls(socket: Socket, { certificate, key }: TestCertificate): void {
  const secured = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ cert: certificate, key }) });
  secured.on('error', () => undefined);
  secured.on('data', (bytes: Buffer) => {
    secured.write(bytes);
  });
}

test('a grant of several pieces is sent whole and in order, once', async () => {
  const accepted = Promise.withResolvers<Socket>();
  await using server = await TestServer.open(accepted.resolve);
  const upstream = await dial({ host: '127.0.0.1', port: server.port });
  const inbox = new Inbox(await accepted.promise);
  const grant = new Grant([Buffer.from('one '), Buffer.from('two '), Buffer.from('three')]);
  upstream.forward(grant);
  upstream.forward(new Grant([Buffer.from(' four')]));
  assert.throws(() => {
    upstream.forward(grant);
  }, /spent once/);
  upstream.end();
  assert.equal(await inbox.untilEnd(), 'one two three four');
});

test('require encrypts without looking at the certificate; verify-full checks chain and name', async () => {
  assert.equal((await dialTls(own, '127.0.0.1', 'require')).isEncrypted, true);
  await dialTls(own, '127.0.0.1', 'verify-full', own.certificateFile);
  await dialTls(own, 'localhost', 'verify-full', own.certificateFile);
  await assert.rejects(dialTls(own, 'localhost', 'verify-full'), { code: 'target_tls_failed', message: /self-signed/ });
  await assert.rejects(dialTls(own, 'localhost', 'verify-full', other.certificateFile), { code: 'target_tls_failed' });
  const mistaken = { code: 'target_tls_failed', message: /is not in the cert's/ };
  await assert.rejects(dialTls(elsewhere, 'localhost', 'verify-full', elsewhere.certificateFile), mistaken);
  await assert.rejects(dialTls(elsewhere, '127.0.0.1', 'verify-full', elsewhere.certificateFile), mistaken);
  await assert.rejects(dialTls(own, 'localhost', 'verify-full', '/nowhere/ca.pem'), {
    code: 'target_tls_failed',
    message: /\/nowhere\/ca\.pem/,
  });
});

test('tls-server-end-point is the hash that the signature of the certificate names', async () => {
  const cases: readonly (readonly [readonly string[], string | null])[] = [
    [['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha256'], 'sha256'],
    [['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha384'], 'sha384'],
    [['-newkey', 'rsa:2048', '-sha512'], 'sha512'],
    [['-newkey', 'ed25519'], null],
  ];
  await Promise.all(
    cases.map(async ([kind, algorithm]) => {
      const made = makeCertificate(kind);
      await using server = await TestServer.open((socket) => {
        answerTls(socket, made);
      });
      const upstream = await dial({ host: 'localhost', port: server.port });
      assert.equal(upstream.tlsServerEndPoint(), null);
      await upstream.startTls({ mode: 'require' });
      const expected = algorithm === null ? null : createHash(algorithm).update(new X509Certificate(made.certificate).raw).digest();
      assert.deepEqual(upstream.tlsServerEndPoint(), expected);
      upstream.destroy();
    }),
  );
  // SHA-1 is replaced (RFC 5929, 4.1). OpenSSL's own level of security would not serve such a certificate.
  const weak = makeCertificate(['-newkey', 'rsa:2048', '-sha1']);
  const server = createTlsServer({ cert: weak.certificate, key: weak.key, ciphers: 'DEFAULT@SECLEVEL=0' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream = await dial({ host: '127.0.0.1', port: portOf(server) });
  await upstream.startTls({ mode: 'require' });
  assert.deepEqual(upstream.tlsServerEndPoint(), createHash('sha256').update(new X509Certificate(weak.certificate).raw).digest());
  upstream.destroy();
  server.close();
});

test('A2: bytes in the clear behind the answer to a request for TLS are refused', async () => {
  await using server = await TestServer.open((socket) => {
    socket.write('Sinjected');
    answerTls(socket, own);
  });
  const upstream = await dial({ host: '127.0.0.1', port: server.port });
  const bytes = await upstream.read(2000);
  assert.equal(bytes?.toString(), 'Sinjected');
  upstream.unread(bytes.subarray(1));
  await assert.rejects(upstream.startTls({ mode: 'require' }), { code: 'target_tls_failed', message: /unencrypted bytes/ });
  await upstream.closed;
});

test('a target that stops within the handshake fails it at the limit', async () => {
  await using server = await TestServer.open(() => undefined);
  const upstream = await dial({ host: '127.0.0.1', port: server.port }, 100);
  await assert.rejects(upstream.startTls({ mode: 'require' }), { code: 'target_tls_failed', message: /within 0.1 s/ });
  await upstream.closed;
});
