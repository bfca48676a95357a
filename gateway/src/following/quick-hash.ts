const wordRounds = 2;
const lastRounds = 4;

/**
 * Returns HalfSipHash-2-4 of the units from `start` to `end`, in UTF-16: a number of 32 bits. It is fast for short texts. Who knows the hashes of some texts can't find
 * the key of 64 bits, so that a hash tells nothing of other texts. https://github.com/veorq/SipHash
 */
export function quickHash([low, high]: readonly [number, number], units: Uint16Array, start: number, end: number): number {
  let v0 = low;
  let v1 = high;
  let v2 = low ^ 0x6c796765;
  let v3 = high ^ 0x74656462;
  const length = end - start;
  const last = length >> 1;
  for (let at = 0; at <= last + 1; at += 1) {
    const first = start + at * 2;
    const isEnd = at > last;
    const word = isEnd
      ? 0
      : at < last
        ? (units[first] ?? 0) | ((units[first + 1] ?? 0) << 16)
        : (((length * 2) & 0xff) << 24) | (length % 2 === 1 ? (units[first] ?? 0) : 0);
    v2 ^= isEnd ? 0xff : 0;
    v3 ^= word;
    for (let round = isEnd ? lastRounds : wordRounds; round > 0; round -= 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}
