import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after as afterAll, test } from 'node:test';
import { verifyStore, type StoreReport } from '@countersign/ledger';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { Bucket } from '../bucket/bucket.ts';
import { readBucketRecord } from '../bucket/bucket-record.ts';
import { tailObject } from '../bucket/object-names.ts';
import { filesWithBucket } from '../bucket/files-with-bucket.ts';
import type { StorageSettings } from '../domain/storage.ts';
import { restoreFromBucket } from '../offline/restore-from-bucket.ts';
import { FrameFinder, findSegment, isPlacedFrame, journalStart, readJournal } from '../recording/journal-reader.ts';
import { firstIndexOf } from '../recording/segment-files.ts';
import { SigningRotation } from '../recording/signing-rotation.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import type { ArchiveState } from './archive-state.ts';
import { Archiver } from './archiver.ts';
import { findPieces, removePieces, TailSender } from './tail-sender.ts';
import { s3Environment, SmallS3Server } from './testdata/s3-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-archive-'));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});
// Who reads what is only in the bucket has the credentials in the environment.
Object.assign(process.env, s3Environment);
const segmentBytes = 256 * 1024;

/** Records some segments. */
async function record(data: string): Promise<string> {
  mkdirSync(data, { recursive: true });
  const { recorder, keys } = await openRecorder(data, { segmentBytes });
  const track = recorder.openSession();
  for (let i = 0; i < 32; i++) {
    recorder.append(track, { kind: 'request', meta: '{}', content: [randomBytes(30_000)] });
  }
  await recorder.publish();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  return recorder.gatewayId;
}

function settingsOf({ endpoint }: SmallS3Server, more: Partial<StorageSettings> = {}): StorageSettings {
  return {
    bucket: 'record',
    region: 'us-east-1',
    endpoint,
    prefix: 'audit/',
    caFile: null,
    accessKeyId: { env: 'AWS_ACCESS_KEY_ID' },
    secretAccessKey: { env: 'AWS_SECRET_ACCESS_KEY' },
    sessionToken: null,
    lock: null,
    keepLocal: { days: null, bytes: null },
    behindMs: 1000,
    ...more,
  };
}

/** Lets an archiver run until its state is as wanted. */
async function archive(data: string, settings: StorageSettings, gatewayId: string, until: (state: ArchiveState) => boolean): Promise<ArchiveState> {
  const leaving = new AbortController();
  const states: ArchiveState[] = [];
  const archiver = new Archiver({
    data,
    settings,
    gatewayId,
    bucket: new Bucket(settings, { environment: s3Environment, signal: leaving.signal, now: Date.now }),
    lock: settings.lock === null ? null : { mode: settings.lock, days: 400 },
    signal: leaving.signal,
    now: Date.now,
    indexed: () => Infinity,
    tailFailure: () => null,
    onState: (state) => states.push(state),
  });
  const running = archiver.run();
  await waitUntil(() => states.some(until), 60_000);
  leaving.abort();
  await running;
  const last = states.findLast(until);
  assert.ok(last !== undefined);
  return last;
}

/** Returns how far a store can be followed: its places and chain values. */
async function framesOf(data: string): Promise<string[]> {
  const frames: string[] = [];
  for await (const step of readJournal(data, journalStart)) {
    frames.push(isPlacedFrame(step) ? `${step.place.segment}/${step.place.offset} ${Buffer.from(step.frame.chain).toString('hex')}` : step.what);
  }
  return frames;
}

