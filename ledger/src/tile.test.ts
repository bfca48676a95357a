import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts';
import { leafHash } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { parseVerifierKey, verifyNote } from './note.ts';
import { verifyConsistency, verifyInclusion } from './proof.ts';
import { sha, StoreWriter, treeHash } from './testdata/store-writer.ts';
import { bytesOf, readVectorLines } from './testdata/vectors.ts';
import { decodeEntryBundle, entryBundlePath, parseTilePath, tilePath, TileReader, tilesOf } from './tile.ts';

void test('paths are those of c2sp.org/tlog-tiles, and read back', () => {
  assert.equal(tilePath(0, 1_234_067), 'tile/0/x001/x234/067');
  assert.equal(tilePath(1, 0, 17), 'tile/1/000.p/17');
  assert.equal(entryBundlePath(1000, 3), 'tile/entries/x001/000.p/3');
  for (const [level, index, width] of [
    [0, 0, 256],
    [0, 999, 1],
    [3, 1000, 255],
    [63, 1_234_067, 256],
  ] as const) {
    assert.deepEqual(parseTilePath(tilePath(level, index, width)), { level, index, width });
  }
  for (const path of [
    'tile/00/000',
    'tile/64/000',
    'tile/0/0',
    'tile/0/x000/000',
    'tile/0/001/000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/000.tmp',
    '/tile/0/000',
    'tile/entries/000',
    'tile/0/x999/x999/x999/x999/x999/x999/999',
  ]) {
    assert.equal(parseTilePath(path), undefined, path);
  }
});

void test('a tree of 70,000 leaves has the tiles of the specification', () => {
  const tiles = [...tilesOf(70_000)];
  const count = (level: number, full: boolean): number => tiles.filter((tile) => tile.level === level && (tile.width === 256) === full).length;
  assert.deepEqual([count(0, true), count(0, false), count(1, true), count(1, false), count(2, false), tiles.length], [273, 1, 1, 1, 1, 277]);
  assert.deepEqual(
    tiles.filter(({ width }) => width < 256).map(({ width }) => width),
    [112, 17, 1],
  );
  assert.deepEqual(
    [...tilesOf(256)].map(({ level, width }) => [level, width]),
    [
      [0, 256],
      [1, 1],
    ],
  );
  assert.deepEqual([...tilesOf(0)], []);
});

test('T4.44: vectors of others: a tiled log of the Go team at each of its checkpoints', async () => {
  const [about, ...lines] = readVectorLines('log');
  const files = new Map(lines.map(({ path, bytes }) => [String(path), bytesOf(bytes)]));
  const key = parseVerifierKey(String(about?.['key']));
  const readTile = async (path: string): Promise<Uint8Array> => files.get(path) ?? assert.fail(`there is no ${path}`);
  const checkpoints: Checkpoint[] = [];
  for (const path of files.keys().filter((name) => name.startsWith('checkpoint.'))) {
    const result = await verifyNote(files.get(path) ?? assert.fail(), [key]);
    assert.equal(result.outcome, 'verified');
    const checkpoint = parseCheckpoint(result.note.text);
    const { origin, size, root } = checkpoint;
    assert.deepEqual([origin, `checkpoint.${size}`], ['log.example/vectors', path]);
    const tiles = new TileReader(size, readTile);
    assert.deepEqual(await tiles.root(), root);
    for (let index = 0; index < size; index += 1) {
      const hash = new Uint8Array(sha(Uint8Array.of(0), Buffer.from(`leaf ${index}`)));
      assert.equal(verifyInclusion({ index, size, leafHash: hash, root, proof: await tiles.inclusionProof(index) }), true);
    }
    for (const earlier of checkpoints) {
      const proof = await tiles.consistencyProof(earlier.size);
      assert.equal(verifyConsistency({ size1: earlier.size, size2: size, root1: earlier.root, root2: root, proof }), true);
    }
    checkpoints.push(checkpoint);
  }
  assert.equal(checkpoints.at(-1)?.size, about?.['leaves']);
});

void test('proofs are read from full and partial tiles of several levels', async () => {
  const writer = new StoreWriter();
  writer.leafHashes.push(...Array.from({ length: 66_000 }, (_, i) => sha(Buffer.from(String(i)))));
  writer.publish();
  const readTile = async (path: string): Promise<Uint8Array> => {
    const bytes = writer.files.get(`log/${path}`);
    assert.ok(bytes, path);
    return bytes;
  };
  const size = writer.leafHashes.length;
  const root = treeHash(writer.leafHashes);
  const tiles = new TileReader(size, readTile);
  assert.deepEqual(await tiles.root(), new Uint8Array(root));
  for (const index of [0, 255, 256, 65_535, 65_536, 65_999, 31_234]) {
    const proof = await tiles.inclusionProof(index);
    assert.equal(verifyInclusion({ index, size, leafHash: writer.leafHashes[index] ?? root, root, proof }), true);
  }
  for (const size1 of [1, 255, 256, 257, 65_536, 65_537, 65_999]) {
    const proof = await tiles.consistencyProof(size1);
    const root1 = treeHash(writer.leafHashes.slice(0, size1));
    assert.equal(verifyConsistency({ size1, size2: size, root1, root2: root, proof }), true);
  }
  await assert.rejects(tiles.inclusionProof(size), RangeError);
  await assert.rejects(tiles.readHash(0, size), RangeError);
});

void test('D33: a tile of a wrong length is refused and read again, an entry bundle is read within its bytes', async () => {
  let reads = 0;
  const tiles = new TileReader(2, async () => {
    reads += 1;
    return reads === 1 ? new Uint8Array(63) : new Uint8Array(64);
  });
  await assert.rejects(tiles.root(), MalformedError);
  await tiles.root();
  assert.equal(reads, 2);
  assert.deepEqual(decodeEntryBundle(Uint8Array.of(0, 1, 7, 0, 0)), [Uint8Array.of(7), new Uint8Array(0)]);
  for (const bytes of [[0], [0, 2, 1], [255, 255, 0]]) {
    assert.throws(() => decodeEntryBundle(Uint8Array.from(bytes)), MalformedError);
  }
  assert.throws(() => decodeEntryBundle(new Uint8Array(2 * 257)), MalformedError);
  assert.equal(leafHash(new Uint8Array(164)).length, 32);
});
