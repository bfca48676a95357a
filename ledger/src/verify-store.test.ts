import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { flipped, type Flips } from './testdata/flip-bytes.ts';
import { commitWithCheckpoint, filesOf, writeFirstEpoch, writeGoldenStore } from './testdata/golden-store.ts';
import { boundariesOf, entriesOf, rechained, segmentsOf, variantsOf, withEntries } from './testdata/tamper.ts';
import type { Verdict } from './verdict.ts';
import { verifyStore, type StoreOptions } from './verify-store.ts';

const golden = writeGoldenStore();
const { files } = golden.writer;
const keys = [golden.writer.signer.vkey];
const segmentPaths = [...files.keys()].filter((path) => path.startsWith('journal/')).toSorted();
const tilePaths = [...files.keys()].filter((path) => path.startsWith('log/tile/'));
const otherKey = writeGoldenStore(undefined, 2).writer.signer.vkey;

type Files = ReadonlyMap<string, Buffer>;

async function verdictOf(store: Files, options: StoreOptions = { keys }): Promise<Verdict> {
  return (await verifyStore(filesOf(store), options)).verdict;
}

async function explain(store: Files, options: StoreOptions = { keys }): Promise<string> {
  const { verdict, findings } = await verifyStore(filesOf(store), options);
  return `${verdict}: ${findings.map(({ where, what }) => `${where} ${what}`).join('; ')}`;
}

function withFile(path: string, bytes: Buffer | undefined, store: Files = files): Map<string, Buffer> {
  const result = new Map(store);
  if (bytes === undefined) {
    result.delete(path);
  } else {
    result.set(path, bytes);
  }
  return result;
}

function fileOf(path: string, store: Files = files): Buffer {
  return store.get(path) ?? assert.fail(path);
}

/** The offsets of a file, in steps, by the verdict on the store with that byte flipped. */
async function flipAll(path: string, options: StoreOptions): Promise<Map<Verdict, readonly number[]>> {
  const workerData: Flips = { files, path, options };
  const worker = new Worker(new URL('./testdata/flip-bytes.ts', import.meta.url), { workerData });
  const [offsets]: readonly Map<Verdict, readonly number[]>[] = await once(worker, 'message');
  return offsets ?? assert.fail(path);
}

void test('the golden store holds, with the trusted key and with its own', async () => {
  const report = await verifyStore(filesOf(files), { keys });
  assert.deepEqual(report.findings, []);
  assert.equal(report.verdict, 'holds');
  assert.equal(report.keySource, 'given');
  assert.equal(report.closed, true);
  assert.equal(report.gatewayId, golden.writer.gatewayId);
  assert.deepEqual(report.unsigned, { leaves: 0, bytes: 0, tornBytes: 0 });
  assert.equal(report.newest?.size, golden.writer.leafHashes.length);
  assert.equal(report.newest?.lastLeafMs, golden.writer.timeMs - 10);
  const { tiles, segments, leaves, epochs, sessions, bytes } = report.counts;
  assert.deepEqual([segments, leaves, epochs, sessions, tiles], [3, 17, 2, 5, 1]);
  assert.equal(
    bytes,
    segmentPaths.reduce((sum, path) => sum + fileOf(path).length, 0),
  );
  assert.equal((await verifyStore(filesOf(files))).keySource, 'store');
  assert.equal(await verdictOf(files, {}), 'holds');
});

void test('C29: any byte of a segment flipped is integrity, but for the length of its last frame', async () => {
  for (const path of segmentPaths) {
    const offsets = await flipAll(path, { keys });
    const lastFrame = boundariesOf(fileOf(path)).at(-2) ?? 0;
    const other = [...offsets].filter(([verdict]) => verdict !== 'integrity');
    assert.deepEqual(
      other.map(([verdict]) => verdict),
      ['completeness'],
    );
    const isLength = (at: number): boolean => at >= lastFrame + 8 && at < lastFrame + 12;
    assert.ok((offsets.get('completeness') ?? []).every(isLength), path);
  }
});

void test('C29: any byte of log/checkpoint, log/key or a tile flipped is seen', async () => {
  for (const path of ['log/checkpoint', ...tilePaths]) {
    assert.deepEqual([...(await flipAll(path, { keys })).keys()], ['integrity'], path);
  }
  assert.deepEqual([...(await flipAll('log/key', { keys })).keys()], ['malformed']);
  assert.deepEqual([...(await flipAll('log/key', {})).keys()], ['trust']);
});

