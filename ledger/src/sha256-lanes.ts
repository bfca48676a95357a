/**
 * Hashes many short messages of one length with SHA-256 at once, four in a call, in the four 32-bit lanes of WebAssembly's vectors. For messages of a few
 * blocks, such as leaves and tree nodes, the call of Node's one-shot hash costs more than the hashing.
 *
 * The WebAssembly function is assembled below, instruction by instruction, from the formulas of FIPS 180-4 §6.2.2. It compresses four padded messages that lie
 * at equal distances in its memory. It writes the digest of each once it has read as many blocks as `blocksAt` says for its lane:
 *
 * compress(message: i32, distance: i32, blocksMax: i32, digests: i32)
 *
 * If WebAssembly or its vector instructions are not available, the messages are hashed one by one.
 */
import { sha256Into } from './crypto.ts';
import { initialState, roundConstants } from './sha256.ts';

const blockBytes = 64;
const digestBytes = 32;
const lanes = 4;

/** Most messages that `HashLanes` takes at once. */
export const laneMessagesMax = 256;

/** The offset of the number of blocks of each lane, as i32. Before it are 64 round constants, each four times. */
export const blocksAt = 1024;
/** The offset at which free memory begins. */
export const lanesFreeAt = 1088;

const digestsAt = lanesFreeAt;
const messagesAt = digestsAt + laneMessagesMax * digestBytes;

/** Instructions, nested as they are written. `flatten` makes bytes of them. */
type Code = readonly (number | Code)[];

function flatten(code: Code): readonly number[] {
  const nested: readonly unknown[] = code;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that is not an array is a number
  return nested.flat(Infinity) as number[];
}

/** Encodes a number as unsigned LEB128. */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, unsigned(value >>> 7)];
}

/** Makes an i32 constant from 0 to 127, which is encoded as signed LEB128. */
function constant(value: number): Code {
  return [0x41, value < 64 ? value : [(value & 127) | 128, 0]];
}

function vector(opcode: number, ...immediates: number[]): Code {
  return [0xfd, unsigned(opcode), immediates];
}

const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
const addWord: Code = [0x6a];
const equalWords: Code = [0x46];
const lessWord: Code = [0x49];
const add = vector(0xae);
const or = vector(0x50);
const xor = vector(0x51);
/** Computes `(first & mask) | (second & ~mask)`; the operands are given in this order. */
const select = vector(0x52);
const shiftLeft = (bits: number): Code => [constant(bits), vector(0xab)];
const shiftRight = (bits: number): Code => [constant(bits), vector(0xad)];
const loadWord = (offset: number): Code => [0x28, 2, unsigned(offset)];
const load = (offset: number): Code => [vector(0x00, 4), unsigned(offset)];
const loadLane = (lane: number, offset: number): Code => [vector(0x56, 0), unsigned(offset), lane];
const storeLane = (lane: number, offset: number): Code => [vector(0x5a, 0), unsigned(offset), lane];
/** Reverses the bytes of each word, because messages and digests are big-endian and vectors are little-endian. */
const swapBytes = (local: number): Code => [get(local), get(local), vector(0x0d, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)];

// The locals are the parameters, a pointer for each lane, then vectors.
const [message, distance, blocksMax, digests, done] = [0, 1, 2, 3, 4];
const parameters = 4;
const pointer = (lane: number): number => 5 + lane;
const schedule = (i: number): number => 9 + (i & 15);
/** The working variables a to h in round t. The rounds rename them instead of moving them. */
const working = (i: number, t: number): number => 25 + ((i - t) & 7);
const state = (i: number): number => 33 + i;
const temporary = 41;
const wordLocals = 5;
const vectorLocals = 33;

const allLanes = [0, 1, 2, 3];
const allWords = [0, 1, 2, 3, 4, 5, 6, 7];
const allRounds = Array.from({ length: 64 }, (_, t) => t);

const rotateRight = (local: number, bits: number): Code => [[get(local), shiftRight(bits)], [get(local), shiftLeft(32 - bits)], or];

