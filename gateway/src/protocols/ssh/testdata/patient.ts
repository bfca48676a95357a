import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Identification } from '../identification.ts';

/** A socket for ssh2, which loses bytes of an identification that comes in more than two pieces. */
export class PatientSocket extends Duplex {
  readonly #socket: Socket;
  readonly #identification = new Identification();

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      const readable = this.#identification.take(bytes);
      if (readable.length > 0 && !this.push(readable)) {
        socket.pause();
      }
    });
    socket.once('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, callback);
  }

  override _final(callback: () => void): void {
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }
}