void test('C29: bytes of a live store up to its published checkpoint flipped are seen', async () => {
  const { writer } = writeFirstEpoch();
  const path = writer.segmentPath;
  const covered = fileOf(path, writer.files).length;
  writer.preallocate(64);
  const bytes = fileOf(path, writer.files);
  const published = boundariesOf(bytes.subarray(0, covered)).at(-2) ?? 0;
  for (let at = 0; at < published; at += 3) {
    assert.equal(await verdictOf(withFile(path, flipped(bytes, at), writer.files)), 'integrity', `offset ${at}`);
  }
  const checkpoint = fileOf('log/checkpoint', writer.files);
  for (let at = 0; at < checkpoint.length; at++) {
    const store = withFile('log/checkpoint', flipped(checkpoint, at), writer.files);
    assert.match(await verdictOf(store), /^(integrity|malformed|trust)$/, `offset ${at}`);
  }
});

void test('C29: a segment dropped is completeness, segments swapped or repeated are integrity', async () => {
  for (const [i, path] of segmentPaths.entries()) {
    assert.equal(await verdictOf(withFile(path, undefined)), 'completeness', path);
    assert.equal(await verdictOf(withFile(path, Buffer.alloc(0))), 'completeness', path);
    for (const other of segmentPaths.slice(i + 1)) {
      const swapped = withFile(path, fileOf(other)).set(other, fileOf(path));
      assert.equal(await verdictOf(swapped), 'integrity', `${path} and ${other}`);
      assert.equal(await verdictOf(withFile(path, fileOf(other))), 'integrity');
    }
    const repeated = withFile('journal/000000000004.segment', fileOf(path));
    assert.equal(await verdictOf(repeated), 'integrity', path);
  }
  assert.equal(await verdictOf(new Map([...files].filter(([path]) => !path.startsWith('journal/')))), 'completeness');
});

void test('C29: a segment cut anywhere is completeness, and bytes behind its end are integrity', async () => {
  for (const path of segmentPaths) {
    const bytes = fileOf(path);
    const checkpoint = boundariesOf(bytes).at(-2) ?? 0;
    for (const at of [
      1,
      64,
      127,
      ...boundariesOf(bytes)
        .slice(0, -1)
        .flatMap((offset) => [offset, offset + 8, offset + 40, offset + 120]),
    ]) {
      assert.equal(
        await verdictOf(withFile(path, bytes.subarray(0, at))),
        // Where the cut loses no record, only the chain tells.
        at === checkpoint && path !== segmentPaths.at(-1) ? 'integrity' : 'completeness',
        `${path} cut to ${at}`,
      );
    }
    // Zeros may follow in the last segment: it is cut after the last checkpoint is published.
    for (const [more, verdict] of [
      [Buffer.alloc(4096), path === segmentPaths.at(-1) ? 'holds' : 'integrity'],
      [Buffer.alloc(100, 1), 'integrity'],
      [bytes.subarray(128), 'integrity'],
    ] as const) {
      assert.equal(await verdictOf(withFile(path, Buffer.concat([bytes, more]))), verdict, path);
    }
  }
});

void test('C29: frames dropped, repeated or swapped with the chain recomputed do not hold', async () => {
  const segments = segmentsOf(files);
  assert.equal(await verdictOf(rechained(files, segments)), 'holds');
  for (const [i, segment] of segments.entries()) {
    for (const [n, frames] of variantsOf(segment.frames).entries()) {
      const store = rechained(files, segments.with(i, { ...segment, frames }));
      const verdict = await verdictOf(store);
      assert.match(verdict, /^(integrity|completeness)$/, `${segment.path} variant ${n}`);
    }
  }
});

void test('C29: entries dropped, repeated, swapped or changed with the chain recomputed are integrity or completeness', async () => {
  const segments = segmentsOf(files);
  for (const [i, segment] of segments.entries()) {
    for (const [f, frame] of segment.frames.entries()) {
      const entries = entriesOf(frame) ?? [];
      const stores = variantsOf(entries).filter((variant) => variant.length > 0);
      for (const [e, entry] of entries.entries()) {
        // Bytes of the leaf, of its commitments, of the headers and of the stored bodies.
        for (const at of [25, 33, 70, 101, 140, 171, entry.length - 1]) {
          stores.push(entries.with(e, flipped(entry, at)));
        }
      }
      for (const [n, variant] of stores.entries()) {
        const frames = segment.frames.with(f, withEntries(frame, variant));
        const store = rechained(files, segments.with(i, { ...segment, frames }));
        assert.match(await verdictOf(store), /^(integrity|completeness|malformed)$/, `${segment.path} frame ${f} variant ${n}`);
      }
    }
  }
});

