import { createCipheriv, createDecipheriv, type Cipheriv, type Decipheriv, type KeyObject } from 'node:crypto';
import { saltBytes, streamAlignmentBytes } from '@countersign/ledger/format';

const algorithm = 'aes-256-ctr';
const counterBytes = 16;
/** Bytes of keystream that one call into the cipher draws. Small bodies are then masked without a call of their own. */
const drawBytes = 16 * 1024;
/** Most bytes of a body that is masked with drawn keystream. Larger bodies go through the cipher directly. */
export const drawnBodyBytesMax = 2048;

const zeros = Buffer.alloc(drawBytes);

/**
 * The keystream of one secret for writing. It gives out each position once (docs/formats/journal.md, Sealing). A secret has only one
 * Keystream, in one process, ever; this makes counter mode safe here.
 */
export class Keystream {
  readonly #cipher: Cipheriv;
  #drawn = new DataView(new ArrayBuffer(0));
  /** Position in the stream of the first byte of `#drawn`. */
  #drawnAt = 0;
  #used = drawBytes;
  /** Position of the cipher, a multiple of 16. */
  #position = 0;

  constructor(secret: KeyObject) {
    this.#cipher = createCipheriv(algorithm, secret, Buffer.alloc(counterBytes));
  }

  /**
   * Reserves salt and mask for a body of `bytes` ≤ `drawnBodyBytesMax`: from `start` on, `keystream` holds 32 bytes of salt, followed by the mask.
   */
  draw(bytes: number): { readonly position: number; readonly keystream: DataView; readonly start: number } {
    const wanted = aligned(saltBytes + bytes);
    if (drawBytes - this.#used < wanted) {
      const drawn = this.#cipher.update(zeros);
      this.#drawn = new DataView(drawn.buffer, drawn.byteOffset, drawn.length);
      this.#drawnAt = this.#position;
      this.#position += drawBytes;
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += wanted;
    return { position: this.#drawnAt + start, keystream: this.#drawn, start };
  }

  /**
   * Encrypts `input`, whose first 32 bytes must be zeros (they become the salt), and returns a new buffer.
   * Keystream that was drawn and not used is skipped.
   */
  encrypt(input: Uint8Array): { readonly position: number; readonly output: Buffer } {
    const position = this.#position;
    const output = this.#cipher.update(input);
    const rest = aligned(input.length) - input.length;
    if (rest > 0) {
      this.#cipher.update(zeros.subarray(0, rest));
    }
    this.#position += input.length + rest;
    this.#used = drawBytes;
    return { position, output };
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / streamAlignmentBytes) * streamAlignmentBytes;
}

/** The keystream of one secret for reading. Bodies of a session follow one another, so it draws for many small ones at once. */
export class KeystreamReader {
  readonly #secret: KeyObject;
  #drawn = Buffer.alloc(0);
  /** Position in the stream of the first byte of `#drawn`. */
  #drawnAt = 0;

  constructor(secret: KeyObject) {
    this.#secret = secret;
  }

  /** Decrypts a body that was sealed at `position` into its salt and its encoded form. */
  unseal(position: number, stored: Uint8Array): { readonly salt: Buffer; readonly encoded: Buffer } {
    if (stored.length > drawnBodyBytesMax) {
      const decipher = this.#from(position);
      return { salt: decipher.update(zeros.subarray(0, saltBytes)), encoded: decipher.update(stored) };
    }
    const end = position + saltBytes + stored.length;
    if (position < this.#drawnAt || end > this.#drawnAt + this.#drawn.length) {
      this.#drawn = this.#from(position).update(zeros);
      this.#drawnAt = position;
    }
    const at = position - this.#drawnAt;
    const encoded = Buffer.from(stored);
    for (let i = 0, from = at + saltBytes; i < encoded.length; i++, from++) {
      encoded[i] = (encoded[i] ?? 0) ^ (this.#drawn[from] ?? 0);
    }
    return { salt: Buffer.from(this.#drawn.subarray(at, at + saltBytes)), encoded };
  }

  #from(position: number): Decipheriv {
    const counter = Buffer.alloc(counterBytes);
    counter.writeBigUInt64BE(BigInt(position / streamAlignmentBytes), 8);
    return createDecipheriv(algorithm, this.#secret, counter);
  }
}
