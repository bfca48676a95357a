import type { Receiver } from '../domain/byte-stream.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Asked, RecordedTarget, RequestKey } from '../domain/replay.ts';
import type { Upstream } from '../domain/upstream.ts';

/** How a protocol finds recorded answers to what is forwarded. */
export interface RecordedAnswers {
  /** Returns the request in bytes that were forwarded, with its key. Null: it has no answer. */
  readonly asked: (bytes: Buffer) => { readonly key: RequestKey; readonly asked: Asked } | null;
  /** Says an error in the protocol's words. */
  readonly failure: (error: GatewayError) => Buffer;
}

/** A server that answers each request as the recorded one did, one after the other. */
export class RecordedServer implements Upstream {
  readonly isEncrypted = false;
  readonly queuedBytes = 0;
  readonly closed: Promise<void>;
  readonly #resolveClosed: () => void;
  readonly #recorded: RecordedTarget;
  readonly #answers: RecordedAnswers;
  readonly #login: ReturnType<RecordedTarget['take']>;
  #receiver: Receiver | null = null;
  #resumed: PromiseWithResolvers<void> | null = null;
  #turn: Promise<void> = Promise.resolve();
  #isOver = false;

  /** `login` is the request to connect. Throws GatewayError `not_recorded`. */
  constructor(recorded: RecordedTarget, login: { readonly key: RequestKey; readonly asked: Asked }, answers: RecordedAnswers) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#recorded = recorded;
    this.#answers = answers;
    this.#login = recorded.take(login.key, login.asked);
  }

  /** Returns the answer to the login as it was recorded. */
  async welcome(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const { content, isAnswer } of this.#login.answer()) {
      if (isAnswer) {
        pieces.push(content);
      }
    }
    return Buffer.concat(pieces);
  }

  forward(grant: Grant): void {
    const bytes = Buffer.concat(grant.spend());
    this.#turn = this.#after(this.#turn, bytes);
  }

  async #after(before: Promise<void>, bytes: Buffer): Promise<void> {
    await before;
    try {
      const request = this.#answers.asked(bytes);
      if (request === null) {
        return;
      }
      for await (const { content } of this.#recorded.take(request.key, request.asked).answer()) {
        await this.#give(content);
      }
    } catch (error) {
      const known = error instanceof GatewayError ? error : new GatewayError('store_damaged', 'The recording cannot be read any more.', { cause: error });
      await this.#give(this.#answers.failure(known));
    }
  }

  async #give(bytes: Buffer): Promise<void> {
    await this.#resumed?.promise;
    if (!this.#isOver && bytes.length > 0) {
      this.#receiver?.onBytes(bytes);
    }
  }

  flow(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers();
  }

  resume(): void {
    this.#resumed?.resolve();
    this.#resumed = null;
  }

  async read(): Promise<null> {
    return Promise.resolve(null);
  }

  unread(): void {
    // Nothing was read.
  }

  greet(): void {
    // The recorded login was found by the request to connect.
  }

  async startTls(): Promise<void> {
    return Promise.resolve();
  }

  tlsServerEndPoint(): null {
    return null;
  }

  cork(): void {
    // Nothing is sent anywhere.
  }

  uncork(): void {
    // Nothing is sent anywhere.
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    this.#isOver = true;
    this.resume();
    this.#resolveClosed();
  }
}
