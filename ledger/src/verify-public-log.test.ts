import assert from 'node:assert/strict';
import test from 'node:test';
import { flipped } from './testdata/flip-bytes.ts';
import { commitWithCheckpoint } from './testdata/golden-store.ts';
import { StoreWriter } from './testdata/store-writer.ts';
import { verifyPublicLog, type LogOptions, type LogProgress, type LogReport } from './verify-public-log.ts';

/** A log with two levels of tiles, and the checkpoint that it had before it grew. */
function writeLog(seed?: number): { readonly files: ReadonlyMap<string, Uint8Array>; readonly vkey: string; readonly earlier: string; readonly size: number } {
  const writer = new StoreWriter(undefined, seed);
  writer.start(null);
  const grow = (count: number): void => {
    for (let i = 0; i < count; i++) {
      writer.record(writer.gateway, 'heartbeat', { meta: { sessions: 0 } });
    }
    commitWithCheckpoint(writer);
    writer.publish();
  };
  grow(300);
  const earlier = writer.note;
  grow(330);
  return { files: writer.files, vkey: writer.signer.vkey, earlier, size: writer.leafHashes.length };
}

const log = writeLog();
const other = writeLog(2);

async function verify(options: LogOptions = {}, changed: ReadonlyMap<string, Uint8Array | null> = new Map(), files = log.files): Promise<LogReport> {
  return verifyPublicLog(async (path) => {
    const change = changed.get(path);
    return Promise.resolve(change === undefined ? files.get(`log/${path}`) : (change ?? undefined));
  }, options);
}

/** The verdict, and the places of the findings. */
async function found(options: LogOptions, changed?: ReadonlyMap<string, Uint8Array | null>): Promise<readonly string[]> {
  const { verdict, findings } = await verify(options, changed);
  return [verdict, ...findings.map(({ where }) => where)];
}

function fileOf(path: string): Uint8Array {
  return log.files.get(`log/${path}`) ?? assert.fail(path);
}

void test('a log holds, begins with a checkpoint that is known, and says how far the check is', async () => {
  const progress: LogProgress[] = [];
  const report = await verify({ keys: [log.vkey], known: log.earlier, onProgress: (one) => progress.push(one) });
  assert.deepEqual([report.verdict, report.findings, report.followed, report.keySource], ['holds', [], true, 'given']);
  assert.deepEqual(report.counts, { leaves: log.size, tiles: 4, bytes: 32 * (log.size + 2) });
  assert.equal(report.signed?.size, log.size);
  assert.ok((report.knownSize ?? 0) > 256 && (report.knownSize ?? 0) < log.size);
  assert.deepEqual(progress.at(-1), { ...report.counts, size: log.size });
  assert.equal((await verify({ known: report.signed.note })).knownSize, log.size);
  assert.equal((await verify()).keySource, 'store');
});

void test('any bit of a tile, of the checkpoint or of the key that is changed is found', async () => {
  const keys = [log.vkey];
  for (const path of ['tile/0/000', 'tile/0/001', `tile/0/002.p/${log.size - 512}`, 'tile/1/000.p/2']) {
    for (let at = 0; at < fileOf(path).length; at += 97) {
      const { verdict, findings } = await verify({ keys }, new Map([[path, flipped(fileOf(path), at)]]));
      assert.equal(verdict, 'integrity', `${path} at ${at}`);
      assert.notEqual(findings.length, 0);
    }
  }
  for (const path of ['checkpoint', 'key']) {
    for (let at = 0; at < fileOf(path).length; at += 5) {
      assert.notEqual((await verify({ keys }, new Map([[path, flipped(fileOf(path), at)]]))).verdict, 'holds', `${path} at ${at}`);
    }
  }
  assert.deepEqual(await found({ keys }, new Map([['tile/0/001', flipped(fileOf('tile/0/001'), 9)]])), ['integrity', 'log/tile/1/000.p/2', 'log/checkpoint']);
});

void test('a file that is missing or cut short is found', async () => {
  const keys = [log.vkey];
  for (const path of ['tile/0/001', 'tile/1/000.p/2', 'checkpoint', 'key']) {
    assert.deepEqual(await found({ keys }, new Map([[path, null]])), ['completeness', `log/${path}`]);
  }
  assert.deepEqual(await found({ keys }, new Map([['tile/0/001', fileOf('tile/0/001').subarray(1)]])), ['completeness', 'log/tile/0/001']);
  assert.equal((await verify({ keys }, new Map([['tile/0/001', null]]))).followed, false);
});

void test('another key, an older log and another history are not trusted', async () => {
  assert.deepEqual(await found({ keys: [other.vkey] }), ['trust', 'log/key', 'log/checkpoint']);
  assert.deepEqual(await found({ known: other.earlier }), ['trust', 'known checkpoint']);
  const { signed } = await verify();
  const older = new Map([['checkpoint', new TextEncoder().encode(log.earlier)]]);
  assert.ok((await found({ known: signed?.note ?? '' }, older)).includes('known checkpoint'));
  const forked = await verify({ known: log.earlier }, new Map(), writeFork());
  assert.deepEqual([forked.verdict, forked.knownSize, forked.findings.map(({ what }) => what)], ['trust', undefined, ['is of another history']]);
});

/** The log of the same gateway, with the same key, that has another history. */
function writeFork(): ReadonlyMap<string, Uint8Array> {
  const writer = new StoreWriter();
  writer.start(null);
  for (let i = 0; i < 400; i++) {
    writer.record(writer.gateway, 'heartbeat', { meta: { sessions: 7 } });
  }
  commitWithCheckpoint(writer);
  writer.publish();
  return writer.files;
}
