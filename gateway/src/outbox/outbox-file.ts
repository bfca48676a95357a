import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import { closeSync, fdatasync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Attributes } from '../domain/action.ts';
import { GatewayError } from '../domain/errors.ts';
import { systemErrorWords } from '../store/system-error.ts';
import { writeWholeFile } from '../store/whole-file.ts';

const fileName = 'outbox';
const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
/** The file is made anew when it is longer than this and than twice what is in it. */
const lengthMax = 1024 * 1024;
const syncFd = promisify(fdatasync);

/** A message on its way to a sink. */
export interface Message {
  /** The id that the receiver knows it by, the same at each attempt. */
  readonly id: string;
  readonly sink: string;
  /** The attributes that say what it is about: the id of an approval or of an alert. */
  readonly about: Attributes;
  readonly madeMs: number;
  readonly body: string;
}

/**
 * The file with the messages that are not sent yet: a line for each that was added, sealed, and one for each that was removed. It survives the death of the
 * process with each call, and a loss of power once `synced` has resolved.
 */
export class OutboxFile implements Disposable {
  readonly #path: string;
  readonly #key: KeyObject;
  #fd: number;
  #length: number;
  /** The lines of the messages that are in the file, by their ids. */
  readonly #lines = new Map<string, string>();
  /** The messages that were not sent when the gateway ended, the oldest first. */
  readonly left: readonly Message[];
  /** The number of lines that could not be read: the file was changed, or the root key is another one. */
  readonly unreadable: number;

  /** Throws GatewayError `cannot_record` if the file cannot be opened. */
  constructor(data: string, key: KeyObject) {
    this.#path = join(data, fileName);
    this.#key = key;
    try {
      this.#fd = openSync(this.#path, 'a+', 0o600);
      const text = readFileSync(this.#fd, 'utf8');
      this.#length = text.length;
      const { left, unreadable } = this.#read(text);
      this.left = left;
      this.unreadable = unreadable;
    } catch (cause) {
      throw cannotWrite(cause);
    }
  }

  /** Throws GatewayError `cannot_record`. */
  add(message: Message): void {
    const line = `+ ${message.id} ${this.#seal(message)}\n`;
    this.#write(line);
    this.#lines.set(message.id, line);
  }

  /** Throws GatewayError `cannot_record`: then the next start sends the message again. */
  remove(id: string): void {
    this.#lines.delete(id);
    this.#write(`- ${id}\n`);
    if (this.#length > lengthMax && this.#length > 2 * this.#livingLength) {
      this.#makeAnew();
    }
  }

  /** Resolves when all that was written is on the disk. Rejects with GatewayError `cannot_record`. */
  async synced(): Promise<void> {
    try {
      await syncFd(this.#fd);
    } catch (cause) {
      throw cannotWrite(cause);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  get #livingLength(): number {
    return this.#lines.values().reduce((sum, { length }) => sum + length, 0);
  }

  #write(text: string): void {
    try {
      this.#length += writeSync(this.#fd, text);
    } catch (cause) {
      throw cannotWrite(cause);
    }
  }

  #makeAnew(): void {
    try {
      writeWholeFile(this.#path, [...this.#lines.values()].join(''));
      closeSync(this.#fd);
      this.#fd = openSync(this.#path, 'a', 0o600);
      this.#length = this.#livingLength;
    } catch (cause) {
      throw cannotWrite(cause);
    }
  }

  /** A last line that is not whole is left out: its message was never told of. */
  #read(text: string): { readonly left: readonly Message[]; readonly unreadable: number } {
    for (const line of text.split('\n').slice(0, -1)) {
      const [sign, id = ''] = line.split(' ', 2);
      if (sign === '+') {
        this.#lines.set(id, `${line}\n`);
      } else {
        this.#lines.delete(id);
      }
    }
    const opened = [...this.#lines].map(([id, line]) => [id, this.#open(id, line.trimEnd().slice(`+ ${id} `.length))] as const);
    for (const [id] of opened.filter(([, message]) => message === null)) {
      this.#lines.delete(id);
    }
    const left = opened.flatMap(([, message]) => message ?? []);
    return { left, unreadable: opened.length - left.length };
  }

  #seal(message: Message): string {
    const nonce = randomBytes(nonceBytes);
    const sealing = createCipheriv(cipher, this.#key, nonce).setAAD(Buffer.from(message.id));
    return Buffer.concat([nonce, sealing.update(JSON.stringify(message)), sealing.final(), sealing.getAuthTag()]).toString('base64');
  }

  /** Returns null for what was not sealed with this key for this id. */
  #open(id: string, sealed: string): Message | null {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const opening = createDecipheriv(cipher, this.#key, bytes.subarray(0, nonceBytes)).setAAD(Buffer.from(id)).setAuthTag(bytes.subarray(-tagBytes));
      const text = Buffer.concat([opening.update(bytes.subarray(nonceBytes, -tagBytes)), opening.final()]).toString();
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this class seals with the key, and it seals messages
      return JSON.parse(text) as Message;
    } catch {
      return null;
    }
  }
}

function cannotWrite(cause: unknown): GatewayError {
  return new GatewayError('cannot_record', `The file ${fileName} cannot be written: ${systemErrorWords(cause) ?? 'it is not known why'}.`, { cause });
}
