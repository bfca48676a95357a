import type { Step } from '../../domain/step.ts';

export interface WaitingInput {
  readonly body: Uint8Array;
  /** Two 32-bit integers: the first is set when the step begins, and the step ends when the second is set. */
  readonly cells: SharedArrayBuffer;
}

export const step: Step<WaitingInput, string> = {
  module: import.meta.url,
  take: ({ body, cells: memory }) => {
    const cells = new Int32Array(memory);
    Atomics.store(cells, 0, 1);
    Atomics.notify(cells, 0);
    Atomics.wait(cells, 1, 0);
    return Buffer.from(body).toString();
  },
};