test('segments and tiles are in the bucket as they are, a copy of it is a store that holds, and what is dropped here is read from there', async () => {
  const data = join(directory, 'whole');
  await using server = await SmallS3Server.open();
  const gatewayId = await record(data);
  const before = await framesOf(data);
  const segments = readdirSync(join(data, 'journal')).length;
  assert.ok(segments > 4, `${segments} segments`);

  await archive(data, settingsOf(server, { lock: 'compliance' }), gatewayId, ({ kept }) => kept === segments - 1);
  const first = server.objects.get(`audit/${gatewayId}/journal/000000000001.segment`);
  assert.deepEqual(first?.bytes, readFileSync(join(data, 'journal', '000000000001.segment')));
  assert.equal(first.headers['x-amz-object-lock-mode'], 'COMPLIANCE');
  const copy = join(directory, 'copy');
  for (const [name, { bytes }] of server.objects) {
    const file = join(copy, name.replace(`audit/${gatewayId}/`, ''));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  const copied = await verifyStore(openStoreFiles(copy), { keys: [readFileSync(join(data, 'log', 'key'), 'utf8').trim()] });
  assert.deepEqual(copied.findings, []);
  assert.equal(copied.counts.segments, segments - 1);

  const settings = settingsOf(server, { keepLocal: { days: null, bytes: 0 } });
  const { dropped } = await archive(data, settings, gatewayId, ({ dropped: gone }) => gone === segments - 1);
  assert.equal(readdirSync(join(data, 'journal')).length, segments - dropped);
  assert.deepEqual(await framesOf(data), before);
  assert.ok(readdirSync(join(data, 'fetched')).length <= 8);
  assert.equal((await findSegment(data, 0)).segment, 1);
  using finder = new FrameFinder(data);
  const [place = '', chain] = before[0]?.split(' ') ?? [];
  const frame = await finder.find({ segment: 1, offset: Number(place.split('/')[1]) }, Number(before[1]?.split(' ')[0]?.split('/')[1]));
  assert.equal(Buffer.from(frame?.chain ?? []).toString('hex'), chain);

  const known = readBucketRecord(data);
  assert.ok(known !== null);
  assert.deepEqual((await verifyStore(openStoreFiles(data))).findings[0]?.what, 'segment missing');
  const report = await verifyStore(filesWithBucket(openStoreFiles(data), known));
  assert.deepEqual(report.findings, []);
  assert.equal(report.counts.segments, segments);

  // A start goes on behind what is only in the bucket, also where it has to read the journal from its beginning.
  rmSync(join(data, 'recovery'));
  rmSync(join(data, 'fetched'), { recursive: true });
  assert.equal(await record(data), gatewayId);
  assert.deepEqual((await verifyStore(filesWithBucket(openStoreFiles(data), known))).findings, []);
  server.failing = 503;
  rmSync(join(data, 'fetched'), { recursive: true });
  await assert.rejects(framesOf(data), { code: 'storage_unavailable', message: /answers with the status 503 \(SlowDown\)/ });
});

test('however often it is ended, all is in the bucket once, in order; a bucket that does not answer is waited for, and nothing there is replaced', async () => {
  const data = join(directory, 'ended');
  await using server = await SmallS3Server.open();
  const gatewayId = await record(data);
  const segments = readdirSync(join(data, 'journal')).length;
  const settings = settingsOf(server);
  server.failing = 503;
  const behind = await archive(data, settings, gatewayId, ({ failure }) => failure !== null);
  assert.equal(behind.behindSegments, segments - 1);
  assert.ok(behind.behindBytes > (segments - 2) * 100_000 && behind.behindSinceMs !== null);
  server.failing = null;
  // Each time the server fails after one object more. Then it has all.
  for (let objects = 0; server.objects.size < objects || objects === 0 || (readBucketRecord(data)?.kept ?? 0) < segments - 1; objects += 2) {
    server.failAfter = objects;
    await archive(data, settings, gatewayId, ({ failure, behindSegments }) => failure !== null || behindSegments === 0);
  }
  const sent = server.sent.filter((name) => name.endsWith('.segment'));
  assert.deepEqual(sent, [...new Set(sent)].toSorted());
  assert.equal(sent.length, segments - 1);

  await record(data);
  const other = Buffer.from('of another store');
  const name = `audit/${gatewayId}/journal/${String(segments).padStart(12, '0')}.segment`;
  server.objects.set(name, { bytes: other, headers: { 'x-amz-meta-sha256': createHash('sha256').update(other).digest('hex') } });
  server.failAfter = Infinity;
  const refused = await archive(data, settings, gatewayId, ({ failure }) => failure !== null);
  assert.match(refused.failure ?? '', /is another object than the one here, and none is replaced/);
  assert.equal(server.objects.get(name)?.bytes, other);
});

test('what waits for the bucket is released when all before it is there, also across segments, and what was perhaps sent is sent again', async () => {
  const data = join(directory, 'remote');
  mkdirSync(data);
  await using server = await SmallS3Server.open();
  const { recorder, keys } = await openRecorder(data, { segmentBytes });
  const { gatewayId } = recorder;
  const leaving = new AbortController();
  const bucket = new Bucket(settingsOf(server), { environment: s3Environment, signal: leaving.signal, now: Date.now });
  const failures: (string | null)[] = [];
  const sender = new TailSender({
    data,
    gatewayId,
    bucket,
    signal: leaving.signal,
    kept: () => 0,
    onAccepted: (place) => {
      recorder.remote.accept(place);
    },
    onFailure: (reason) => failures.push(reason),
  });
  recorder.remote.sendBy((durable) => {
    sender.send(durable);
  });
  const track = recorder.openSession();
  const released: number[] = [];
  for (let i = 0; i < 20; i++) {
    // Some are taken, and their answers are lost.
    server.loseAnswer = i % 5 === 1;
    recorder.append(track, { kind: 'request', meta: '{}', content: [randomBytes(30_000)] });
    const { promise, resolve } = Promise.withResolvers<void>();
    // Later something else may be on the disk, as a checkpoint, and not in the bucket.
    let { segment, offset } = recorder.durable;
    recorder.whenCommitted('disk', () => {
      ({ segment, offset } = recorder.durable);
    });
    recorder.whenCommitted('remote', () => {
      released.push(i);
      resolve();
    });
    await promise;
    const { bytes } = await findPieces(bucket, gatewayId, segment);
    assert.ok(bytes >= offset && offset > 0, 'the bucket has it');
  }
  assert.deepEqual(
    released,
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.ok(failures.some((reason) => reason !== null));
  const segments = readdirSync(join(data, 'journal')).length;
  assert.ok(segments > 2);
  for (let segment = 1; segment < segments; segment++) {
    const { offsets } = await findPieces(bucket, gatewayId, segment);
    const pieces = await Promise.all(offsets.map(async (offset) => bucket.read(tailObject(gatewayId, segment, offset))));
    const name = `${String(segment).padStart(12, '0')}.segment`;
    assert.deepEqual(Buffer.concat(pieces.map((piece) => piece ?? Buffer.alloc(0))), readFileSync(join(data, 'journal', name)));
  }

  // The machine is lost, and there are the keys and the bucket.
  const restored = join(directory, 'restored');
  mkdirSync(restored);
  for (const name of ['keys.db', 'root.key']) {
    cpSync(join(data, name), join(restored, name));
  }
  const made = await restoreFromBucket(restored, settingsOf(server), { environment: s3Environment });
  assert.deepEqual([made.gatewayId, made.segments, made.left], [gatewayId, 0, 0]);
  const before = await framesOf(data);
  const after = await framesOf(restored);
  assert.ok(after.length > 40);
  assert.deepEqual(after, before.slice(0, after.length));
  await assert.rejects(restoreFromBucket(restored, settingsOf(server), { environment: s3Environment }), { code: 'conflict' });
  await record(restored);
  assert.deepEqual((await verifyStore(openStoreFiles(restored))).findings, []);

  await removePieces(bucket, gatewayId, 1);
  assert.deepEqual(
    [...server.objects.keys()].filter((name) => name.includes('/tail/000000000001/')),
    [],
  );
  leaving.abort();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
});

test('a bucket that says what cannot be is not followed without an end, and nothing is removed here for it', async () => {
  const data = join(directory, 'told');
  await using server = await SmallS3Server.open();
  const gatewayId = await record(data);
  const complete = readdirSync(join(data, 'journal')).length - 1;
  const bucket = new Bucket(settingsOf(server), { environment: s3Environment, signal: new AbortController().signal, now: Date.now });
  await bucket.replace(tailObject(gatewayId, 1, 0), Buffer.from('a piece'));
  server.toldBytes = null;
  await assert.rejects(findPieces(bucket, gatewayId, 1), { code: 'storage_unavailable', message: /does not say how many bytes .*\/tail\/000000000001\/0 has/ });
  server.toldBytes = 16 * 1024 * 1024;
  server.hasAll = true;
  await assert.rejects(findPieces(bucket, gatewayId, 1), { code: 'storage_unavailable', message: /more pieces of segment 1 than a segment can have/ });
  const restored = join(directory, 'told-restored');
  mkdirSync(restored);
  for (const name of ['keys.db', 'root.key']) {
    cpSync(join(data, name), join(restored, name));
  }
  await assert.rejects(restoreFromBucket(restored, settingsOf(server), { environment: s3Environment }), {
    code: 'storage_unavailable',
    message: /says that it has more than 4194304 segments/,
  });
  server.hasAll = false;
  server.toldBytes = undefined;

  await archive(data, settingsOf(server), gatewayId, ({ kept }) => kept === complete);
  const name = `audit/${gatewayId}/journal/000000000001.segment`;
  const whole = server.objects.get(name);
  assert.ok(whole !== undefined);
  server.objects.set(name, { ...whole, bytes: whole.bytes.subarray(0, -1) });
  const few = settingsOf(server, { keepLocal: { days: null, bytes: 0 } });
  const { failure, dropped } = await archive(data, few, gatewayId, (state) => state.failure !== null);
  assert.match(failure ?? '', /is another object than the one here/);
  assert.equal(dropped, 0);
  assert.equal(readdirSync(join(data, 'journal')).length, complete + 1);

  const note = readFileSync(join(data, 'bucket.json'), 'utf8');
  writeFileSync(join(data, 'bucket.json'), note.replace('"dropped": 0', '"dropped": 4294967295'));
  assert.throws(() => readBucketRecord(data), { code: 'store_damaged' });
});

test('another segment in the place of one that is only in the bucket is in no file here, and the right one is read once it is back', async () => {
  const data = join(directory, 'swapped');
  await using server = await SmallS3Server.open();
  const gatewayId = await record(data);
  const before = await framesOf(data);
  const complete = readdirSync(join(data, 'journal')).length - 1;
  await archive(data, settingsOf(server, { keepLocal: { days: null, bytes: 0 } }), gatewayId, ({ dropped }) => dropped === complete);
  const objectOf = (segment: number): string => `audit/${gatewayId}/journal/00000000000${segment}.segment`;
  const [first, second] = [server.objects.get(objectOf(1)), server.objects.get(objectOf(2))];
  assert.ok(first !== undefined && second !== undefined);
  const confused = { code: 'storage_unavailable', message: /gives segment 2 of the gateway [0-9a-f]{16} for segment 1 of/ };
  server.objects.set(objectOf(1), second);
  await assert.rejects(framesOf(data), confused);
  await assert.rejects(firstIndexOf(data, 1), confused);
  server.objects.set(objectOf(1), { bytes: Buffer.from('not a segment'), headers: {} });
  await assert.rejects(framesOf(data), { code: 'storage_unavailable', message: /gives something that is no segment for segment 1/ });
  server.objects.set(objectOf(1), second);
  const restored = join(directory, 'swapped-restored');
  mkdirSync(restored);
  for (const name of ['keys.db', 'root.key']) {
    cpSync(join(data, name), join(restored, name));
  }
  await assert.rejects(restoreFromBucket(restored, settingsOf(server), { environment: s3Environment }), confused);
  assert.ok(!existsSync(join(restored, 'journal')));
  server.objects.set(objectOf(1), first);
  assert.deepEqual(await framesOf(data), before);
  assert.equal((await restoreFromBucket(restored, settingsOf(server), { environment: s3Environment })).segments, complete);
});

test('of a log whose key was rotated, a copy of the bucket holds after each segment, by the first key', async () => {
  const data = join(directory, 'rotated');
  await using server = await SmallS3Server.open();
  mkdirSync(data, { recursive: true });
  const { recorder, keys } = await openRecorder(data, { segmentBytes });
  const first = readFileSync(join(data, 'log', 'key'), 'utf8').trim();
  const track = recorder.openSession();
  const fill = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      recorder.append(track, { kind: 'request', meta: '{}', content: [randomBytes(30_000)] });
    }
    await recorder.publish();
  };
  const copyOfBucket = async (): Promise<StoreReport> => {
    const copy = mkdtempSync(join(directory, 'copy-'));
    for (const [name, { bytes }] of server.objects) {
      const file = join(copy, name.replace(`audit/${recorder.gatewayId}/`, ''));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
    return verifyStore(openStoreFiles(copy), { keys: [first] });
  };
  const rotation = new SigningRotation({ keys, recorder });
  const complete = (): number => readdirSync(join(data, 'journal')).length - 1;
  await fill(16);
  await rotation.rotate();
  const before = complete();
  await archive(data, settingsOf(server), recorder.gatewayId, ({ kept }) => kept === before);
  const early = await copyOfBucket();
  assert.deepEqual([early.findings, early.counts.segments], [[], before]);
  assert.equal(server.objects.get(`audit/${recorder.gatewayId}/log/keys`), undefined, 'the handover is in no complete segment yet');
  await fill(16);
  await rotation.rotate();
  const after = complete();
  await archive(data, settingsOf(server), recorder.gatewayId, ({ kept }) => kept === after);
  const late = await copyOfBucket();
  assert.deepEqual([late.findings, late.counts.segments], [[], after]);
  const ring = server.objects.get(`audit/${recorder.gatewayId}/log/keys`)?.bytes.toString() ?? '';
  assert.ok(ring.length > 0 && readFileSync(join(data, 'log', 'keys'), 'utf8').startsWith(ring.trimEnd()));
  assert.notEqual(ring, readFileSync(join(data, 'log', 'keys'), 'utf8'));
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
});
