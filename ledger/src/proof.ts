/**
 * Inclusion and consistency proofs of RFC 6962 and RFC 9162. It checks proofs, and makes them with a reader of subtree hashes. Nothing is proven for an index
 * or a size above 2^53 - 1.
 */
import { hashBytes } from './leaf.ts';
import { emptyRoot, nodeHash, treeHeightMax } from './tree.ts';

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
  /** The hashes from the leaf's sibling up. */
  readonly proof: readonly Uint8Array[];
}

export interface ConsistencyClaim {
  readonly size1: number;
  readonly size2: number;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) {
    return false;
  }
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) {
      return false;
    }
  }
  return true;
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.length <= 2 * treeHeightMax && hashes.every((hash) => hash.length === hashBytes);
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

const half = (value: number): number => Math.floor(value / 2);

/** True if the leaf is at that index of the tree with that root (RFC 9162 §2.1.3.2). */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { index, size, leafHash, root, proof } = claim;
  if (!isSize(index) || !isSize(size) || index >= size || !areHashes([leafHash, root, ...proof])) {
    return false;
  }
  let node = index;
  let last = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (last === 0) {
      return false;
    }
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && equalBytes(hash, root);
}

/** True if the first tree is a prefix of the second (RFC 9162 §2.1.4.2). False if the first tree is empty, because then nothing can be shown. */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { size1, size2, root1, root2, proof } = claim;
  if (!isSize(size1) || !isSize(size2) || size1 === 0 || size1 > size2) {
    return false;
  }
  if (size1 === size2) {
    return proof.length === 0 && equalBytes(root1, root2);
  }
  if (!areHashes([root1, root2, ...proof])) {
    return false;
  }
  let node = size1 - 1;
  let last = size2 - 1;
  while (node % 2 === 1) {
    node = half(node);
    last = half(last);
  }
  // If the first tree is perfect, its root starts the path and is left out of the proof.
  const [seed, ...path] = node === 0 ? [root1, ...proof] : proof;
  if (seed === undefined) {
    return false;
  }
  let hash1 = seed;
  let hash2 = seed;
  for (const sibling of path) {
    if (last === 0) {
      return false;
    }
    if (node % 2 === 1 || node === last) {
      hash1 = nodeHash(sibling, hash1);
      hash2 = nodeHash(sibling, hash2);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash2 = nodeHash(hash2, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && equalBytes(hash1, root1) && equalBytes(hash2, root2);
}

/** Reads the hash of the perfect subtree over the leaves `[index · 2^height, (index + 1) · 2^height)`. */
export type ReadHash = (height: number, index: number) => Promise<Uint8Array>;

/** The exponent of the largest power of two below `size`, which must be above 1. */
function splitHeight(size: number): number {
  let height = 0;
  while (2 ** (height + 1) < size) {
    height += 1;
  }
  return height;
}

/** Computes the hash over the leaves `[start, end)`. `start` must be a multiple of the smallest power of two that is at least `end - start`. */
async function rangeHash(start: number, end: number, readHash: ReadHash): Promise<Uint8Array> {
  const size = end - start;
  if (size === 1) {
    return readHash(0, start);
  }
  const height = splitHeight(size);
  if (size === 2 ** (height + 1)) {
    return readHash(height + 1, start / size);
  }
  const middle = start + 2 ** height;
  const [left, right] = await Promise.all([readHash(height, start / 2 ** height), rangeHash(middle, end, readHash)]);
  return nodeHash(left, right);
}

/** Computes the root of the first `size` leaves. */
export async function rootAt(size: number, readHash: ReadHash): Promise<Uint8Array> {
  return size === 0 ? emptyRoot.slice() : rangeHash(0, size, readHash);
}

/** Makes an inclusion proof (RFC 9162 §2.1.3.1). Rejects with `RangeError` if a tree of that size has no such index. */
export async function inclusionProof(index: number, size: number, readHash: ReadHash): Promise<Uint8Array[]> {
  if (!isSize(index) || !isSize(size) || index >= size) {
    throw new RangeError('no such leaf in the tree');
  }
  const ranges: [number, number][] = [];
  for (let start = 0, end = size; end - start > 1;) {
    const middle = start + 2 ** splitHeight(end - start);
    if (index < middle) {
      ranges.unshift([middle, end]);
      end = middle;
    } else {
      ranges.unshift([start, middle]);
      start = middle;
    }
  }
  return Promise.all(ranges.map(([start, end]) => rangeHash(start, end, readHash)));
}

/** Makes a consistency proof (RFC 9162 §2.1.4.1). Rejects with `RangeError` unless 0 < `size1` ≤ `size2`. */
export async function consistencyProof(size1: number, size2: number, readHash: ReadHash): Promise<Uint8Array[]> {
  if (!isSize(size1) || !isSize(size2) || size1 === 0 || size1 > size2) {
    throw new RangeError('no such trees');
  }
  const ranges: [number, number][] = [];
  let start = 0;
  let end = size2;
  while (size1 !== end) {
    const middle = start + 2 ** splitHeight(end - start);
    if (size1 <= middle) {
      ranges.unshift([middle, end]);
      end = middle;
    } else {
      ranges.unshift([start, middle]);
      start = middle;
    }
  }
  if (start !== 0) {
    ranges.unshift([start, end]);
  }
  return Promise.all(ranges.map(([from, to]) => rangeHash(from, to, readHash)));
}
