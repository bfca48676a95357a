import { GatewayError } from '../../domain/errors.ts';

/** A frame up to this many bytes is one piece. A longer frame comes in pieces of at least this size, except the last. Nothing more of a frame is held. */
const pieceBytes = 64 * 1024;
const headBytesMax = 14;
const controlBytesMax = 125;

const opcodes = new Map([
  [0, 'continuation'],
  [1, 'text'],
  [2, 'binary'],
  [8, 'close'],
  [9, 'ping'],
  [10, 'pong'],
]);

export interface FrameHead {
  readonly opcode: string;
  /** True if the message ends with this frame. */
  readonly isFinal: boolean;
  readonly isControl: boolean;
  /** The mask: four bytes, or none. */
  readonly mask: Buffer;
  readonly headBytes: number;
  readonly payloadBytes: number;
}

/** A frame, or a part of a long one: the bytes exactly as they came. */
export interface FramePiece {
  readonly head: FrameHead;
  /** Position of this piece in the frame's payload, in bytes. The first piece has the frame's head before it. */
  readonly offset: number;
  readonly isLast: boolean;
  readonly bytes: readonly Buffer[];
}

/** Splits one direction of a WebSocket connection into frames (RFC 6455, 5). Extensions are not known here: a frame that sets their bits is a violation. */
export class FrameReader {
  readonly #isMasked: boolean;
  #arrived: Buffer[] = [];
  #arrivedBytes = 0;
  #head: FrameHead | null = null;
  /** Payload bytes of the current frame that were handed out so far. */
  #offset = 0;
  #isInMessage = false;
  #hasClosed = false;

  /** `isMasked` is true for frames of a client. */
  constructor(isMasked: boolean) {
    this.#isMasked = isMasked;
  }

  push(bytes: Buffer): void {
    this.#arrived.push(bytes);
    this.#arrivedBytes += bytes.length;
  }

  /** True if a part of a frame was given out: its receiver can get nothing else before the end of the frame. */
  get isInFrame(): boolean {
    return this.#offset > 0;
  }

  /** Returns the next piece; null until more bytes arrive. Throws GatewayError `malformed` for a violation of the protocol; after that nothing more is read. */
  next(): FramePiece | null {
    this.#head ??= this.#readHead();
    const head = this.#head;
    if (head === null) {
      return null;
    }
    const total = head.headBytes + head.payloadBytes;
    const left = total - this.#offset;
    if (this.#arrivedBytes < Math.min(left, pieceBytes)) {
      return null;
    }
    const size = Math.min(left, this.#arrivedBytes);
    const bytes = this.#take(size);
    const offset = Math.max(0, this.#offset - head.headBytes);
    this.#offset += size;
    const isLast = this.#offset === total;
    if (isLast) {
      this.#head = null;
      this.#offset = 0;
    }
    return { head, offset, isLast, bytes };
  }

  #readHead(): FrameHead | null {
    const start = this.#peek(headBytesMax);
    const head = parseFrameHead(start);
    if (head === null) {
      return null;
    }
    if (this.#hasClosed) {
      throw violation('a frame follows the one that closes');
    }
    if (head.mask.length > 0 !== this.#isMasked) {
      throw violation(this.#isMasked ? 'a frame of the client is not masked' : 'a frame of the server is masked');
    }
    if (head.isControl) {
      this.#hasClosed = head.opcode === 'close';
    } else {
      if ((head.opcode === 'continuation') !== this.#isInMessage) {
        throw violation('a message begins within another, or goes on without a beginning');
      }
      this.#isInMessage = !head.isFinal;
    }
    return head;
  }

  #peek(bytesMax: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#arrived;
    if (first.length >= bytesMax || this.#arrived.length <= 1) {
      return first.subarray(0, bytesMax);
    }
    const joined = Buffer.concat(this.#arrived);
    this.#arrived = [joined];
    return joined.subarray(0, bytesMax);
  }

  #take(bytes: number): Buffer[] {
    const taken: Buffer[] = [];
    let left = bytes;
    while (left > 0) {
      const first = this.#arrived[0];
      if (first === undefined) {
        break;
      }
      if (first.length > left) {
        this.#arrived[0] = first.subarray(left);
        taken.push(first.subarray(0, left));
        break;
      }
      this.#arrived.shift();
      taken.push(first);
      left -= first.length;
    }
    this.#arrivedBytes -= bytes;
    return taken;
  }
}

/** Parses the head of a frame. Null if it is not complete yet. Throws GatewayError `malformed`. */
function parseFrameHead(bytes: Buffer): FrameHead | null {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) {
    return null;
  }
  const opcode = opcodes.get(first & 0x0f);
  const isFinal = (first & 0x80) !== 0;
  const isControl = (first & 0x08) !== 0;
  const short = second & 0x7f;
  if (opcode === undefined || (first & 0x70) !== 0) {
    throw violation('an opcode or a bit that means nothing without an extension');
  }
  if (isControl && (!isFinal || short > controlBytesMax || (opcode === 'close' && short === 1))) {
    throw violation('a control frame in parts, too long, or with half a code');
  }
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const maskBytes = (second & 0x80) === 0 ? 0 : 4;
  const headBytes = 2 + lengthBytes + maskBytes;
  if (bytes.length < headBytes) {
    return null;
  }
  const payloadBytes = readLength(bytes, lengthBytes, short);
  return { opcode, isFinal, isControl, mask: Buffer.from(bytes.subarray(headBytes - maskBytes, headBytes)), headBytes, payloadBytes };
}

