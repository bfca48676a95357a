import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { consistencyProof, inclusionProof, rootAt, verifyConsistency, verifyInclusion, type ReadHash } from './proof.ts';
import { sha, treeHash } from './testdata/store-writer.ts';
import { bytesOf, readVectorLines } from './testdata/vectors.ts';
import { emptyRoot, Frontier, nodeHash, subtreeHeights } from './tree.ts';

const leafHashes = Array.from({ length: 1100 }, (_, i) => sha(Uint8Array.of(0, i & 255, i >> 8)));

function naiveRoot(size: number): Uint8Array {
  return new Uint8Array(treeHash(leafHashes.slice(0, size)));
}

const readHash: ReadHash = async (height, index) => treeHash(leafHashes.slice(index * 2 ** height, (index + 1) * 2 ** height));

function hashesOf(value: unknown): Uint8Array[] {
  return Array.isArray(value) ? value.map(bytesOf) : [];
}

function flip(hash: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(hash);
  changed[7] = (changed[7] ?? 0) ^ 4;
  return changed;
}

test('T4.44: vectors of others: inclusion proofs, whole and spoiled, are taken and refused as by tlog of the Go team', () => {
  const cases = readVectorLines('inclusion');
  assert.ok(cases.length > 300 && cases.filter(({ refused }) => refused === false).length > 40);
  for (const one of cases) {
    const claim = {
      index: Number(one['index']),
      size: Number(one['size']),
      leafHash: bytesOf(one['leafHash']),
      root: bytesOf(one['root']),
      proof: hashesOf(one['proof']),
    };
    assert.equal(verifyInclusion(claim), one['refused'] !== true, `${claim.index} of ${claim.size}: ${String(one['name'])}`);
  }
});

test('T4.44: vectors of others: consistency proofs, whole and spoiled, are taken and refused as by tlog of the Go team', () => {
  const cases = readVectorLines('consistency');
  assert.ok(cases.length > 300 && cases.filter(({ refused }) => refused === false).length > 40);
  for (const one of cases) {
    const claim = {
      size1: Number(one['size1']),
      size2: Number(one['size2']),
      root1: bytesOf(one['root1']),
      root2: bytesOf(one['root2']),
      proof: hashesOf(one['proof']),
    };
    assert.equal(verifyConsistency(claim), one['refused'] !== true, `${claim.size1} to ${claim.size2}: ${String(one['name'])}`);
  }
});

void test('the frontier has the root of RFC 6962 at every size, can be resumed there, and reports each perfect subtree once', () => {
  const seen = new Map<string, Uint8Array>();
  const frontier = new Frontier({
    onSubtree: (height, index, hash) => {
      assert.equal(seen.has(`${height}/${index}`), false);
      seen.set(`${height}/${index}`, Uint8Array.from(hash));
    },
  });
  assert.deepEqual(frontier.root(), emptyRoot);
  for (const [i, hash] of leafHashes.entries()) {
    frontier.append(hash);
    if (i < 70 || i % 97 === 0) {
      const root = naiveRoot(i + 1);
      assert.deepEqual(frontier.root(), root);
      const resumed = new Frontier({ size: frontier.size, subtrees: frontier.subtrees() });
      assert.deepEqual(resumed.root(), root);
      resumed.append(leafHashes[i + 1] ?? sha());
      assert.equal(frontier.size, i + 1);
    }
  }
  for (const [key, hash] of seen) {
    const [height = 0, index = 0] = key.split('/').map(Number);
    const expected = treeHash(leafHashes.slice(index * 2 ** height, (index + 1) * 2 ** height));
    assert.deepEqual(hash, new Uint8Array(expected));
  }
  let count = 0;
  for (let height = 0; 2 ** height <= leafHashes.length; height++) {
    count += Math.floor(leafHashes.length / 2 ** height);
  }
  assert.equal(seen.size, count);
});

void test('a frontier that is resumed at random sizes continues like one that never stopped', () => {
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), (first, more) => {
      const one = new Frontier();
      leafHashes.slice(0, first).forEach((hash) => one.append(hash));
      const two = new Frontier({ size: first, subtrees: one.subtrees() });
      leafHashes.slice(first, first + more).forEach((hash) => two.append(hash));
      assert.deepEqual(two.root(), naiveRoot(first + more));
    }),
    { numRuns: 40 },
  );
});

const note = (seen: Set<string>) => (height: number, index: number, hash: Uint8Array) => seen.add(`${height}/${index}/${Buffer.from(hash).toString('hex')}`);

void test('leaves appended many at once make the same tree, and report the same subtrees', () => {
  const counts = fc.array(fc.oneof(fc.nat(9), fc.nat(256)), { maxLength: 8 });
  fc.assert(
    fc.property(counts, fc.nat(20), (batches, first) => {
      const subtrees: [Set<string>, Set<string>] = [new Set(), new Set()];
      const one = new Frontier({ onSubtree: note(subtrees[0]) });
      const many = new Frontier({ onSubtree: note(subtrees[1]) });
      for (const hash of leafHashes.slice(0, first)) {
        one.append(hash);
        many.append(hash);
      }
      for (const count of batches) {
        const part = leafHashes.slice(one.size % 800, (one.size % 800) + count);
        part.forEach((hash) => one.append(hash));
        many.appendMany(Buffer.concat(part), count);
        assert.equal(many.size, one.size);
        assert.deepEqual(many.root(), one.root());
        assert.deepEqual(many.subtrees(), one.subtrees());
      }
      assert.deepEqual(subtrees[0], subtrees[1]);
    }),
    { numRuns: 60 },
  );
  assert.throws(() => new Frontier().appendMany(new Uint8Array(257 * 32), 257), RangeError);
});