/** The exclusive or of two rotations and `last`, which is a third rotation or a shift. */
const sigma = (local: number, bits: readonly [number, number], last: Code): Code => [
  [rotateRight(local, bits[0]), rotateRight(local, bits[1]), xor],
  [last, xor],
];

/** W[t] = W[t-16] + σ0(W[t-15]) + W[t-7] + σ1(W[t-2]), in place of W[t-16]. */
function expand(t: number): Code {
  const [w1, w14] = [schedule(t + 1), schedule(t + 14)];
  return [
    get(schedule(t)),
    [sigma(w1, [7, 18], [get(w1), shiftRight(3)]), add],
    [get(schedule(t + 9)), add],
    [sigma(w14, [17, 19], [get(w14), shiftRight(10)]), add],
    set(schedule(t)),
  ];
}

function round(t: number): Code {
  const [a, b, c, d] = [working(0, t), working(1, t), working(2, t), working(3, t)];
  const [e, f, g, h] = [working(4, t), working(5, t), working(6, t), working(7, t)];
  return [
    t < 16 ? [] : expand(t),
    // T1 = h + Σ1(e) + Ch(e, f, g) + K[t] + W[t]
    get(h),
    [sigma(e, [6, 11], rotateRight(e, 25)), add],
    [get(f), get(g), get(e), select, add],
    [constant(0), load(16 * t), add],
    [get(schedule(t)), add],
    set(temporary),
    // d, the next e: d + T1
    [get(d), get(temporary), add, set(d)],
    // h, the next a: T1 + Σ0(a) + Maj(a, b, c); Maj is c where a and b differ, otherwise a
    get(temporary),
    [sigma(a, [2, 13], rotateRight(a, 22)), add],
    [get(c), get(a), [get(a), get(b), xor], select, add],
    set(h),
  ];
}

function loadSchedule(i: number): Code {
  const word = schedule(i);
  const loads = allLanes.map((lane) => [get(pointer(lane)), get(word), loadLane(lane, 4 * i), set(word)]);
  return [loads, swapBytes(word), set(word)];
}

/** Stores the digest of a lane whose message ends with this block. */
function storeDigest(lane: number): Code {
  const stores = allWords.map((i) => [swapBytes(state(i)), set(temporary), get(digests), get(temporary), storeLane(lane, digestBytes * lane + 4 * i)]);
  return [[constant(0), loadWord(blocksAt + 4 * lane), get(done), equalWords], [0x04, 0x40], stores, 0x0b];
}

function splat(value: number): Code {
  const bytes = [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
  return [vector(0x0c), bytes, bytes, bytes, bytes];
}

function functionBody(): Code {
  const loop = [0x03, 0x40];
  const branchIf = [0x0d, 0];
  const end = 0x0b;
  return [
    allWords.map((i) => [splat(initialState[i] ?? 0), set(state(i))]),
    [get(message), set(pointer(0))],
    [1, 2, 3].map((lane) => [get(pointer(lane - 1)), get(distance), addWord, set(pointer(lane))]),
    loop,
    allRounds.slice(0, 16).map(loadSchedule),
    allWords.map((i) => [get(state(i)), set(working(i, 0))]),
    allRounds.map(round),
    allWords.map((i) => [get(state(i)), get(working(i, 64)), add, set(state(i))]),
    allLanes.map((lane) => [get(pointer(lane)), constant(blockBytes), addWord, set(pointer(lane))]),
    [get(done), constant(1), addWord, set(done)],
    allLanes.map(storeDigest),
    [get(done), get(blocksMax), lessWord, branchIf, end],
    end,
  ];
}

function section(id: number, content: Code): Code {
  const bytes = flatten(content);
  return [id, unsigned(bytes.length), bytes];
}

/** https://webassembly.github.io/spec/core/binary/modules.html */
function moduleBytes(): Uint8Array {
  const [i32, v128] = [0x7f, 0x7b];
  const locals = [2, wordLocals, i32, vectorLocals, v128];
  const body = flatten([locals, functionBody()]);
  const code: Code = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [1, 0x60, parameters, i32, i32, i32, i32, 0]), // one type of function
    section(3, [1, 0]), // one function of it
    section(5, [1, 0, 1]), // one memory of one page
    section(7, [2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0]), // exported as "m" and "f"
    section(10, [1, unsigned(body.length), body]),
  ];
  return Uint8Array.from(flatten(code));
}