function readLength(bytes: Buffer, lengthBytes: number, short: number): number {
  if (lengthBytes === 0) {
    return short;
  }
  const length = lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (length < (lengthBytes === 2 ? 126 : 65_536) || !Number.isSafeInteger(length)) {
    throw violation('a length in more bytes than it takes, or more than there can be');
  }
  return length;
}

/** Joins the payloads of consecutive frames. Of a last frame that is cut off, the available part is used. Bytes that are no frame end the result. */
export function joinPayloads(bytes: Buffer): Buffer {
  const payloads: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const head = readHead(bytes.subarray(at));
    if (head === null) {
      break;
    }
    const start = at + head.headBytes;
    at = start + head.payloadBytes;
    payloads.push(unmask(bytes.subarray(start, at), head.mask, 0));
  }
  return payloads.length === 1 && payloads[0] !== undefined ? payloads[0] : Buffer.concat(payloads);
}

/** Returns the payload in a piece of a frame. */
export function payloadIn({ head, offset, bytes }: FramePiece): Buffer {
  return unmask(Buffer.concat(bytes).subarray(offset === 0 ? head.headBytes : 0), head.mask, offset);
}

/** Reads the head of a frame; null if it is not whole. */
export function readHead(bytes: Buffer): FrameHead | null {
  try {
    return parseFrameHead(bytes);
  } catch {
    return null;
  }
}

/** Makes a message of the gateway's own to a client, in one frame. */
export function composeText(text: string): Buffer {
  return composeMessage(text, 'text');
}

/** Makes a message in one frame, with the opcode `text` or `binary`. It has a mask if it is sent to a server. */
export function composeMessage(text: string, opcode: string, mask: Uint8Array | null = null): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10);
  const isMasked = mask === null ? 0 : 0x80;
  head[0] = opcode === 'binary' ? 0x82 : 0x81;
  if (head.length === 2) {
    head[1] = payload.length | isMasked;
  } else if (head.length === 4) {
    head[1] = 126 | isMasked;
    head.writeUInt16BE(payload.length, 2);
  } else {
    head[1] = 127 | isMasked;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return withPayload(head, payload, mask);
}

/** Makes a close frame. It has a mask if it is sent to a server. A reason that is too long is cut. */
export function composeClose(code: number, reason: string, mask: Uint8Array | null): Buffer {
  const fitting = Buffer.alloc(controlBytesMax);
  fitting.writeUInt16BE(code, 0);
  // Only whole characters are written.
  const payload = fitting.subarray(0, 2 + fitting.write(reason, 2));
  return withPayload(Buffer.from([0x88, payload.length | (mask === null ? 0 : 0x80)]), payload, mask);
}

function withPayload(head: Buffer, payload: Buffer, mask: Uint8Array | null): Buffer {
  return mask === null ? Buffer.concat([head, payload]) : Buffer.concat([head, mask, unmask(payload, mask, 0)]);
}

/** Applies a mask; a second time undoes it. `offset` is the position of the bytes in the frame's payload. */
export function unmask(bytes: Uint8Array, mask: Uint8Array, offset: number): Buffer {
  const plain = Buffer.from(bytes);
  if (mask.length > 0) {
    for (let i = 0; i < plain.length; i += 1) {
      plain[i] = (plain[i] ?? 0) ^ (mask[(offset + i) % mask.length] ?? 0);
    }
  }
  return plain;
}

function violation(what: string): GatewayError {
  return new GatewayError('malformed', `This is not WebSocket: ${what}.`);
}
