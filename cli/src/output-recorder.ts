import type { Readable, Writable } from 'node:stream';
import type { ApiClient } from './api-client.ts';

/** Passes on what the command of a run prints, each piece once it is recorded, in the order in which the pieces came. */
export class OutputRecorder {
  readonly #api: ApiClient;
  readonly #path: string;
  #turn: Promise<void> = Promise.resolve();

  constructor(api: ApiClient, session: string) {
    this.#api = api;
    this.#path = `/api/runs/${session}/output`;
  }

  /** Resolves at the end of the stream, or when nobody takes what is passed on any more; rejects when it cannot be recorded. Holds one piece. */
  async pass(name: 'stdout' | 'stderr', from: Readable, to: Writable): Promise<void> {
    for await (const piece of from) {
      const turn = this.#turn.then(async () => {
        await this.#api.send(`${this.#path}/${name}`, piece);
        return write(to, piece);
      });
      this.#turn = turn.then(
        () => undefined,
        () => undefined,
      );
      if (!(await turn)) {
        // Leaving the loop closes the stream: the command is told by the system, as it would be without us.
        return;
      }
    }
  }
}

/** False when the reader has gone. */
async function write(to: Writable, piece: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    to.write(piece, (error) => {
      resolve(error === null || error === undefined);
    });
  });
}
