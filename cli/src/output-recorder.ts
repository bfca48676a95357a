import type { Readable, Writable } from 'node:stream';
import type { ApiClient } from './api-client.ts';

/** Passes on the output of a run's command. Each piece is recorded before it is passed on, and the pieces keep their order. */
export class OutputRecorder {
  readonly #api: ApiClient;
  readonly #path: string;
  #turn: Promise<void> = Promise.resolve();

  constructor(api: ApiClient, session: string) {
    this.#api = api;
    this.#path = `/api/v1/runs/${session}/output`;
  }

  /** Resolves at the end of the stream, or when nobody reads what is passed on. Rejects if a piece cannot be recorded. Holds one piece at a time. */
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
        // Leaving the loop closes the stream, so the operating system tells the command that nobody reads, as it would without this process.
        return;
      }
    }
  }
}

/** Resolves with false if the reader has left. */
async function write(to: Writable, piece: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    to.write(piece, (error) => {
      resolve(error === null || error === undefined);
    });
  });
}
