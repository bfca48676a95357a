import { sha256Into } from './crypto.ts';
import { blocksAt, instantiateLanes, lanesFreeAt, type Compress } from './sha256-lanes.ts';

const memoryBytes = 65_536;
const blockBytes = 64;
const digestBytes = 32;
const lanes = 4;
/** Fewest bytes that SHA-256 appends to a message. */
const paddingBytesMin = 9;

/**
 * Hashes several messages of different lengths with SHA-256 in one call: write each message into its slot of `memory` and call `close` with its length. This is
 * faster for messages of a few blocks, because the call of a one-shot hash costs more than their hashing.
 */
export class HashSlots {
  readonly memory: Uint8Array;
  readonly slots: number;
  readonly slotBytes: number;
  readonly messageBytesMax: number;
  /** The digests of the last call of `hash`, 32 bytes for each slot. */
  readonly digests: Uint8Array;
  readonly #view: DataView;
  readonly #lengths: Int32Array;
  readonly #blocks: Int32Array;
  readonly #messagesAt: number;
  readonly #compress: Compress | undefined;

  /**
   * `slots` must be a multiple of 4, and `slotBytes` of 64. Throws `RangeError` if they do not fit into 64 KiB. `useVectors` is false only in tests of the
   * implementation without vectors.
   */
  constructor(slots: number, slotBytes: number, useVectors = true) {
    this.#messagesAt = lanesFreeAt + slots * digestBytes;
    if (slots % lanes !== 0 || slotBytes % blockBytes !== 0 || this.#messagesAt + slots * slotBytes > memoryBytes) {
      throw new RangeError('these slots do not fit the memory');
    }
    const instance = useVectors ? instantiateLanes() : undefined;
    this.#compress = instance?.compress;
    this.memory = instance?.memory ?? new Uint8Array(memoryBytes);
    this.slots = slots;
    this.slotBytes = slotBytes;
    this.messageBytesMax = slotBytes - paddingBytesMin;
    this.digests = this.memory.subarray(lanesFreeAt, this.#messagesAt);
    this.#view = new DataView(this.memory.buffer);
    this.#lengths = new Int32Array(slots);
    this.#blocks = new Int32Array(slots);
  }

  /** The offset in `memory` at which the message of a slot begins. */
  at(slot: number): number {
    return this.#messagesAt + slot * this.slotBytes;
  }

  /** Ends the message in a slot: it is `length` bytes long, at most `messageBytesMax`. */
  close(slot: number, length: number): void {
    const start = this.at(slot);
    const blocks = Math.ceil((length + paddingBytesMin) / blockBytes);
    const end = start + blocks * blockBytes;
    this.memory[start + length] = 0x80;
    for (let at = start + length + 1; at < end - 4; at++) {
      this.memory[at] = 0;
    }
    this.#view.setUint32(end - 4, 8 * length);
    this.#lengths[slot] = length;
    this.#blocks[slot] = blocks;
  }

  /** Computes the digests of the first `count` slots. */
  hash(count: number): void {
    for (let slot = 0; slot < count; slot += lanes) {
      if (this.#compress === undefined || count - slot === 1) {
        this.#hashEach(slot, Math.min(count, slot + lanes));
      } else {
        this.#hashLanes(this.#compress, slot, count);
      }
    }
  }

  #hashLanes(compress: Compress, slot: number, count: number): void {
    let blocksMax = 0;
    for (let lane = 0; lane < lanes; lane++) {
      // A lane without a message takes part in the computation and writes nothing.
      const blocks = slot + lane < count ? (this.#blocks[slot + lane] ?? 0) : 0;
      this.#view.setInt32(blocksAt + 4 * lane, blocks, true);
      blocksMax = Math.max(blocksMax, blocks);
    }
    compress(this.at(slot), this.slotBytes, blocksMax, lanesFreeAt + slot * digestBytes);
  }

  #hashEach(from: number, to: number): void {
    for (let slot = from; slot < to; slot++) {
      const start = this.at(slot);
      sha256Into(this.memory.subarray(start, start + (this.#lengths[slot] ?? 0)), this.digests, slot * digestBytes);
    }
  }
}
