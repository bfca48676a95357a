import type { GatewayError } from '../../domain/errors.ts';

export interface QueueOwner {
  /** Called when the number of bytes in the queue has changed by `bytes`, which is negative if fewer wait. */
  onQueued(bytes: number): void;
  /** Called when nothing more will be read: all lines were read, or the reader left. */
  onLeft(): void;
}

/** Lines of a server that wait for their one reader. */
export class EventQueue implements AsyncIterable<Buffer> {
  readonly #owner: QueueOwner;
  #lines: Buffer[] = [];
  #end: { readonly error: GatewayError | null } | null = null;
  #wake: () => void = () => {};

  constructor(owner: QueueOwner) {
    this.#owner = owner;
  }

  /** True if the line that was read last is the last one. */
  get isOver(): boolean {
    return this.#end !== null && this.#end.error === null && this.#lines.length === 0;
  }

  push(line: Buffer): void {
    if (this.#end === null) {
      this.#lines.push(line);
      this.#owner.onQueued(line.length);
      this.#wake();
    }
  }

  /** Ends the queue. The reader still gets the lines that wait, and then the end or the error. */
  end(error: GatewayError | null): void {
    this.#end ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const line = this.#lines.shift();
        if (line !== undefined) {
          this.#owner.onQueued(-line.length);
          yield line;
        } else if (this.#end === null) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else if (this.#end.error === null) {
          return;
        } else {
          throw this.#end.error;
        }
      }
    } finally {
      this.#end ??= { error: null };
      this.#owner.onQueued(-this.#lines.reduce((bytes, { length }) => bytes + length, 0));
      this.#lines = [];
      this.#owner.onLeft();
    }
  }
}
