import { hashBytes, HashSlots, leafBytes, leafOffsets } from '@countersign/ledger/format';
import type { SessionTrack } from './batch.ts';

/** Told each leaf's hash, at `hashes[at]`, in the order of the log. Valid during the call. */
export type OnLeaf = (hashes: Uint8Array, at: number) => void;

/** Commitments that wait; an entry has two. */
const commitmentsMax = 48;
const commitmentSlotBytes = 1024;
/** Leaves hashed in one call: each of another session, since a leaf holds the hash of the one before it. */
const leavesMax = 4;
const leafSlotBytes = 192;

interface WaitingEntry {
  readonly track: SessionTrack;
  readonly leafAt: number;
}

/**
 * The hashes of a batch's entries, made together just before they are needed: commitments to small bodies, then the leaves. What is hashed alone costs
 * several times as much (docs/benchmarks.md).
 */
export class EntryHashes {
  readonly #commitments = new HashSlots(commitmentsMax, commitmentSlotBytes);
  /** Where in the batch each commitment goes. */
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

  /** There may be no slots for the commitments of another entry: `settle` first. */
  get isFull(): boolean {
    return this.#count > commitmentsMax - 2;
  }

  fits(inputBytes: number): boolean {
    return inputBytes <= this.#commitments.messageBytesMax;
  }

  /** Where in `memory` to compose the input of the next commitment. */
  get inputAt(): number {
    return this.#commitments.at(this.#count);
  }

  /** The input composed at `inputAt` is whole; its commitment goes to `target` in the batch. */
  commit(inputBytes: number, target: number): void {
    this.#commitments.close(this.#count, inputBytes);
    this.#targets[this.#count] = target;
    this.#count += 1;
  }

  /** The leaf at `leafAt` in the batch is the next of its session; whole but for its hashes. */
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

/** Faster than `set` with a view. */
function copyHash(from: DataView, fromAt: number, to: DataView, toAt: number): void {
  for (let i = 0; i < hashBytes; i += 4) {
    to.setInt32(toAt + i, from.getInt32(fromAt + i));
  }
}
