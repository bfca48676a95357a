import { GatewayError } from '../../domain/errors.ts';
import { ByteQueue } from '../../wire/byte-queue.ts';

/** Before each packet: the length of its payload in three bytes, and its number. */
const packetHeaderBytes = 4;
/** A packet of so many bytes is continued by the next one. */
const fullPacketBytes = 0xff_ff_ff;
/** Number of bytes at the beginning of a payload that come together if there are so many: they say what it is. */
const headBytesMax = 64;
const numbers = 256;
const nothing: Buffer = Buffer.alloc(0);

/** A payload, or a part of one. */
export interface PacketPiece {
  /** The bytes as they came, with their headers. */
  readonly bytes: Buffer;
  /** The whole payload. Null: the piece is only a part of one. */
  readonly payload: Buffer | null;
  /** The first bytes of the payload, at least 64 if it has so many. Empty if it does not begin here. */
  readonly head: Buffer;
  /** The length of the packet with which the payload begins. A payload in several packets has 16777215 here. */
  readonly firstPacketBytes: number;
  readonly begins: boolean;
  readonly ends: boolean;
  /** True if the bytes begin with the header of a packet. */
  readonly hasHeader: boolean;
}

/** Returns the bytes of a piece with other numbers of their packets. */
export function renumbered({ bytes, hasHeader }: Pick<PacketPiece, 'bytes' | 'hasHeader'>, shift: number): Buffer {
  if (shift === 0 || !hasHeader) {
    return bytes;
  }
  const copy = Buffer.from(bytes);
  for (let at = 0; at < copy.length; at += packetHeaderBytes + copy.readUIntLE(at, 3)) {
    copy.writeUInt8((copy.readUInt8(at + 3) + shift) % numbers, at + 3);
  }
  return copy;
}

/** Writes a payload as packets, of which the first has this number. */
export function packetsOf(payload: Uint8Array, number: number): Buffer {
  const parts: Uint8Array[] = [];
  for (let at = 0, next = number; ; at += fullPacketBytes, next += 1) {
    const part = payload.subarray(at, at + fullPacketBytes);
    const header = Buffer.alloc(packetHeaderBytes);
    header.writeUIntLE(part.length, 0, 3);
    header.writeUInt8(next % numbers, 3);
    parts.push(header, part);
    if (part.length < fullPacketBytes) {
      return Buffer.concat(parts);
    }
  }
}

/** Returns how many packets a payload of this length is in. */
export function packetCount(payloadBytes: number): number {
  return Math.floor(payloadBytes / fullPacketBytes) + 1;
}

/** Reads packets of one peer. Each has the number after that of the packet before it, of whichever side it was. https://mariadb.com/kb/en/0-packet/ */
export class PacketReader {
  readonly #queue = new ByteQueue();
  /** The packets of a payload that is awaited whole, and how many bytes its packets have. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** Number of bytes of the packet that is being given in parts that are still to come. */
  #leftBytes = 0;
  #isWithin = false;
  /** True if the packet that is being read is continued by the next one. */
  #isFull = false;
  #firstPacketBytes = 0;
  #number = 0;

  push(bytes: Buffer): void {
    this.#queue.push(bytes);
  }

  /** The number that the next packet must have. */
  get number(): number {
    return this.#number;
  }

  /** Sets the number that the next packet must have: the other side has sent some, or something new begins. */
  expect(number: number): void {
    this.#number = number % numbers;
  }

  /** True if a part of a payload was given, and not all of it. */
  get isWithin(): boolean {
    return this.#isWithin;
  }

  /** True if no byte was left that was not given. */
  get isEmpty(): boolean {
    return this.#queue.length + this.#kept.length === 0;
  }

  /** Takes the bytes that were not read. No payload may have begun. */
  rest(): Buffer {
    return this.#queue.rest();
  }

  /** Returns the next payload whole. Null: it has not come yet. Throws GatewayError `malformed`; `limit_exceeded` if it is longer. */
  whole(bytesMax: number, name: string): PacketPiece | null {
    const header = this.#queue.look(packetHeaderBytes);
    if (header !== null && this.#keptBytes + header.readUIntLE(0, 3) > bytesMax) {
      throw new GatewayError('limit_exceeded', `${name} has more than ${bytesMax} bytes.`);
    }
    const piece = this.next(bytesMax);
    if (piece !== null && piece.payload === null) {
      throw new GatewayError('limit_exceeded', `${name} has more than ${bytesMax} bytes.`);
    }
    return piece;
  }

