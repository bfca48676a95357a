import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { test } from 'node:test';
import { makeCertificate } from '../wire/testdata/certificates.ts';
import { post } from './post.ts';
import { portOf } from '../wire/testdata/sockets.ts';

test('A10: a receiver at a link-local address, where a cloud serves credentials, is not dialled', async () => {
  for (const host of ['169.254.169.254', '[::ffff:169.254.169.254]', '[fe80::1]', '0xa9fea9fe']) {
    const url = new URL(`https://${host}/hook`);
    await assert.rejects(
      post(url, [], { body: '{}', signal: AbortSignal.timeout(60_000) }),
      { code: 'target_unreachable', message: /link-local.* and for no sink\.$/ },
      host,
    );
  }
});

test('a receiver with a certificate of a private authority is told only where its caFile names that authority', async () => {
  const [authority, other] = [makeCertificate(), makeCertificate()];
  const signed = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-CA', authority.certificateFile, '-CAkey', authority.keyFile];
  const own = makeCertificate(signed);
  const heard: string[] = [];
  const server = createServer({ key: own.key, cert: own.certificate }, (request, response) => {
    heard.push(request.url ?? '');
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const url = new URL(`https://localhost:${portOf(server)}/hook`);
    const send = async (caFile?: string): Promise<number> => (await post(url, [], { body: '{}', signal: AbortSignal.timeout(60_000), caFile })).status;
    assert.equal(await send(authority.certificateFile), 204);
    await assert.rejects(send(), {
      code: 'target_tls_failed',
      message: /unable to verify.*: name the authority of its certificate in the configuration, as sslrootcert or caFile\.$/,
    });
    await assert.rejects(send(other.certificateFile), { code: 'target_tls_failed' });
    await assert.rejects(send(`${authority.certificateFile}.gone`), {
      code: 'target_tls_failed',
      message: /certificate\.pem\.gone cannot be read as certificates/,
    });
    assert.deepEqual(heard, ['/hook']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
