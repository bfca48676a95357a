import { hashBytes, HashSlots, leafBytes, leafOffsets } from '@countersign/ledger/format';
import type { SessionTrack } from './batch.ts';

/** Called with the hash of each leaf, at `hashes[at]`, in the order of the log. The bytes are valid only during the call. */
export type OnLeaf = (hashes: Uint8Array, at: number) => void;

/** Most commitments that wait to be hashed. An entry has at most two. */
const commitmentsMax = 48;
const commitmentSlotBytes = 1024;
/** Most leaves that are hashed in one call. Each is of another session, because a leaf holds the hash of the leaf before it in its session. */
const leavesMax = 4;
const leafSlotBytes = 192;

interface WaitingEntry {
  readonly track: SessionTrack;
  readonly leafAt: number;
}

/**
 * Makes the hashes of a batch's entries together, just before they are needed: first the commitments to small bodies, then the leaves. To hash each alone costs
 * several times as much (docs/benchmarks.md).
 */
export class EntryHashes {
  readonly #commitments = new HashSlots(commitmentsMax, commitmentSlotBytes);
  /** For each waiting commitment, its offset in the batch. */
  readonly #targets = new Int32Array(commitmentsMax);
  #count = 0;
  readonly #leaves = new HashSlots(leavesMax, leafSlotBytes);
  readonly #leafView = new DataView(this.#leaves.memory.buffer);
  readonly #group: SessionTrack[] = [];
  #entries: WaitingEntry[] = [];
  readonly #onLeaf: OnLeaf;
  /** The memory of the slots, in which the inputs of commitments are composed. */
  readonly memory = Buffer.from(this.#commitments.memory.buffer);
  readonly view = new DataView(this.#commitments.memory.buffer);

  constructor(onLeaf: OnLeaf) {
    this.#onLeaf = onLeaf;
    for (let slot = 0; slot < leavesMax; slot++) {
      this.#leafView.setUint8(this.#leaves.at(slot), 0);
    }
  }

  /** True if there may be no slots for the commitments of another entry. Call `settle` first. */
  get isFull(): boolean {
    return this.#count > commitmentsMax - 2;
  }

  fits(inputBytes: number): boolean {
    return inputBytes <= this.#commitments.messageBytesMax;
  }

  /** The offset in `memory` at which the input of the next commitment must be composed. */
  get inputAt(): number {
    return this.#commitments.at(this.#count);
  }

  /** Takes the complete input at `inputAt`. Its commitment goes to the offset `target` in the batch. */
  commit(inputBytes: number, target: number): void {
    this.#commitments.close(this.#count, inputBytes);
    this.#targets[this.#count] = target;
    this.#count += 1;
  }

  /** Takes the leaf at the offset `leafAt` in the batch, the next of its session. It must be complete except for its hashes. */
  add(track: SessionTrack, leafAt: number): void {
    this.#entries.push({ track, leafAt });
  }

  /** Completes the leaves in the batch, and advances their sessions. */
  settle(batch: DataView): void {
    this.#commitments.hash(this.#count);
    const digestsAt = this.#commitments.digests.byteOffset;
    for (let slot = 0; slot < this.#count; slot++) {
      copyHash(this.view, digestsAt + slot * hashBytes, batch, this.#targets[slot] ?? 0);
    }
    this.#count = 0;
    for (const { track, leafAt } of this.#entries) {
      if (this.#group.length === leavesMax || this.#group.includes(track)) {
        this.#settleGroup();
      }
      copyHash(track.previous, 0, batch, leafAt + leafOffsets.previous);
      const slot = this.#group.push(track) - 1;
      const to = this.#leaves.at(slot) + 1;
      for (let i = 0; i < leafBytes; i += 4) {
        this.#leafView.setInt32(to + i, batch.getInt32(leafAt + i));
      }
      this.#leaves.close(slot, 1 + leafBytes);
    }
    this.#entries = [];
    this.#settleGroup();
  }

  #settleGroup(): void {
    const { digests } = this.#leaves;
    this.#leaves.hash(this.#group.length);
    let slot = 0;
    for (const track of this.#group) {
      copyHash(this.#leafView, digests.byteOffset + slot * hashBytes, track.previous, 0);
      this.#onLeaf(digests, slot * hashBytes);
      slot += 1;
    }
    this.#group.length = 0;
  }
}

/** Copies a hash. This is faster than `set` with a view. */
function copyHash(from: DataView, fromAt: number, to: DataView, toAt: number): void {
  for (let i = 0; i < hashBytes; i += 4) {
    to.setInt32(toAt + i, from.getInt32(fromAt + i));
  }
}