void test('C29: a store forged from the start and signed with another key is trust, once the right key is given', async () => {
  const forged = writeGoldenStore(undefined, 2).writer.files;
  assert.equal(await verdictOf(forged), 'trust');
  assert.equal(await verdictOf(forged, {}), 'holds');
  // With the right key put beside it, it still names the wrong one on its checkpoints.
  assert.equal(await verdictOf(withFile('log/key', fileOf('log/key'), forged)), 'trust');
  assert.equal(await verdictOf(files, { keys: [otherKey] }), 'trust');
  assert.equal(await verdictOf(files, { keys: [] }), 'trust');
  // The log of another gateway, properly signed, does not pass for this one.
  assert.equal(await verdictOf(writeGoldenStore('00000000000000b8').writer.files), 'trust');
});

void test('C29: an older copy of everything is trust, given a newer checkpoint that was known', async () => {
  const old = writeFirstEpoch().writer;
  const known = golden.writer.note;
  assert.equal(await verdictOf(old.files), 'holds');
  assert.equal(await verdictOf(old.files, { keys, known }), 'trust');
  assert.equal(await verdictOf(files, { keys, known: old.note }), 'holds');
  assert.equal(await verdictOf(files, { keys, known }), 'holds');
  const otherHistory = writeFirstEpoch();
  otherHistory.writer.record(otherHistory.left, 'decision', { meta: 'x' });
  commitWithCheckpoint(otherHistory.writer);
  assert.equal(await verdictOf(files, { keys, known: otherHistory.writer.note }), 'trust');
  assert.equal(await verdictOf(files, { keys, known: writeGoldenStore(undefined, 2).writer.note }), 'trust');
  assert.equal(await verdictOf(files, { keys, known: 'no note' }), 'malformed');
});

void test('C29: log/checkpoint replaced by an older one of the same log is trust, dropped it is completeness', async () => {
  const older = Buffer.from(writeFirstEpoch().writer.note);
  assert.equal(await verdictOf(withFile('log/checkpoint', older)), 'trust');
  assert.equal(await verdictOf(withFile('log/checkpoint', undefined)), 'completeness');
  assert.equal(await verdictOf(withFile('log/key', undefined)), 'completeness');
  assert.equal(await verdictOf(withFile('log/key', undefined), {}), 'trust');
  assert.equal(await verdictOf(withFile('log/key', Buffer.from(otherKey))), 'trust');
});

void test('a store whose newest signed record is too old is trust', async () => {
  const nowMs = golden.writer.timeMs + 1000;
  const now = (): number => nowMs;
  assert.equal(await verdictOf(files, { keys, now, maxAgeMs: 2000 }), 'holds');
  assert.equal(await verdictOf(files, { keys, now, maxAgeMs: 500 }), 'trust');
});

void test('C29: tiles dropped or cut are completeness, tiles of other leaves integrity', async () => {
  const [path = ''] = tilePaths;
  const tile = fileOf(path);
  assert.equal(await verdictOf(withFile(path, undefined)), 'completeness');
  assert.equal(await verdictOf(withFile(path, tile.subarray(0, 64))), 'completeness');
  assert.equal(await verdictOf(withFile(path, Buffer.concat([tile, tile]))), 'integrity');
  assert.equal(await verdictOf(withFile('log/tile/0/000.p/18', tile)), 'completeness');
  assert.equal(await verdictOf(withFile('log/tile/0/000.p/16', tile.subarray(0, 16 * 32))), 'holds');
  assert.equal(await verdictOf(withFile('log/tile/0/000.p/16', tile.subarray(32, 17 * 32))), 'integrity');
  assert.equal(await verdictOf(withFile('log/tile/1/000.p/1', tile.subarray(0, 32))), 'completeness');
});

void test('a directory that is not a store is malformed', async () => {
  assert.equal(await verdictOf(new Map()), 'malformed');
  assert.equal(await verdictOf(new Map([['readme.txt', Buffer.from('hello')]])), 'malformed');
  assert.match(await explain(withFile(segmentPaths[0] ?? '', Buffer.alloc(200, 7))), /^integrity/);
});
