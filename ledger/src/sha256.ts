/** SHA-256 (FIPS 180-4) in plain TypeScript, for runtimes without a synchronous implementation. `crypto.ts` chooses between them. */

const blockBytes = 64;

/** The first 32 bits of the fractional part of `root`. */
function fraction(root: number): number {
  return Math.floor((root % 1) * 2 ** 32) | 0;
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((prime) => n % prime !== 0)) {
      primes.push(n);
    }
  }
  return primes;
}

const primes = firstPrimes(64);
export const roundConstants = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
export const initialState = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

const schedule = new Int32Array(64);
const state = new Int32Array(8);
const tail = new Uint8Array(2 * blockBytes);

function expandSchedule(bytes: Uint8Array, offset: number): void {
  for (let i = 0, at = offset; i < 16; i++, at += 4) {
    schedule[i] = (byte(bytes, at) << 24) | (byte(bytes, at + 1) << 16) | (byte(bytes, at + 2) << 8) | byte(bytes, at + 3);
  }
  for (let i = 16; i < 64; i++) {
    const x = word(schedule, i - 15);
    const y = word(schedule, i - 2);
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    schedule[i] = (word(schedule, i - 16) + s0 + word(schedule, i - 7) + s1) | 0;
  }
}

function compress(bytes: Uint8Array, offset: number): void {
  expandSchedule(bytes, offset);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + word(roundConstants, i) + word(schedule, i)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  const sums = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i++) {
    state[i] = (word(state, i) + (sums[i] ?? 0)) | 0;
  }
}

/** The index is always in range; the fallback only satisfies `noUncheckedIndexedAccess`. */
function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

function word(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}

/** Writes SHA-256 of `bytes` to `target` at `offset`. */
export function sha256Portable(bytes: Uint8Array, target: Uint8Array, offset: number): void {
  state.set(initialState);
  const wholeBytes = bytes.length - (bytes.length % blockBytes);
  for (let at = 0; at < wholeBytes; at += blockBytes) {
    compress(bytes, at);
  }
  const restBytes = bytes.length - wholeBytes;
  tail.fill(0);
  tail.set(bytes.subarray(wholeBytes));
  tail[restBytes] = 0x80;
  const tailBytes = restBytes < blockBytes - 8 ? blockBytes : 2 * blockBytes;
  const view = new DataView(tail.buffer);
  view.setUint32(tailBytes - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(tailBytes - 4, bytes.length << 3);
  for (let at = 0; at < tailBytes; at += blockBytes) {
    compress(tail, at);
  }
  const out = new DataView(target.buffer, target.byteOffset, target.byteLength);
  for (let i = 0; i < 8; i++) {
    out.setInt32(offset + 4 * i, word(state, i));
  }
}
