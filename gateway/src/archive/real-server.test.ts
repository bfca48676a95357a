import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extraCheck } from '../../../tests/support/require-program.ts';
import { Bucket } from '../bucket/bucket.ts';
import { openVersityServer, s3Environment } from './testdata/s3-server.ts';

test('versitygw takes what is sent once, gives it back, and keeps what is locked', extraCheck('versitygw', 'versitygw'), async () => {
  await using server = await openVersityServer();
  const settings = {
    bucket: 'record',
    region: 'us-east-1',
    endpoint: server.endpoint,
    prefix: 'audit/',
    caFile: null,
    accessKeyId: { env: 'AWS_ACCESS_KEY_ID' },
    secretAccessKey: { env: 'AWS_SECRET_ACCESS_KEY' },
    sessionToken: null,
  };
  const { signal } = new AbortController();
  const bucket = new Bucket(settings, { environment: s3Environment, signal, now: Date.now });
  const bytes = Buffer.from('a segment of some length');
  const untilMs = Date.now() + 86_400_000;
  assert.equal(await bucket.find('x/journal/1'), null);
  assert.equal(await bucket.read('x/journal/1'), null);
  await bucket.keep('x/journal/1', bytes, { mode: 'compliance', untilMs });
  await bucket.keep('x/journal/1', bytes, null);
  await bucket.add('x/journal/1', bytes, []);
  await bucket.require('x/journal/1', bytes);
  await assert.rejects(bucket.keep('x/journal/1', Buffer.from('another'), null), { code: 'conflict' });
  await assert.rejects(bucket.add('x/journal/1', Buffer.from('another'), []), { code: 'conflict' });
  assert.deepEqual(Buffer.from((await bucket.read('x/journal/1')) ?? []), bytes);
  assert.deepEqual(Buffer.from((await bucket.readBeginning('x/journal/1', 9)) ?? []).toString(), 'a segment');
  await bucket.replace('x/log/checkpoint', Buffer.from('one'));
  await bucket.replace('x/log/checkpoint', Buffer.from('two'));
  assert.equal(Buffer.from((await bucket.read('x/log/checkpoint')) ?? []).toString(), 'two');
  await bucket.remove('x/log/checkpoint');
  await bucket.remove('x/log/checkpoint');
  assert.equal(await bucket.find('x/log/checkpoint'), null);
  const stranger = new Bucket(settings, { environment: { ...s3Environment, AWS_SECRET_ACCESS_KEY: 'wrong' }, signal, now: Date.now });
  await assert.rejects(stranger.read('x/journal/1'), { code: 'storage_unavailable', message: /status 403 \(SignatureDoesNotMatch\)/ });
});