export type Compress = (message: number, distance: number, blocksMax: number, digests: number) => void;

/** The parts of the global `WebAssembly` that are used here, with the exports of the module above. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => {
    readonly exports: { readonly m: { readonly buffer: ArrayBuffer }; readonly f: Compress };
  };
}

function isWebAssembly(value: unknown): value is WebAssemblyApi {
  return typeof value === 'object' && value !== null && 'Module' in value && 'Instance' in value;
}

interface Instance {
  /** 64 KiB. */
  readonly memory: Uint8Array;
  readonly compress: Compress;
}

/** All instances are of one module: to assemble and compile it takes some ten milliseconds. */
let module: object | undefined;

/** Undefined if WebAssembly is missing, is forbidden by a content security policy, or has no vectors. */
export function instantiateLanes(): Instance | undefined {
  const api: unknown = Reflect.get(globalThis, 'WebAssembly');
  if (!isWebAssembly(api)) {
    return undefined;
  }
  try {
    module ??= new api.Module(moduleBytes());
    const { m, f } = new api.Instance(module).exports;
    const view = new DataView(m.buffer);
    for (const [i, word] of roundConstants.entries()) {
      for (let lane = 0; lane < lanes; lane++) {
        view.setInt32(16 * i + 4 * lane, word, true);
      }
    }
    return { memory: new Uint8Array(m.buffer), compress: f };
  } catch {
    return undefined;
  }
}

/** Hashes messages that consist of one prefix byte and a body of a fixed length. */
export class HashLanes {
  /** The bodies. The body of message i begins at `bodyAt + i * stride`. */
  readonly memory: Uint8Array;
  readonly bodyAt = messagesAt + 1;
  readonly stride: number;
  /** The digests of the last call of `hash`, 32 bytes each. */
  readonly digests: Uint8Array;
  readonly #messageBytes: number;
  readonly #compress: Compress | undefined;

  /** `useVectors` is false only in tests of the implementation without vectors. */
  constructor(prefix: number, bodyBytes: number, useVectors = true) {
    this.#messageBytes = 1 + bodyBytes;
    this.stride = Math.ceil((this.#messageBytes + 9) / blockBytes) * blockBytes;
    if (messagesAt + laneMessagesMax * this.stride > 65_536) {
      throw new RangeError('messages too long for the lanes');
    }
    const instance = useVectors ? instantiateLanes() : undefined;
    this.#compress = instance?.compress;
    this.memory = instance?.memory ?? new Uint8Array(65_536);
    this.digests = this.memory.subarray(digestsAt, messagesAt);
    const view = new DataView(this.memory.buffer);
    for (let lane = 0; lane < lanes; lane++) {
      view.setInt32(blocksAt + 4 * lane, this.stride / blockBytes, true);
    }
    for (let i = 0; i < laneMessagesMax; i++) {
      const start = messagesAt + i * this.stride;
      this.memory[start] = prefix;
      this.memory[start + this.#messageBytes] = 0x80;
      view.setUint32(start + this.stride - 4, 8 * this.#messageBytes);
    }
  }

  /** Computes the digests of the first `count` messages, at most 256. */
  hash(count: number): void {
    const { stride } = this;
    for (let i = 0; i < count; i += lanes) {
      const start = messagesAt + i * stride;
      // For one message, four lanes cost more than one call of the one-shot hash.
      if (this.#compress !== undefined && count - i > 1) {
        this.#compress(start, stride, stride / blockBytes, digestsAt + i * digestBytes);
      } else {
        this.#hashEach(i, Math.min(count, i + lanes));
      }
    }
  }

  #hashEach(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const start = messagesAt + i * this.stride;
      const bytes = this.memory.subarray(start, start + this.#messageBytes);
      sha256Into(bytes, this.digests, i * digestBytes);
    }
  }
}
