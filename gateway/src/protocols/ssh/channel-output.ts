import type { Writable } from 'node:stream';
import type { ServerChannel } from 'ssh2';

/** The parts of a channel of ssh2 that have what waits for the window of the client. */
interface Waiting {
  _chunk: unknown;
  _chunkcb: unknown;
  _chunkErr: unknown;
  _chunkcbErr: unknown;
}

/**
 * Writes to the standard output and error of a channel, one piece after the other. Where both wait for the window of the client, ssh2 goes on with one of them alone, and it never
 * forgets what has waited once: it would send that again, and keep back the other. So only one piece waits in it at a time, and is removed there when it was sent.
 */
export class ChannelOutput {
  readonly #stream: ServerChannel;
  readonly #onTaken: () => void;
  readonly #queue: { readonly stream: Writable; readonly bytes: Uint8Array }[] = [];
  #queuedBytes = 0;
  #isWriting = false;
  #onEmpty: (() => void) | null = null;

  /** `onTaken` is called each time when nothing waits any more. */
  constructor(stream: ServerChannel, onTaken: () => void) {
    this.#stream = stream;
    this.#onTaken = onTaken;
  }

  /** Number of bytes that the client has not taken. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  write(bytes: Uint8Array, isError: boolean): void {
    this.#queue.push({ stream: isError ? this.#stream.stderr : this.#stream, bytes });
    this.#queuedBytes += bytes.length;
    this.#next();
  }

  /** Calls back once after all that was written. */
  finish(act: () => void): void {
    this.#onEmpty = act;
    this.#next();
  }

  #next(): void {
    if (this.#isWriting) {
      return;
    }
    const piece = this.#queue.shift();
    if (piece === undefined) {
      const act = this.#onEmpty;
      this.#onEmpty = null;
      act?.();
      return;
    }
    this.#isWriting = true;
    piece.stream.write(piece.bytes, () => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fixed version of ssh2 has these parts
      Object.assign(this.#stream as unknown as Waiting, { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined });
      this.#isWriting = false;
      this.#queuedBytes -= piece.bytes.length;
      this.#next();
      if (this.#queuedBytes === 0) {
        this.#onTaken();
      }
    });
  }
}
