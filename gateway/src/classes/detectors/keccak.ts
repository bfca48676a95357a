/** Keccak-256, as Ethereum uses it (the padding of SHA-3 came later), for EIP-55. Returns the digest of ASCII text in hex. Text has at most 135 characters. */
export function keccak256(text: string): string {
  const bytes = new Uint8Array(200);
  for (let i = 0; i < text.length; i += 1) {
    bytes[i] = text.charCodeAt(i);
  }
  bytes[text.length] = 1;
  bytes[135] = 0x80;
  // The state is 25 lanes of 64 bits, each as two words of 32: the low one first.
  const state = new Int32Array(bytes.buffer);
  for (const constant of roundConstants) {
    mixColumns(state);
    permute(state, constant);
  }
  return Array.from(bytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const rounds = 24;

/** Makes the constants of the rounds by the shift register of FIPS 202, 3.2.5. */
function makeRoundConstants(): (readonly [number, number])[] {
  let register = 1;
  const nextBit = (): number => {
    const bit = register & 1;
    register = (register & 0x80) === 0 ? register << 1 : ((register << 1) ^ 0x71) & 0xff;
    return bit;
  };
  return Array.from({ length: rounds }, () => {
    let low = 0;
    let high = 0;
    for (let j = 0; j < 7; j += 1) {
      const place = (1 << j) - 1;
      if (nextBit() === 1) {
        low ^= place < 32 ? 1 << place : 0;
        high ^= place < 32 ? 0 : 1 << (place - 32);
      }
    }
    return [low, high] as const;
  });
}

const roundConstants: readonly (readonly [number, number])[] = makeRoundConstants();

const word = (words: Int32Array, at: number): number => words[at] ?? 0;

/** Returns the low and the high word of a lane that is rotated to the left. */
function rotate(low: number, high: number, by: number): readonly [number, number] {
  const [a, b] = by < 32 ? [low, high] : [high, low];
  const shift = by % 32;
  return shift === 0 ? [a, b] : [(a << shift) | (b >>> (32 - shift)), (b << shift) | (a >>> (32 - shift))];
}

/** Theta. */
function mixColumns(state: Int32Array): void {
  const columns = new Int32Array(10);
  for (let i = 0; i < 50; i += 1) {
    columns[i % 10] = word(columns, i % 10) ^ word(state, i);
  }
  for (let x = 0; x < 5; x += 1) {
    const right = ((x + 1) % 5) * 2;
    const left = ((x + 4) % 5) * 2;
    const [low, high] = rotate(word(columns, right), word(columns, right + 1), 1);
    for (let y = 0; y < 5; y += 1) {
      const at = (y * 5 + x) * 2;
      state[at] = word(state, at) ^ word(columns, left) ^ low;
      state[at + 1] = word(state, at + 1) ^ word(columns, left + 1) ^ high;
    }
  }
}

/** Rho, pi, chi and iota. */
function permute(state: Int32Array, [constantLow, constantHigh]: readonly [number, number]): void {
  const moved = new Int32Array(50);
  moved[0] = word(state, 0);
  moved[1] = word(state, 1);
  let [x, y] = [1, 0];
  for (let t = 0; t < rounds; t += 1) {
    const from = (y * 5 + x) * 2;
    const [low, high] = rotate(word(state, from), word(state, from + 1), (((t + 1) * (t + 2)) / 2) % 64);
    [x, y] = [y, (2 * x + 3 * y) % 5];
    moved[(y * 5 + x) * 2] = low;
    moved[(y * 5 + x) * 2 + 1] = high;
  }
  for (let row = 0; row < 50; row += 10) {
    for (let i = 0; i < 10; i += 1) {
      state[row + i] = word(moved, row + i) ^ (~word(moved, row + ((i + 2) % 10)) & word(moved, row + ((i + 4) % 10)));
    }
  }
  state[0] = word(state, 0) ^ constantLow;
  state[1] = word(state, 1) ^ constantHigh;
}
