import { GatewayError } from '../../domain/errors.ts';

/** https://www.postgresql.org/docs/18/protocol-message-formats.html */
export const headerBytes = 5;
/** Startup packets are small; PostgreSQL's own limit is 10,000. */
export const startupBytesMax = 10_000;
export const protocolVersion3 = 3 << 16;
export const sslRequestCode = 80_877_103;
export const gssEncRequestCode = 80_877_104;
export const cancelRequestCode = 80_877_102;

/** One whole message: its type byte as a character and all of its bytes, header included. */
export interface Message {
  readonly type: string;
  readonly bytes: Buffer;
}

function malformed(what: string): GatewayError {
  return new GatewayError('malformed', `Not the PostgreSQL protocol: ${what}.`);
}

/**
 * Cuts a byte stream into whole messages, each at most `bytesMax`. A length is checked before anything is kept for it. Errors: `malformed`,
 * `limit_exceeded`.
 */
export class MessageReader {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #wanted = headerBytes;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that are no whole message yet. */
  get heldBytes(): number {
    return this.#bytes;
  }

  push(chunk: Buffer): void {
    if (chunk.length > 0) {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
    }
  }

  /** The type of the next message, when all of it is there. */
  peekType(): string | null {
    if (this.#bytes < headerBytes) {
      return null;
    }
    const head = this.#head();
    return this.#bytes >= head.readUInt32BE(1) + 1 ? String.fromCharCode(head[0] ?? 0) : null;
  }

  next(): Message | null {
    if (this.#bytes < this.#wanted) {
      return null;
    }
    const head = this.#head();
    const length = head.readUInt32BE(1) + 1;
    checkLength(length, this.#bytesMax);
    if (this.#bytes < length) {
      this.#wanted = length;
      return null;
    }
    this.#wanted = headerBytes;
    const whole = this.#join();
    const bytes = whole.subarray(0, length);
    this.#bytes -= length;
    this.#chunks = this.#bytes === 0 ? [] : [whole.subarray(length)];
    return { type: String.fromCharCode(bytes[0] ?? 0), bytes };
  }

  /** Everything that is left, when the stream is given to somebody else. */
  rest(): Buffer {
    const rest = this.#join();
    this.#chunks = [];
    this.#bytes = 0;
    return rest;
  }

  #head(): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    return first.length >= headerBytes ? first : this.#join();
  }

  #join(): Buffer {
    const [only = Buffer.alloc(0)] = this.#chunks;
    if (this.#chunks.length <= 1) {
      return only;
    }
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }
}

/** `length` counts the type byte. */
function checkLength(length: number, bytesMax: number): void {
  if (length < headerBytes || length > 0x7fff_ffff) {
    throw malformed(`a message says it is ${length - 1} bytes long`);
  }
  if (length > bytesMax) {
    throw new GatewayError('limit_exceeded', `A message of ${length} bytes is longer than the limit of ${bytesMax}.`);
  }
}

/** Reads strings and integers of one message, within its bounds. Errors: `malformed`. */
export class Fields {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number = headerBytes) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) {
      throw malformed('a string has no end');
    }
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  bytes(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  rest(): Buffer {
    return this.bytes(this.#bytes.length - this.#at);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.#bytes.length) {
      throw malformed('a message is shorter than what it says it holds');
    }
    this.#at = at + length;
    return at;
  }
}

/** A message of `type` around the given parts; strings get their closing zero. */
export function encode(type: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const body = parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part));
  const length = 4 + body.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(headerBytes);
  head.write(type, 0, 'latin1');
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, ...body]);
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A message without type byte: startup, SSLRequest, CancelRequest. */
export function encodeUntyped(...parts: readonly Uint8Array[]): Buffer {
  const length = 4 + parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([int32(length), ...parts]);
}

/** Fields of an ErrorResponse or NoticeResponse by their letter. */
export function parseNotice(bytes: Buffer): ReadonlyMap<string, string> {
  const fields = new Fields(bytes);
  const notice = new Map<string, string>();
  while (!fields.done) {
    const code = fields.uint8();
    if (code === 0) {
      break;
    }
    notice.set(String.fromCharCode(code), fields.text());
  }
  return notice;
}
