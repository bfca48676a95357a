import { GatewayError } from '../../domain/errors.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import type { Unit } from './client-units.ts';
import { frameHeaderBytes, frameLength } from './codec.ts';
import { frontend } from './messages.ts';

const lineFeed = 0x0a;
const lengthBytes = 4;
/** Pieces of a row that are smaller than this are joined, so that a peer that sends single bytes does not cost a buffer for each. */
const smallBytesMax = 4096;
const nothing = Buffer.alloc(0);

/**
 * Makes units of whole rows from the client's COPY data, whose messages may end within a row and come in several units. A row ends with its line feed, or with
 * the data. The beginning of a row is held until its end comes, up to `rowBytesMax` bytes.
 */
export class CopyRows {
  readonly #rowBytesMax: number;
  /** The beginning of the row that has not ended. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Bytes of the current CopyData that have not come yet. */
  #leftBytes = 0;

  constructor(rowBytesMax: number) {
    this.#rowBytesMax = rowBytesMax;
  }

  get isWithinRow(): boolean {
    return this.#heldBytes > 0;
  }

  /** Takes a unit of COPY data. Returns a unit of the rows that are whole now, in one message; null if none is. Throws GatewayError `limit_exceeded`. */
  take(unit: Unit): Unit | null {
    const { data, end } = this.#read(Buffer.concat(unit.bytes));
    const whole = unit.ends ? data.length : data.lastIndexOf(lineFeed) + 1;
    const rows = whole > 0 || unit.ends ? Buffer.concat([...this.#held, data.subarray(0, whole)]) : nothing;
    if (whole > 0 || unit.ends) {
      this.#held = [];
      this.#heldBytes = 0;
    }
    this.#hold(data.subarray(whole));
    if (rows.length === 0 && end.length === 0) {
      return null;
    }
    const message = new ByteWriter()
      .uint8(frontend.copyData)
      .int32(lengthBytes + rows.length)
      .bytes(rows)
      .finish();
    return { ...unit, bytes: [...(rows.length === 0 ? [] : [message]), ...(end.length === 0 ? [] : [end])], begunBytes: 0 };
  }

  /** Returns the data in the messages of a unit, and the message that ends them. */
  #read(bytes: Buffer): { readonly data: Buffer; readonly end: Buffer } {
    const data: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#leftBytes === 0) {
        if (bytes[at] !== frontend.copyData) {
          break;
        }
        this.#leftBytes = frameLength(bytes, at, Infinity) - frameHeaderBytes;
        at += frameHeaderBytes;
      }
      const piece = bytes.subarray(at, at + this.#leftBytes);
      data.push(piece);
      this.#leftBytes -= piece.length;
      at += piece.length;
    }
    return { data: Buffer.concat(data), end: bytes.subarray(at) };
  }

  #hold(piece: Buffer): void {
    this.#heldBytes += piece.length;
    if (this.#heldBytes > this.#rowBytesMax) {
      throw new GatewayError('limit_exceeded', `Policy changes texts of this request, and a row of its COPY data is longer than ${this.#rowBytesMax} bytes.`);
    }
    const last = this.#held.at(-1);
    if (last !== undefined && last.length + piece.length <= smallBytesMax) {
      this.#held[this.#held.length - 1] = Buffer.concat([last, piece]);
    } else if (piece.length > 0) {
      this.#held.push(piece);
    }
  }
}
