import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type TLSSocket } from 'node:tls';
import { test } from 'node:test';
import { makeCertificate } from '../wire/testdata/certificates.ts';
import { portOf } from '../wire/testdata/sockets.ts';
import { syslogReceiver } from './syslog-receiver.ts';
import { recordOf } from './testdata/record.ts';

test('D33: a receiver that takes the connection and reads nothing fails, and holds up no end', { timeout: 120_000 }, async () => {
  const { certificate, key, certificateFile } = makeCertificate();
  const sockets: TLSSocket[] = [];
  const server = createServer({ cert: certificate, key }, (socket) => {
    sockets.push(socket.on('error', () => undefined).pause());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const long = 'x'.repeat(32 * 1024 * 1024);
  const address = { host: '127.0.0.1', port: portOf(server), caFile: certificateFile };
  try {
    const { signal } = new AbortController();
    await using stalled = syslogReceiver(address, () => long, 100);
    await assert.rejects(stalled.send([recordOf({})], signal), /does not take/);
    const leaving = new AbortController();
    await using left = syslogReceiver(address, () => long, 100);
    const sending = left.send([recordOf({})], leaving.signal);
    await once(server, 'secureConnection');
    leaving.abort();
    await assert.rejects(sending);
  } finally {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  }
});
