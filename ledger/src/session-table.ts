/**
 * The verifier's state for every session of a store, in typed arrays. An open session takes about 70 bytes; a closed one takes only its 16-byte id, so that it
 * cannot be opened again, and its place in the table. The ids come from the input and may be chosen to collide, so the hash has a random seed.
 */
import { encodeHex } from './hex.ts';
import { hashBytes, sessionIdBytes } from './leaf.ts';

const idWords = sessionIdBytes / 4;
const free = -1;
const closed = -2;

/** `find` returns these for a session that was never opened, and for one that was closed. For an open session it returns the slot number, from 0. */
export const unknownSession = -1;
export const closedSession = -2;

export interface OpenSession {
  /** 32 hex digits. */
  readonly session: string;
  readonly epoch: number;
}

export class SessionTable {
  // The hash table: open addressing, a power of two of places, at most two thirds of them in use.
  #ids = new Uint32Array(1024 * idWords);
  #slotOf = new Int32Array(1024).fill(free);
  #used = 0;
  // The state of open sessions, by slot.
  #previous = new Uint8Array(256 * hashBytes);
  #previousView = new DataView(this.#previous.buffer);
  #nextSeq = new Float64Array(256);
  #epoch = new Uint32Array(256);
  readonly #freeSlots: number[] = [];
  #slots = 0;
  readonly #seed = globalThis.crypto.getRandomValues(new Uint32Array(idWords));

  /** Number of all sessions, open and closed. */
  get size(): number {
    return this.#used;
  }

  get openCount(): number {
    return this.#slots - this.#freeSlots.length;
  }

  /** Returns the slot of an open session, otherwise `unknownSession` or `closedSession`. The id is the 16 bytes at `offset`. */
  find(view: DataView, offset: number): number {
    const slot = this.#slotOf[this.#place(view, offset)] ?? free;
    return slot === closed ? closedSession : slot;
  }

  /** Adds a session that `find` does not know and returns its slot. */
  open(view: DataView, offset: number): number {
    if (3 * (this.#used + 1) > 2 * this.#slotOf.length) {
      this.#grow();
    }
    const place = this.#place(view, offset);
    for (let i = 0; i < idWords; i++) {
      this.#ids[place * idWords + i] = view.getUint32(offset + 4 * i);
    }
    const slot = this.#freeSlots.pop() ?? this.#newSlot();
    this.#slotOf[place] = slot;
    this.#used += 1;
    this.#nextSeq[slot] = 0;
    this.#previous.fill(0, slot * hashBytes, (slot + 1) * hashBytes);
    return slot;
  }

  /** Closes an open session: only its id is kept. */
  close(view: DataView, offset: number): void {
    const place = this.#place(view, offset);
    const slot = this.#slotOf[place] ?? free;
    if (slot >= 0) {
      this.#slotOf[place] = closed;
      this.#freeSlots.push(slot);
    }
  }

  /** The sequence number of the session's next record. */
  nextSeq(slot: number): number {
    return this.#nextSeq[slot] ?? 0;
  }

  /** True if the session's last leaf has the hash at `offset`. */
  previousIs(slot: number, bytes: DataView, offset: number): boolean {
    const start = slot * hashBytes;
    for (let i = 0; i < hashBytes; i += 4) {
      if (this.#previousView.getInt32(start + i) !== bytes.getInt32(offset + i)) {
        return false;
      }
    }
    return true;
  }

  /** Notes a record: its sequence number, its leaf's hash, its epoch. */
  advance(slot: number, record: { seq: number; leafHash: Uint8Array; epoch: number }): void {
    this.#previous.set(record.leafHash, slot * hashBytes);
    this.#nextSeq[slot] = record.seq + 1;
    this.#epoch[slot] = record.epoch;
  }

  /** Yields the open sessions, in no particular order. */
  *openSessions(): Generator<OpenSession> {
    for (const [place, slot] of this.#slotOf.entries()) {
      if (slot >= 0) {
        const id = new DataView(new ArrayBuffer(sessionIdBytes));
        for (let i = 0; i < idWords; i++) {
          id.setUint32(4 * i, this.#ids[place * idWords + i] ?? 0);
        }
        yield { session: encodeHex(new Uint8Array(id.buffer)), epoch: this.#epoch[slot] ?? 0 };
      }
    }
  }

  #newSlot(): number {
    if (this.#slots === this.#nextSeq.length) {
      const double = 2 * this.#slots;
      const [previous, nextSeq, epoch] = [this.#previous, this.#nextSeq, this.#epoch];
      this.#previous = new Uint8Array(double * hashBytes);
      this.#previousView = new DataView(this.#previous.buffer);
      this.#nextSeq = new Float64Array(double);
      this.#epoch = new Uint32Array(double);
      this.#previous.set(previous);
      this.#nextSeq.set(nextSeq);
      this.#epoch.set(epoch);
    }
    this.#slots += 1;
    return this.#slots - 1;
  }

  #hash(view: DataView, offset: number): number {
    let hash = 0;
    for (let i = 0; i < idWords; i++) {
      hash = Math.imul(hash ^ view.getUint32(offset + 4 * i) ^ (this.#seed[i] ?? 0), 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  /** Returns the place of the id in the table, or the free place for it. */
  #place(view: DataView, offset: number): number {
    const mask = this.#slotOf.length - 1;
    let place = this.#hash(view, offset) & mask;
    while (this.#slotOf[place] !== free && !this.#isAt(place, view, offset)) {
      place = (place + 1) & mask;
    }
    return place;
  }

  #isAt(place: number, view: DataView, offset: number): boolean {
    for (let i = 0; i < idWords; i++) {
      if (this.#ids[place * idWords + i] !== view.getUint32(offset + 4 * i)) {
        return false;
      }
    }
    return true;
  }

  #grow(): void {
    const [ids, slotOf] = [this.#ids, this.#slotOf];
    this.#ids = new Uint32Array(2 * ids.length);
    this.#slotOf = new Int32Array(2 * slotOf.length).fill(free);
    const id = new DataView(new ArrayBuffer(sessionIdBytes));
    for (const [old, slot] of slotOf.entries()) {
      if (slot !== free) {
        const words = ids.subarray(old * idWords, (old + 1) * idWords);
        words.forEach((word, i) => id.setUint32(4 * i, word));
        const place = this.#place(id, 0);
        this.#ids.set(words, place * idWords);
        this.#slotOf[place] = slot;
      }
    }
  }
}
