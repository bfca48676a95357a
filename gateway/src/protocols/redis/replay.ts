import type { Receiver } from '../../domain/byte-stream.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import type { Asked, RecordedTarget, RequestKey, StreamReplay } from '../../domain/replay.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { actionOf } from './actions.ts';
import { nameOf } from './command-facts.ts';
import { commandsIn } from './command-reader.ts';
import { failure } from './failures.ts';

/** Recorded answers are found by the command with its arguments. */
export const replay: StreamReplay = {
  keys: () => keyOf,
  differ: (recorded, asked) => (recorded === asked ? null : { at: 'command', recorded, asked, nearness: nearnessOf(recorded, asked) }),
  connect: (recorded, asked) => new RecordedServer(recorded, asked),
};

const connectKey: RequestKey = { text: 'connect', ids: [] };

/** Returns the key of a request: its words. A login is one, whoever logs in. */
function keyOf({ action, bytes }: Asked): RequestKey | null {
  const [command] = commandsIn(bytes);
  return action === 'redis.connect' || command === undefined ? connectKey : { text: command.map((each) => each.toString('latin1')).join('\n'), ids: [] };
}

/** A server that answers each command as the recorded one did, one after the other. */
export class RecordedServer implements Upstream {
  readonly isEncrypted = false;
  readonly queuedBytes = 0;
  readonly closed: Promise<void>;
  readonly #resolveClosed: () => void;
  readonly #recorded: RecordedTarget;
  readonly #login: ReturnType<RecordedTarget['take']>;
  #receiver: Receiver | null = null;
  #resumed: PromiseWithResolvers<void> | null = null;
  #turn: Promise<void> = Promise.resolve();
  #isOver = false;

  /** Throws GatewayError `not_recorded`. */
  constructor(recorded: RecordedTarget, asked: Asked) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#recorded = recorded;
    this.#login = recorded.take(connectKey, asked);
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
      const [command] = commandsIn(bytes);
      const asked = { action: command === undefined ? 'redis.command' : actionOf(nameOf(command)), bytes };
      for await (const { content } of this.#recorded.take(keyOf(asked) ?? connectKey, asked).answer()) {
        await this.#give(content);
      }
    } catch (error) {
      const known = error instanceof GatewayError ? error : new GatewayError('store_damaged', 'The recording cannot be read any more.', { cause: error });
      await this.#give(failure(known, null));
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

/** Says how much of two commands is the same from their beginning on. */
function nearnessOf(recorded: string, asked: string): number {
  const longest = Math.max(recorded.length, asked.length);
  let same = 0;
  while (same < longest && recorded[same] === asked[same]) {
    same += 1;
  }
  return longest === 0 ? 1 : same / longest;
}
