import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { segmentName } from '@countersign/ledger/format';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import type { ShownStorage } from '../../gateway/src/api/endpoints/show-storage.ts';
import { s3Environment } from '../../gateway/src/archive/testdata/s3-server.ts';
import { Bucket } from '../../gateway/src/bucket/bucket.ts';
import { readBucketRecord } from '../../gateway/src/bucket/bucket-record.ts';
import { GatewayProcess, type CliResult } from '../support/gateway-process.ts';
import { RadosGateway, radosPackages, radosPrograms } from '../support/rados-gateway.ts';
import { extraCheck } from '../support/require-program.ts';
import { waitUntil } from '../support/wait-until.ts';

const answered = 'what the target answered';

describe("Ceph's server of the protocol of S3", extraCheck(radosPackages, ...radosPrograms), () => {
  let rados: RadosGateway;
  let target: SampleServer;
  let gateway: GatewayProcess;
  const sessions: string[] = [];
  before(async () => {
    rados = await RadosGateway.open();
    await rados.makeBucket('plain', { lock: false });
    await rados.makeBucket('record', { lock: true });
    target = await openServer(async (_request, response) => {
      response.end(answered);
      await Promise.resolve();
    });
    gateway = await GatewayProcess.start({ config: configOf(''), environment: s3Environment });
  });
  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await target?.[Symbol.asyncDispose]();
    await rados?.[Symbol.asyncDispose]();
  });

  const configOf = (more: string): string =>
    [
      `targets: { web: { url: "${target.url}" } }`,
      'principals: { ann: { kind: human, targets: [web] } }',
      `storage: { s3: { bucket: record, endpoint: "${rados.endpoint}", lock: compliance${more} } }`,
      '',
    ].join('\n');
  const run = async (...words: readonly string[]): Promise<CliResult> => {
    const child = gateway.spawnCli(words, s3Environment);
    const [[status], stdout, stderr] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
    return { status: Number(status), stdout, stderr };
  };
  const status = async (): Promise<ShownStorage | null> => JSON.parse(await (await gateway.api('/api/v1/storage')).text());
  const ask = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${await gateway.issueToken('ann')}`, connection: 'close' };
    const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/web/page`, { headers });
    assert.equal(await answer.text(), answered);
    sessions.push((await gateway.newest()).session);
  };
  /** Begins a new segment, so that the one before is complete. */
  const restart = async (): Promise<void> => {
    await gateway.signal('SIGTERM');
    await gateway.start();
  };
  const headOf = async (name: string): Promise<Headers> => {
    const { gatewayId } = readBucketRecord(gateway.data) ?? { gatewayId: '' };
    const answer = await rados.ask('HEAD', `/record/${gatewayId}/${name}`);
    assert.equal(answer.status, 200, name);
    return answer.headers;
  };

  test('an object that is there is not replaced, by the condition of the request alone', async () => {
    const settings = {
      bucket: 'plain',
      region: 'us-east-1',
      endpoint: rados.endpoint,
      prefix: '',
      caFile: null,
      accessKeyId: { env: 'AWS_ACCESS_KEY_ID' },
      secretAccessKey: { env: 'AWS_SECRET_ACCESS_KEY' },
      sessionToken: null,
    };
    const bucket = new Bucket(settings, { environment: s3Environment, signal: new AbortController().signal, now: Date.now });
    await bucket.add('segment', Buffer.from('one'), []);
    await bucket.add('segment', Buffer.from('one'), []);
    await assert.rejects(bucket.add('segment', Buffer.from('two'), []), { code: 'conflict' });
    assert.equal(Buffer.from((await bucket.read('segment')) ?? []).toString(), 'one');
    const stranger = new Bucket(settings, {
      environment: { ...s3Environment, AWS_SECRET_ACCESS_KEY: 'x' },
      signal: new AbortController().signal,
      now: Date.now,
    });
    await assert.rejects(stranger.read('segment'), { code: 'storage_unavailable', message: /status 403 \(SignatureDoesNotMatch\)/ });
  });

  test('segments and tiles come as they are, and segments are locked', async () => {
    await ask();
    await restart();
    await waitUntil(async () => (await status())?.kept === 1);
    const name = `journal/${segmentName(1)}`;
    const head = await headOf(name);
    assert.equal(head.get('x-amz-object-lock-mode'), 'COMPLIANCE');
    assert.ok(Date.parse(head.get('x-amz-object-lock-retain-until-date') ?? '') > Date.now());
    assert.equal(Number(head.get('content-length')), readFileSync(join(gateway.data, name)).length);
    await headOf('log/key');
    await headOf('log/checkpoint');
    assert.ok((await run('storage', 'status')).stdout.includes('it has all that is complete'));
  });

  test('while the server is away recording goes on, and then it gets all in order', async () => {
    await rados.stop();
    for (let i = 0; i < 3; i++) {
      await ask();
      await restart();
    }
    await waitUntil(async () => {
      const found = await status();
      return found?.kept === 1 && found.behindSegments === 3 && found.failure !== null;
    });
    await ask();
    await rados.start();
    await waitUntil(async () => (await status())?.kept === 4, 120_000);
    assert.equal((await status())?.behindSegments, 0);
    const times: number[] = [];
    for (let segment = 1; segment <= 4; segment++) {
      times.push(Date.parse((await headOf(`journal/${segmentName(segment)}`)).get('last-modified') ?? ''));
    }
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  test('what is dropped here is read from there', async () => {
    await gateway.signal('SIGTERM');
    gateway.configure(configOf(', keepLocal: { bytes: 0 }'));
    await gateway.start();
    await gateway.whenIndexed();
    await waitUntil(async () => (await status())?.dropped === 5);
    assert.deepEqual(readdirSync(join(gateway.data, 'journal')), [segmentName(6)]);
    assert.match(JSON.stringify(await gateway.records(sessions[0] ?? '')), new RegExp(answered));
    const { status: code, stdout } = await run('verify', '--data', gateway.data, '--storage');
    assert.equal(code, 0, stdout);
  });

  test('with the bucket and the keys alone the store is made again', async () => {
    await restart();
    await waitUntil(async () => (await status())?.kept === 6);
    await gateway.signal('SIGTERM');
    const lost = join(gateway.directory, 'lost');
    renameSync(gateway.data, lost);
    mkdirSync(gateway.data);
    for (const name of ['keys.db', 'root.key', 'identity.db']) {
      cpSync(join(lost, name), join(gateway.data, name));
    }
    gateway.configure(configOf(''));
    const restored = await run('storage', 'restore');
    assert.equal(restored.status, 0, restored.stderr);
    assert.match(restored.stdout, /6 complete segments, of which 0 are left in the bucket/);
    // The bucket has nothing of the segment that was written to last, and the key store knows that there was one.
    await assert.rejects(gateway.start(), /--accept-rollback/);
    await gateway.start(['--accept-rollback']);
    for (const session of sessions) {
      assert.match(JSON.stringify(await gateway.records(session)), new RegExp(answered));
    }
    await gateway.signal('SIGTERM');
    const { status: code, stdout } = await run('verify', '--data', gateway.data, '--storage');
    assert.equal(code, 0, stdout);
  });
});
