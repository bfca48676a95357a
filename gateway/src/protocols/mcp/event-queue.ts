import type { GatewayError } from '../../domain/errors.ts';

export interface QueueOwner {
  /** So many bytes more, or fewer, wait in the queue. */
  onQueued(bytes: number): void;
  /** Nothing more is read: the events are through, or the reader left. */
  onLeft(): void;
}

/** Messages that wait to be read as text/event-stream, by one reader. */
export class EventQueue implements AsyncIterable<Buffer> {
  readonly #owner: QueueOwner;
  #events: Buffer[] = [];
  #end: { readonly error: GatewayError | null } | null = null;
  #wake: () => void = () => {};

  constructor(owner: QueueOwner) {
    this.#owner = owner;
  }

  /** A message on one line. */
  push(line: Buffer): void {
    if (this.#end === null) {
      const event = Buffer.concat([Buffer.from('event: message\ndata: '), line, Buffer.from('\n\n')]);
      this.#events.push(event);
      this.#owner.onQueued(event.length);
      this.#wake();
    }
  }

  /** What waits is still read; then the reader gets the end, or the error. */
  end(error: GatewayError | null): void {
    this.#end ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const event = this.#events.shift();
        if (event !== undefined) {
          this.#owner.onQueued(-event.length);
          yield event;
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
      this.#owner.onQueued(-this.#events.reduce((bytes, { length }) => bytes + length, 0));
      this.#events = [];
      this.#owner.onLeft();
    }
  }
}
