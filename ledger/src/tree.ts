/** The Merkle tree of RFC 6962 / RFC 9162 over leaf hashes. */
import { sha256, sha256Into } from './crypto.ts';
import { hashBytes } from './leaf.ts';
import { HashLanes, laneMessagesMax } from './sha256-lanes.ts';

/** The greatest height of a perfect subtree, because sizes are safe integers. */
export const treeHeightMax = 53;

const nodeInput = new Uint8Array(1 + 2 * hashBytes);
nodeInput[0] = 1;

/** Computes `SHA-256(0x01 ‖ left ‖ right)`. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const hash = new Uint8Array(hashBytes);
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashBytes);
  sha256Into(nodeInput, hash, 0);
  return hash;
}

/** Made when it is first needed, and shared by all trees. It keeps nothing between two calls. */
let nodeLanes: HashLanes | undefined;

/** The root of the tree without leaves. */
export const emptyRoot: Uint8Array = sha256(new Uint8Array(0));

/** Called with each completed perfect subtree. `hash` covers the leaves `[index · 2^height, (index + 1) · 2^height)`. It is valid only during the call. */
export type OnSubtree = (height: number, index: number, hash: Uint8Array) => void;

export interface FrontierOptions {
  /** The number of leaves that are already in the tree. `subtrees` are then the hashes of its perfect subtrees, largest first. */
  readonly size?: number;
  readonly subtrees?: readonly Uint8Array[];
  readonly onSubtree?: OnSubtree;
}

/** The heights of the perfect subtrees of a tree of `size` leaves, largest (leftmost) first. They are the bits that are set in `size`. */
export function subtreeHeights(size: number): number[] {
  const heights: number[] = [];
  let rest = size;
  for (let height = 0; rest > 0; height++) {
    if (rest % 2 === 1) {
      heights.unshift(height);
      rest -= 1;
    }
    rest /= 2;
  }
  return heights;
}

/** The right edge of a growing tree: everything that is needed to append leaves and to compute the root. */
export class Frontier {
  #size = 0;
  /** At index h, the hash of the perfect subtree of 2^h leaves. It is valid if bit h of the size is set. */
  readonly #hashes = Array.from({ length: treeHeightMax }, () => new Uint8Array(hashBytes));
  /** The 65 bytes that are hashed for a node. The right half also holds the subtree that is being completed. */
  readonly #node = new Uint8Array(1 + 2 * hashBytes);
  readonly #carry = this.#node.subarray(1 + hashBytes);
  readonly #onSubtree: OnSubtree | undefined;

  /** Throws `RangeError` if the number of subtrees does not fit the size. */
  constructor(options: FrontierOptions = {}) {
    const { size = 0, subtrees = [] } = options;
    const heights = Number.isSafeInteger(size) && size >= 0 ? subtreeHeights(size) : undefined;
    if (heights?.length !== subtrees.length || subtrees.some((hash) => hash.length !== hashBytes)) {
      throw new RangeError('the subtrees do not fit the size of the tree');
    }
    this.#size = size;
    this.#node[0] = 1;
    this.#onSubtree = options.onSubtree;
    for (const [i, height] of heights.entries()) {
      this.#hashes[height]?.set(subtrees[i] ?? []);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Appends the leaf hash in the first 32 bytes of `leafHash`. Keeps no reference to it. */
  append(leafHash: Uint8Array): void {
    let index = this.#size;
    let height = 0;
    this.#carry.set(leafHash);
    this.#onSubtree?.(0, index, this.#carry);
    while (index % 2 === 1) {
      this.#node.set(this.#at(height), 1);
      sha256Into(this.#node, this.#carry, 0);
      index = (index - 1) / 2;
      height += 1;
      this.#onSubtree?.(height, index, this.#carry);
    }
    this.#at(height).set(this.#carry);
    this.#size += 1;
  }

  /**
   * Appends `count` leaf hashes of 32 bytes each, at most 256. The tree is the same as after `append` for each, but it grows level by level: `onSubtree` gets
   * all subtrees of one height first.
   */
  appendMany(leafHashes: Uint8Array, count: number): void {
    if (count > laneMessagesMax) {
      throw new RangeError('too many leaves at once');
    }
    nodeLanes ??= new HashLanes(1, 2 * hashBytes);
    const lanes = nodeLanes;
    let hashes = leafHashes;
    let width = count;
    let index = this.#size;
    for (let height = 0; width > 0; height++) {
      this.#report(height, index, hashes.subarray(0, width * hashBytes));
      const waiting = this.#at(height);
      // If the index is odd, the subtree before it still waits for its sibling, which is the first of these.
      const odd = index % 2;
      const pairs = Math.floor((odd + width) / 2);
      for (let pair = 0; pair < pairs; pair++) {
        const left = (2 * pair - odd) * hashBytes;
        const at = lanes.bodyAt + pair * lanes.stride;
        if (left < 0) {
          lanes.memory.set(waiting, at);
          lanes.memory.set(hashes.subarray(0, hashBytes), at + hashBytes);
        } else {
          lanes.memory.set(hashes.subarray(left, left + 2 * hashBytes), at);
        }
      }
      if ((odd + width) % 2 === 1) {
        waiting.set(hashes.subarray((width - 1) * hashBytes, width * hashBytes));
      }
      lanes.hash(pairs);
      hashes = lanes.digests;
      index = (index - odd) / 2;
      width = pairs;
    }
    this.#size += count;
  }

  /** Returns the root over all leaves so far. */
  root(): Uint8Array {
    if (this.#size === 0) {
      return emptyRoot.slice();
    }
    const heights = subtreeHeights(this.#size);
    this.#carry.set(this.#at(heights.pop() ?? 0));
    for (const height of heights.toReversed()) {
      this.#node.set(this.#at(height), 1);
      sha256Into(this.#node, this.#carry, 0);
    }
    return this.#carry.slice();
  }

  /** Returns copies of the hashes of the perfect subtrees, largest first. */
  subtrees(): Uint8Array[] {
    return subtreeHeights(this.#size).map((height) => this.#at(height).slice());
  }

  #report(height: number, index: number, hashes: Uint8Array): void {
    if (this.#onSubtree === undefined) {
      return;
    }
    for (let i = 0; i * hashBytes < hashes.length; i++) {
      this.#onSubtree(height, index + i, hashes.subarray(i * hashBytes, (i + 1) * hashBytes));
    }
  }

  #at(height: number): Uint8Array {
    const hash = this.#hashes[height];
    if (hash === undefined) {
      throw new RangeError('the tree is full');
    }
    return hash;
  }
}
