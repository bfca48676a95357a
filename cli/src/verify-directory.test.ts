import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';
import { openSource } from './session-source.ts';
import { verifyDirectory } from './verify-directory.ts';

test('a store that somebody hands over has no secret of who verifies it sent to a bucket of their own', async (t) => {
  const received: string[] = [];
  const server = createServer((request, response) => {
    received.push(JSON.stringify(request.rawHeaders));
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const data = mkdtempSync(join(tmpdir(), 'countersign-verified-'));
  t.after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(data, { recursive: true, force: true });
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'COUNTERSIGN_TOKEN']) {
      Reflect.deleteProperty(process.env, name);
    }
  });
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'key', COUNTERSIGN_TOKEN: 'the secret token' });
  const secret = join(data, 'secret');
  writeFileSync(secret, 'the secret file');
  mkdirSync(join(data, 'journal'));
  const bucket = { bucket: 'record', region: 'us-east-1', endpoint: `http://127.0.0.1:${portOf(server)}`, prefix: '', caFile: null };
  const own = { accessKeyId: { env: 'AWS_ACCESS_KEY_ID' }, secretAccessKey: { env: 'AWS_SECRET_ACCESS_KEY' }, sessionToken: null };
  const verify = async (secrets: object): Promise<unknown> => {
    const record = { gatewayId: '0123456789abcdef', bucket: { ...bucket, ...own, ...secrets }, kept: 1, keptLeaves: 0, dropped: 1 };
    writeFileSync(join(data, 'bucket.json'), JSON.stringify(record));
    return verifyDirectory({ config: 'countersign.yaml', data, key: [], storage: true, bodies: false });
  };
  for (const [secrets, named] of [
    [{ accessKeyId: { file: secret } }, secret],
    [{ accessKeyId: { env: 'COUNTERSIGN_TOKEN' } }, 'COUNTERSIGN_TOKEN'],
    [{ secretAccessKey: { env: 'COUNTERSIGN_TOKEN' } }, 'COUNTERSIGN_TOKEN'],
    [{ sessionToken: { file: secret } }, secret],
  ] as const) {
    await assert.rejects(verify(secrets), (error: Error) => error.message.includes(`${named} sent to`) && error.message.includes('AWS_ACCESS_KEY_ID'));
    await assert.rejects(openSource({ config: 'countersign.yaml', data }), /only AWS_ACCESS_KEY_ID/);
  }
  assert.equal(received.length, 0);
  await verify({});
  assert.ok(received.length > 0 && received.every((headers) => headers.includes('AKIAEXAMPLE') && !headers.includes('the secret')));
});

test('a pipe in the place of a file of a store does not stop who verifies it', (t) => {
  for (const name of ['root.key', 'bucket.json', 'log/key', 'log/checkpoint']) {
    const data = mkdtempSync(join(tmpdir(), 'countersign-piped-'));
    t.after(() => {
      rmSync(data, { recursive: true, force: true });
    });
    mkdirSync(join(data, 'journal'));
    mkdirSync(join(data, 'log'));
    writeFileSync(join(data, 'keys.db'), '');
    assert.equal(spawnSync('mkfifo', ['-m', '600', join(data, name)]).status, 0);
    const main = join(import.meta.dirname, 'main.ts');
    const { signal, status } = spawnSync(process.execPath, [main, 'verify', '--data', data], { timeout: 60_000, encoding: 'utf8' });
    assert.equal(signal, null, name);
    assert.ok(status !== null && status > 0, name);
  }
});
