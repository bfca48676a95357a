/** The form of a body that repeats what its session sent before. Normative: docs/formats/journal.md. */

/** Most bodies under one secret that are kept for later ones to copy from. */
export const keptBodiesMax = 16;
/** Most secrets of a session whose bodies are kept: those with which a body was spliced last. */
export const placedSecretsMax = 4;

/** A range of a kept body that a later body repeats, after some literal bytes of its own. */
export interface Copy {
  /** Number of literal bytes since the copy before. */
  readonly literals: number;
  readonly length: number;
  /** The place of the kept body, and the offset in it at which the copied bytes begin. */
  readonly from: number;
  readonly offset: number;
}

export const splicedHeaderBytes = 4;
const copyBytes = 12;
const offsetBits = 24;

/** Encodes a spliced body. `place` is where the body is kept from now on; `literals` are all its bytes that are not copied. */
export function encodeSpliced(place: number, copies: readonly Copy[], literals: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(splicedHeaderBytes + copies.length * copyBytes);
  head.writeUInt8(place);
  head.writeUInt16BE(copies.length, 2);
  for (const [i, copy] of copies.entries()) {
    const at = splicedHeaderBytes + i * copyBytes;
    head.writeUInt32BE(copy.literals, at);
    head.writeUInt32BE(copy.length, at + 4);
    head.writeUInt32BE(copy.from * 2 ** offsetBits + copy.offset, at + 8);
  }
  return Buffer.concat([head, ...literals]);
}

export interface Joined {
  readonly place: number;
  readonly plain: Uint8Array;
  /** The places of the kept bodies that it repeats. */
  readonly repeats: readonly number[];
}

/** Returns the plaintext of a spliced body, at most `bytesMax` bytes. Null if it is not a spliced body, is longer, or copies what is not there. Any bytes are acceptable input. */
export function joinSpliced(spliced: Buffer, kept: readonly (Uint8Array | undefined)[], bytesMax: number): Joined | null {
  if (spliced.length < splicedHeaderBytes) {
    return null;
  }
  const place = spliced.readUInt8();
  const literalsAt = splicedHeaderBytes + spliced.readUInt16BE(2) * copyBytes;
  if (place >= keptBodiesMax || spliced.readUInt8(1) !== 0 || literalsAt > spliced.length) {
    return null;
  }
  const pieces: Uint8Array[] = [];
  const repeats: number[] = [];
  let used = literalsAt;
  let bytes = spliced.length - literalsAt;
  for (let at = splicedHeaderBytes; at < literalsAt; at += copyBytes) {
    const { literals, length, from, offset } = readCopy(spliced, at);
    const copied = kept[from]?.subarray(offset, offset + length);
    bytes += length;
    if (copied?.length !== length || used + literals > spliced.length) {
      return null;
    }
    pieces.push(spliced.subarray(used, used + literals), copied);
    repeats.push(from);
    used += literals;
  }
  pieces.push(spliced.subarray(used));
  return bytes > bytesMax ? null : { place, plain: Buffer.concat(pieces), repeats };
}

function readCopy(spliced: Buffer, at: number): Copy {
  const place = spliced.readUInt32BE(at + 8);
  return {
    literals: spliced.readUInt32BE(at),
    length: spliced.readUInt32BE(at + 4),
    from: place >>> offsetBits,
    offset: place % 2 ** offsetBits,
  };
}

/** Returns what the map has for a key, made if it has nothing, as the one that was used last. The one that was not used for longest is dropped if there are more than `most`. */
export function useLast<Key, Value>(map: Map<Key, Value>, key: Key, most: number, make: () => Value): Value {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  const [oldest = key] = map.keys();
  if (map.size > most) {
    map.delete(oldest);
  }
  return value;
}
