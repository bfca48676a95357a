import { randomFillSync } from 'node:crypto';
import { encodeSpliced, keptBodiesMax, type Copy } from './spliced-body.ts';

/** A place in a body is an anchor if this many upper bits of the rolling hash of the 32 bytes before it are zero: one place in 512, the same in the same text. */
const anchorBits = 9;
const hashedBytes = 32;
/** Fewest bytes of a copy: it must be worth its 12 bytes and the break that it makes for the compressor. */
const copyBytesMin = 64;
/** A body that holds this share of a kept body replaces it among those that are kept. So a conversation that grows is kept once, and one that only begins the same is kept beside it. */
const continuedShare = 15 / 16;
const comparedBytes = 4096;
/** About how many bytes of memory an anchor takes. */
const anchorMemoryBytes = 40;

/** The number that each byte adds to the hash. The numbers differ in each process, so that nobody can write text that is full of anchors. */
const gear = new Int32Array(256);
randomFillSync(gear);

interface KeptBody {
  readonly bytes: Buffer;
  /** Maps a hash to the offset in the body at which the hashed text ends. */
  readonly anchors: ReadonlyMap<number, number>;
  usedAt: number;
}

/**
 * Finds the bytes that a body repeats of earlier bodies of its session, exactly. An anchor leads to a place where the same text may stand, and a comparison
 * says how far it is the same. Time is linear in the body.
 */
export class RepeatFinder {
  readonly #kept: KeptBody[] = [];
  #bodies = 0;

  /** About how many bytes of memory the kept bodies and their anchors take. */
  get memoryBytes(): number {
    return this.#kept.reduce((sum, { bytes, anchors }) => sum + bytes.length + anchors.size * anchorMemoryBytes, 0);
  }

  /** Returns the spliced form of the body, and keeps the body for the next ones. */
  splice(plain: Buffer): Buffer {
    const anchors = this.#findAnchors(plain);
    const copies: Copy[] = [];
    const literals: Buffer[] = [];
    let end = 0;
    for (const [hash, at] of anchors) {
      const match = at < end ? null : this.#longestMatch(hash, plain, { at, stop: end });
      if (match !== null) {
        const own = plain.subarray(end, match.at);
        copies.push({ ...match.copy, literals: own.length });
        literals.push(own);
        end = match.at + match.copy.length;
      }
    }
    literals.push(plain.subarray(end));
    const place = this.#keep(plain, anchors, copies);
    return encodeSpliced(place, copies, literals);
  }

  /** The anchors of a body, each at its first place. For a beginning that a kept body shares, the known anchors are used. */
  #findAnchors(plain: Buffer): Map<number, number> {
    let known: ReadonlyMap<number, number> = new Map();
    let same = 0;
    for (const { bytes, anchors } of this.#kept) {
      const length = sameFrom(plain, bytes);
      if (length > same) {
        known = anchors;
        same = length;
      }
    }
    const anchors = new Map([...known].filter(([, at]) => at <= same));
    addAnchors(anchors, plain, same);
    return anchors;
  }

  /** The longest equal text around an anchor in any kept body, not before `stop`. Null if no copy is worth it. */
  #longestMatch(hash: number, plain: Buffer, { at, stop }: { readonly at: number; readonly stop: number }): { at: number; copy: Copy } | null {
    let best = null;
    let bestBytes = copyBytesMin - 1;
    for (const [from, { bytes, anchors }] of this.#kept.entries()) {
      const theirs = anchors.get(hash);
      if (theirs !== undefined) {
        const before = sameBefore(plain.subarray(stop, at), bytes.subarray(0, theirs));
        const length = before + sameFrom(plain.subarray(at), bytes.subarray(theirs));
        if (length > bestBytes) {
          best = { at: at - before, copy: { literals: 0, length, from, offset: theirs - before } };
          bestBytes = length;
        }
      }
    }
    return best;
  }

  #keep(plain: Buffer, anchors: ReadonlyMap<number, number>, copies: readonly Copy[]): number {
    this.#bodies += 1;
    const place = this.#placeFor(copies);
    this.#kept[place] = { bytes: Buffer.from(plain), anchors, usedAt: this.#bodies };
    return place;
  }

  /** The place of the body that this one continues; otherwise a free place, or that of the body that was of no use for longest. */
  #placeFor(copies: readonly Copy[]): number {
    const copied = this.#kept.map((_, place) => copies.reduce((sum, { from, length }) => (from === place ? sum + length : sum), 0));
    let oldest = 0;
    for (const [place, body] of this.#kept.entries()) {
      const share = (copied[place] ?? 0) / body.bytes.length;
      if (share >= continuedShare) {
        return place;
      }
      body.usedAt = share > 0 ? this.#bodies : body.usedAt;
      oldest = body.usedAt < (this.#kept[oldest]?.usedAt ?? 0) ? place : oldest;
    }
    return this.#kept.length < keptBodiesMax ? this.#kept.length : oldest;
  }
}

/** Adds the anchors of the text after `from`. */
function addAnchors(anchors: Map<number, number>, text: Buffer, from: number): void {
  let hash = 0;
  for (let at = Math.max(0, from - hashedBytes); at < text.length; at++) {
    hash = ((hash << 1) + (gear[text[at] ?? 0] ?? 0)) | 0;
    if (hash >>> (32 - anchorBits) === 0 && at >= from && !anchors.has(hash)) {
      anchors.set(hash, at + 1);
    }
  }
}

/** Number of equal bytes at the beginning. */
function sameFrom(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same + comparedBytes <= most && a.compare(b, same, same + comparedBytes, same, same + comparedBytes) === 0) {
    same += comparedBytes;
  }
  while (same < most && a[same] === b[same]) {
    same += 1;
  }
  return same;
}

/** Number of equal bytes at the end. */
function sameBefore(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same + comparedBytes <= most && endsAlike(a, b, same)) {
    same += comparedBytes;
  }
  while (same < most && a[a.length - same - 1] === b[b.length - same - 1]) {
    same += 1;
  }
  return same;
}

/** True if the block of bytes before the last `same` bytes is equal too. */
function endsAlike(a: Buffer, b: Buffer, same: number): boolean {
  const [endOfA, endOfB] = [a.length - same, b.length - same];
  return a.compare(b, endOfB - comparedBytes, endOfB, endOfA - comparedBytes, endOfA) === 0;
}