void test('a frontier is not resumed from subtrees that do not fit', () => {
  for (const options of [
    { size: 1 },
    { size: 2, subtrees: [sha(), sha()] },
    { size: 0, subtrees: [sha()] },
    { size: -1 },
    { size: 2 ** 53 },
    { size: 1, subtrees: [new Uint8Array(31)] },
  ]) {
    assert.throws(() => new Frontier(options), RangeError);
  }
  assert.deepEqual(subtreeHeights(2 ** 40 + 5), [40, 2, 0]);
});

void test('every inclusion proof of every tree up to 40 leaves holds, and none for another leaf, index, size, root or path', async () => {
  for (let size = 1; size <= 40; size++) {
    const root = naiveRoot(size);
    for (let index = 0; index < size; index++) {
      const proof = await inclusionProof(index, size, readHash);
      const leafHash = leafHashes[index] ?? root;
      const claim = { index, size, leafHash, root, proof };
      assert.equal(verifyInclusion(claim), true);
      assert.equal(verifyInclusion({ ...claim, leafHash: flip(leafHash) }), false);
      assert.equal(verifyInclusion({ ...claim, root: flip(root) }), false);
      assert.equal(verifyInclusion({ ...claim, proof: [...proof, leafHash] }), false);
      for (const i of proof.keys()) {
        assert.equal(verifyInclusion({ ...claim, proof: proof.toSpliced(i, 1) }), false);
        assert.equal(verifyInclusion({ ...claim, proof: proof.with(i, flip(proof[i] ?? root)) }), false);
      }
      for (let other = 0; other < size; other++) {
        assert.equal(verifyInclusion({ ...claim, index: other }), other === index);
      }
      assert.equal(verifyInclusion({ ...claim, index: size }), false);
    }
  }
});

void test('every consistency proof between trees up to 40 leaves holds, and none for other roots or paths', async () => {
  for (let size2 = 1; size2 <= 40; size2++) {
    for (let size1 = 1; size1 <= size2; size1++) {
      const proof = await consistencyProof(size1, size2, readHash);
      const claim = { size1, size2, root1: naiveRoot(size1), root2: naiveRoot(size2), proof };
      assert.equal(verifyConsistency(claim), true, `${size1} ${size2}`);
      assert.equal(verifyConsistency({ ...claim, root1: flip(claim.root1) }), false);
      assert.equal(verifyConsistency({ ...claim, root2: flip(claim.root2) }), false);
      assert.equal(verifyConsistency({ ...claim, proof: [...proof, claim.root1] }), false);
      for (const i of proof.keys()) {
        assert.equal(verifyConsistency({ ...claim, proof: proof.toSpliced(i, 1) }), false);
        assert.equal(verifyConsistency({ ...claim, proof: proof.with(i, flip(proof[i] ?? sha())) }), false);
      }
      assert.equal(verifyConsistency({ ...claim, size1: size2, size2: size1 }), size1 === size2);
    }
  }
});

void test('proofs of random larger trees hold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1100 }), fc.nat(), fc.nat(), async (size, a, b) => {
      const [index, size1] = [a % size, 1 + (b % size)];
      const root = await rootAt(size, readHash);
      assert.deepEqual(new Uint8Array(root), naiveRoot(size));
      const proof = await inclusionProof(index, size, readHash);
      assert.equal(verifyInclusion({ index, size, leafHash: leafHashes[index] ?? root, root, proof }), true);
      const path = await consistencyProof(size1, size, readHash);
      assert.equal(
        verifyConsistency({
          size1,
          size2: size,
          root1: naiveRoot(size1),
          root2: root,
          proof: path,
        }),
        true,
      );
    }),
    { numRuns: 40 },
  );
});

void test('D33: a proof is neither made nor accepted for a wrong index, size or hash', async () => {
  const root = naiveRoot(2);
  const claim = { index: 0, size: 2, leafHash: naiveRoot(1), root, proof: [leafHashes[1] ?? root] };
  assert.equal(verifyInclusion(claim), true);
  for (const wrong of [
    { index: -1 },
    { index: 0.5 },
    { index: Number.NaN },
    { size: 2 ** 53 },
    { size: 0 },
    { proof: [new Uint8Array(31)] },
    { proof: Array<Uint8Array>(200).fill(root) },
    { root: new Uint8Array(0) },
  ]) {
    assert.equal(verifyInclusion({ ...claim, ...wrong }), false);
  }
  await assert.rejects(inclusionProof(2, 2, readHash), RangeError);
  await assert.rejects(inclusionProof(0, 0, readHash), RangeError);
  await assert.rejects(consistencyProof(0, 2, readHash), RangeError);
  await assert.rejects(consistencyProof(3, 2, readHash), RangeError);
  assert.equal(verifyConsistency({ size1: 0, size2: 2, root1: emptyRoot, root2: root, proof: [] }), false);
  assert.deepEqual(nodeHash(root, root), new Uint8Array(sha(Uint8Array.of(1), root, root)));
});