  /** Returns the next payload, or a part of one; null if it has not come yet. A payload of at most `wholeBytesMax` bytes comes whole. Throws GatewayError `malformed`. */
  next(wholeBytesMax: number): PacketPiece | null {
    if (this.#isWithin) {
      return this.#part();
    }
    for (;;) {
      const header = this.#queue.look(packetHeaderBytes);
      if (header === null) {
        return null;
      }
      const length = header.readUIntLE(0, 3);
      this.#check(header.readUInt8(3));
      const begins = this.#kept.length === 0;
      const packet = this.#queue.look(packetHeaderBytes + length);
      if (packet === null || this.#keptBytes + length > Math.max(wholeBytesMax, begins ? length : 0)) {
        return this.#keptBytes + length <= wholeBytesMax || !this.#hasHead(length) ? null : this.#begin(length);
      }
      this.#queue.take(packet.length);
      this.#number = (this.#number + 1) % numbers;
      this.#firstPacketBytes = begins ? length : this.#firstPacketBytes;
      this.#kept.push(packet);
      this.#keptBytes += length;
      if (length < fullPacketBytes) {
        return this.#end();
      }
      if (this.#keptBytes > wholeBytesMax) {
        this.#isFull = true;
        return this.#give(nothing, { isEnd: false });
      }
    }
  }

  /** Gives the payload that was kept whole. */
  #end(): PacketPiece {
    const packets = this.#kept;
    const [first = nothing] = packets;
    this.#kept = [];
    this.#keptBytes = 0;
    const payload = packets.length === 1 ? first.subarray(packetHeaderBytes) : Buffer.concat(packets.map((packet) => packet.subarray(packetHeaderBytes)));
    return {
      bytes: packets.length === 1 ? first : Buffer.concat(packets),
      payload,
      head: payload,
      firstPacketBytes: this.#firstPacketBytes,
      begins: true,
      ends: true,
      hasHeader: true,
    };
  }

  /** Begins to give a payload in parts, or goes on with one of which the packets before were kept. */
  #begin(length: number): PacketPiece {
    const header = this.#queue.take(packetHeaderBytes) ?? nothing;
    this.#number = (this.#number + 1) % numbers;
    this.#firstPacketBytes = this.#kept.length === 0 ? length : this.#firstPacketBytes;
    this.#isFull = length === fullPacketBytes;
    const body = this.#queue.some(length);
    this.#leftBytes = length - body.length;
    return this.#give(Buffer.concat([header, body]), { isEnd: this.#leftBytes === 0 && !this.#isFull });
  }

  #give(more: Buffer, { isEnd }: { readonly isEnd: boolean }): PacketPiece {
    const bytes = Buffer.concat([...this.#kept, more]);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#isWithin = !isEnd;
    const head = bytes.subarray(packetHeaderBytes, packetHeaderBytes + headBytesMax);
    return { bytes, payload: null, head, firstPacketBytes: this.#firstPacketBytes, begins: true, ends: isEnd, hasHeader: true };
  }

  /** Gives what has come of a payload that is given in parts. */
  #part(): PacketPiece | null {
    if (this.#leftBytes > 0) {
      const bytes = this.#queue.some(this.#leftBytes);
      this.#leftBytes -= bytes.length;
      return bytes.length === 0 ? null : this.#further(bytes, { hasHeader: false, ends: this.#leftBytes === 0 && !this.#isFull });
    }
    const header = this.#queue.look(packetHeaderBytes);
    if (header === null) {
      return null;
    }
    this.#check(header.readUInt8(3));
    this.#number = (this.#number + 1) % numbers;
    const length = header.readUIntLE(0, 3);
    this.#isFull = length === fullPacketBytes;
    this.#leftBytes = length;
    return this.#further(this.#queue.take(packetHeaderBytes) ?? nothing, { hasHeader: true, ends: length === 0 });
  }

  #further(bytes: Buffer, { hasHeader, ends }: Pick<PacketPiece, 'hasHeader' | 'ends'>): PacketPiece {
    this.#isWithin = !ends;
    return { bytes, payload: null, head: nothing, firstPacketBytes: this.#firstPacketBytes, begins: false, ends, hasHeader };
  }

  #hasHead(length: number): boolean {
    return this.#kept.length > 0 || this.#queue.length >= packetHeaderBytes + Math.min(length, headBytesMax);
  }

  #check(number: number): void {
    if (number !== this.#number) {
      throw new GatewayError('malformed', `A packet has the number ${number}, and ${this.#number} must come.`);
    }
  }
}
