import { createHash } from 'node:crypto';

/**
 * Ed25519 (RFC 8032) with a password in place of a seed, as MariaDB's `ed25519` has it. Node signs only with seeds of 32 bytes, and a password has any length. The time that this
 * takes depends on the password; only the gateway and its own target could measure it.
 */
const p = 2n ** 255n - 19n;
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const d = modulo(-121665n * power(121666n, p - 2n), p);
const scalarBytes = 32;

/** A point in extended coordinates. */
interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

const baseX = 15112221349535400772501151409588531511454012693041857206046113283949847762202n;
const baseY = 46316835694926478169428394003475163141307993866256225615783033603165251855960n;
const base: Point = { x: baseX, y: baseY, z: 1n, t: modulo(baseX * baseY, p) };
const zero: Point = { x: 0n, y: 1n, z: 1n, t: 0n };

/** Signs a message with the key that is made of a password. Returns 64 bytes. */
export function signWithPassword(password: Buffer, message: Buffer): Buffer {
  const digest = sha512(password);
  const secret = clamped(digest.subarray(0, scalarBytes));
  const publicKey = encode(multiply(secret));
  const nonce = modulo(fromBytes(sha512(digest.subarray(scalarBytes), message)), order);
  const commitment = encode(multiply(nonce));
  const challenge = modulo(fromBytes(sha512(commitment, publicKey, message)), order);
  return Buffer.concat([commitment, toBytes(modulo(nonce + challenge * secret, order))]);
}

function clamped(bytes: Buffer): bigint {
  const copy = Buffer.from(bytes);
  copy[0] = (copy[0] ?? 0) & 0xf8;
  copy[scalarBytes - 1] = ((copy[scalarBytes - 1] ?? 0) & 0x7f) | 0x40;
  return fromBytes(copy);
}

function multiply(scalar: bigint): Point {
  let sum = zero;
  let doubled = base;
  for (let left = scalar; left > 0n; left >>= 1n) {
    sum = (left & 1n) === 1n ? add(sum, doubled) : sum;
    doubled = add(doubled, doubled);
  }
  return sum;
}

/** Adds two points, of which both may be the same: RFC 8032, 5.1.4. */
function add(one: Point, other: Point): Point {
  const a = modulo((one.y - one.x) * (other.y - other.x), p);
  const b = modulo((one.y + one.x) * (other.y + other.x), p);
  const c = modulo(2n * one.t * other.t * d, p);
  const e = modulo(2n * one.z * other.z, p);
  const [f, g, h, i] = [b - a, e - c, e + c, b + a];
  return { x: modulo(f * g, p), y: modulo(h * i, p), z: modulo(g * h, p), t: modulo(f * i, p) };
}

function encode({ x, y, z }: Point): Buffer {
  const inverse = power(z, p - 2n);
  const bytes = toBytes(modulo(y * inverse, p));
  const last = bytes[scalarBytes - 1] ?? 0;
  bytes[scalarBytes - 1] = (modulo(x * inverse, p) & 1n) === 1n ? last | 0x80 : last;
  return bytes;
}

function power(value: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = modulo(value, p);
  for (let left = exponent; left > 0n; left >>= 1n) {
    result = (left & 1n) === 1n ? modulo(result * square, p) : result;
    square = modulo(square * square, p);
  }
  return result;
}

function modulo(value: bigint, by: bigint): bigint {
  const rest = value % by;
  return rest < 0n ? rest + by : rest;
}

function fromBytes(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
}

function toBytes(value: bigint): Buffer {
  return Buffer.from(Buffer.from(value.toString(16).padStart(2 * scalarBytes, '0'), 'hex').toReversed());
}

function sha512(...parts: readonly Buffer[]): Buffer {
  return createHash('sha512').update(Buffer.concat(parts)).digest();
}
