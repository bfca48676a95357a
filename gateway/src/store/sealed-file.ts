import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { replaceWholeFile } from './whole-file.ts';

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** A file with one JSON value, sealed with a key and bound to the file's name. It is replaced as a whole, and on the disk when a write has resolved. */
export class SealedFile {
  readonly #path: string;
  readonly #key: KeyObject;
  readonly #name: Buffer;

  constructor(path: string, key: KeyObject) {
    this.#path = path;
    this.#key = key;
    this.#name = Buffer.from(basename(path));
  }

  /** Returns the value. Null: there is no file, or it was not sealed with this key. */
  read(): unknown {
    try {
      const bytes = readFileSync(this.#path);
      const opening = createDecipheriv(cipher, this.#key, bytes.subarray(0, nonceBytes)).setAAD(this.#name).setAuthTag(bytes.subarray(-tagBytes));
      return JSON.parse(Buffer.concat([opening.update(bytes.subarray(nonceBytes, -tagBytes)), opening.final()]).toString());
    } catch {
      return null;
    }
  }

  /** Replaces the value. Only one call at a time. Rejects with the error of the system. */
  async write(value: unknown): Promise<void> {
    const nonce = randomBytes(nonceBytes);
    const sealing = createCipheriv(cipher, this.#key, nonce).setAAD(this.#name);
    await replaceWholeFile(this.#path, Buffer.concat([nonce, sealing.update(JSON.stringify(value)), sealing.final(), sealing.getAuthTag()]));
  }
}
