import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { portOf } from '../wire/testdata/sockets.ts';
import { s3Receiver } from './s3-receiver.ts';
import { recordOf } from './testdata/record.ts';

const key = 'secret-access-key';
const objects = new Map<string, string>();
const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  void text(request).then((body) => {
    const isSigned = request.method === 'PUT' && request.headers.authorization?.endsWith(`Signature=${signatureOf(request, body)}`) === true;
    if (isSigned) {
      objects.set(request.url ?? '', body);
    }
    return response.writeHead(isSigned ? 200 : 403).end();
  });
});
before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
after(() => {
  server.closeAllConnections();
  server.close();
});

/** Computes a signature as the specification says: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureOf({ method, url, headers }: IncomingMessage, body: string): string {
  const sha256 = (of: string): string => createHash('sha256').update(of).digest('hex');
  const hmac = (of: string, by: string | Buffer): Buffer => createHmac('sha256', by).update(of).digest();
  const [, scope = '', names = ''] = /Credential=AKIA\/(\S+), SignedHeaders=([^,]+),/.exec(headers.authorization ?? '') ?? [];
  const lines = names.split(';').map((name) => `${name}:${String(headers[name])}\n`);
  const canonical = `${method}\n${url}\n\n${lines.join('')}\n${names}\n${sha256(body)}`;
  const [date = '', region = '', service = ''] = scope.split('/');
  const signing = [region, service, 'aws4_request'].reduce((by, of) => hmac(of, by), hmac(date, `AWS4${key}`));
  return hmac(`AWS4-HMAC-SHA256\n${String(headers['x-amz-date'])}\n${scope}\n${sha256(canonical)}`, signing).toString('hex');
}

test('records are objects of lines in a bucket whose server checks the signature', async () => {
  const address = { url: `http://127.0.0.1:${portOf(server)}/audit/gate/`, region: 'eu-central-1', accessKeyId: 'AKIA', caFile: null };
  const records = [7, 8].map((index) => ({ ...recordOf({ record: `log/${index}` }), index }));
  const { signal } = new AbortController();
  await using receiver = s3Receiver({ ...address, secretAccessKey: key }, ({ shown }) => shown.record);
  await receiver.send(records, signal);
  await receiver.send(records, signal);
  assert.deepEqual([...objects], [['/audit/gate/2026/11/29/log-7-8.ndjson', 'log/7\nlog/8\n']]);
  await using wrong = s3Receiver({ ...address, secretAccessKey: 'another' }, ({ shown }) => shown.record);
  await assert.rejects(wrong.send(records, signal), { message: 'The receiver answers with the status 403.' });
});
