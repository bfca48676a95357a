import { GatewayError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Receiver } from '../../domain/byte-stream.ts';
import type { Upstream } from '../../domain/upstream.ts';
import type { AnswerPiece, Asked, Keys, RecordedRequest, RecordedTarget, StreamReplay } from '../../domain/replay.ts';
import { frames, parseBackend, parseErrorFields, type Frame } from './codec.ts';
import { fatal, readSqlState, TargetRefusal } from './failures.ts';
import { backend, frontend } from './messages.ts';
import { requestDifference, requestKeys, syncKey } from './request-keys.ts';

/** Most bytes of COPY data that are searched for in the recording. */
const copyBytesMax = 64 * 1024 * 1024;
const readyBytes = 6;
/** The parameter by which the gateway tells its clients the session. */
const ownParameter = 'countersign.session';
/** Matches statements for which COPY data may have been sent before the target asked for them. */
const readsCopyData = /\bfrom\s+stdin\b/i;

export const replay: StreamReplay = {
  keys: requestKeys,
  differ: requestDifference,
  connect: (recorded, asked) => new RecordedServer(recorded, asked),
};

/** A server that repeats what a recorded server said. Each request is answered in its turn, and a Sync by the next recorded ReadyForQuery. */
class RecordedServer implements Upstream {
  readonly isEncrypted = false;
  readonly queuedBytes = 0;
  readonly closed: Promise<void>;
  readonly #resolveClosed: () => void;
  readonly #recorded: RecordedTarget;
  readonly #keys: Keys = requestKeys();
  readonly #login: AsyncGenerator<AnswerPiece, void>;
  readonly #unread: Buffer[] = [];
  #isLoggedIn = false;
  #receiver: Receiver | null = null;
  #resume: PromiseWithResolvers<void> | null = null;
  #turn: Promise<void> = Promise.resolve();
  /** The ReadyForQuery of an answer whose Sync has not come yet. */
  #ready: Buffer | null = null;
  /** COPY data without their end so far, and the missing bytes of the message in which they end. Null: none are expected. */
  #copy: { readonly pieces: Buffer[]; readonly isExtended: boolean; bytes: number; leftBytes: number } | null = null;
  /** The message with which the recorded server ended the connection by itself. It answers the first request after all answered ones. */
  #lastWords: Buffer | null = null;
  #isOver = false;

  /** Throws GatewayError `not_recorded`. */
  constructor(recorded: RecordedTarget, asked: Asked) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#recorded = recorded;
    this.#login = recorded.take(this.#keys(asked) ?? syncKey, asked).answer();
  }

  tlsServerEndPoint(): null {
    return null;
  }

  async startTls(): Promise<void> {
    return Promise.resolve();
  }

  greet(): void {
    // Nothing to do: the recorded login was found by the client's startup packet.
  }

  /** Returns the login as the recorded server answered it. Rejects with GatewayError `target_login_failed` if the recorded login failed. */
  async read(): Promise<Buffer | null> {
    const unread = this.#unread.shift();
    if (unread !== undefined || this.#isLoggedIn) {
      return unread ?? null;
    }
    const piece = await this.#login.next();
    if (piece.done === true) {
      throw new GatewayError('target_login_failed', 'The recording has no answer to this login.');
    }
    const said = [...frames(piece.value.content)];
    if (said[0]?.type === backend.error) {
      const fields = parseErrorFields(said[0].body);
      throw new TargetRefusal(readSqlState(fields), `The recorded login failed: ${fields.get('M') ?? ''}`);
    }
    this.#isLoggedIn = !piece.value.continues;
    return Buffer.concat(said.filter((frame) => !isOwn(frame)).map(printFrame));
  }

  unread(bytes: Buffer): void {
    this.#unread.unshift(bytes);
  }

  flow(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#inTurn(async () => {
      for await (const piece of this.#login) {
        await this.#giveUnasked(piece);
      }
    });
  }

  forward(grant: Grant): void {
    const bytes = Buffer.concat(grant.spend());
    this.#inTurn(async () => (isCopy(bytes) || (this.#copy !== null && this.#copy.leftBytes > 0) ? this.#takeCopy(bytes) : this.#takeMessages(bytes)));
  }

  pause(): void {
    this.#resume ??= Promise.withResolvers();
  }

  resume(): void {
    this.#resume?.resolve();
    this.#resume = null;
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

  #inTurn(act: () => Promise<void>): void {
    this.#turn = this.#after(this.#turn, act);
  }

  async #after(before: Promise<void>, act: () => Promise<void>): Promise<void> {
    await before;
    try {
      await (this.#isOver ? undefined : act());
    } catch (error) {
      await this.#fail(error);
    }
  }

  /** Sends the last words of a server to the client. */
  async #fail(error: unknown): Promise<void> {
    const known = error instanceof GatewayError ? error : new GatewayError('store_damaged', 'The recording cannot be read any more.', { cause: error });
    await this.#give(fatal(known, null));
    this.#hangUp();
  }

  #hangUp(): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#receiver?.onEnd(null);
    }
  }

  async #takeMessages(bytes: Buffer): Promise<void> {
    const types = [...frames(bytes)].map(({ type }) => type);
    const isExtended = types[0] !== frontend.query && types[0] !== frontend.functionCall;
    const asked = { action: actionOf(types), bytes };
    const key = this.#keys(asked);
    if (key !== null && this.#lastWords !== null && !this.#recorded.isWaiting(key)) {
      await this.#give(this.#lastWords);
      this.#hangUp();
    } else if (key !== null && key.text !== syncKey.text) {
      await this.#answer(this.#recorded.take(key, asked), asked, isExtended);
    }
    if (isExtended && types.includes(frontend.sync)) {
      await this.#sync(asked);
    }
  }

  /** Within COPY data a server ignores a Sync. */
  async #sync(asked: Asked): Promise<void> {
    const ready = this.#ready;
    this.#ready = null;
    if (this.#copy !== null || this.#isOver) {
      return;
    }
    if (ready === null) {
      await this.#answer(this.#recorded.take(syncKey, asked), asked, false);
    } else {
      await this.#give(ready);
    }
  }

  async #takeCopy(bytes: Buffer): Promise<void> {
    const copy = this.#copy ?? { pieces: [], isExtended: false, bytes: 0, leftBytes: 0 };
    this.#copy = copy;
    copy.pieces.push(bytes);
    copy.bytes += bytes.length;
    const asked = { action: 'postgres.copy', bytes };
    if (copy.bytes > copyBytesMax) {
      throw this.#recorded.miss(`COPY data of more than ${copyBytesMax} bytes are not looked for`, asked);
    }
    let at = copy.leftBytes;
    let hasEnded = false;
    while (at + 4 < bytes.length) {
      hasEnded ||= bytes[at] !== frontend.copyData;
      at += 1 + bytes.readUInt32BE(at + 1);
    }
    copy.leftBytes = at - bytes.length;
    if (hasEnded) {
      this.#copy = null;
      const whole = { action: 'postgres.copy', bytes: Buffer.concat(copy.pieces) };
      await this.#answer(this.#recorded.take(this.#keys(whole) ?? syncKey, whole), whole, copy.isExtended);
    }
  }

  /** Gives the recorded answer. In the extended protocol its ReadyForQuery is kept until the Sync comes. */
  async #answer(request: RecordedRequest, asked: Asked, isExtended: boolean): Promise<void> {
    let last: AnswerPiece | null = null;
    for await (const piece of request.answer()) {
      if (!piece.isAnswer) {
        await this.#giveUnasked(piece);
        continue;
      }
      last = piece;
      const { content } = piece;
      const readyAt = content.length - readyBytes;
      const isReady = !piece.continues && readyAt >= 0 && content[readyAt] === backend.readyForQuery && content.readUInt32BE(readyAt + 1) === readyBytes - 1;
      if (isExtended && isReady) {
        this.#ready = content.subarray(readyAt);
      }
      await this.#give(isExtended && isReady ? content.subarray(0, readyAt) : content);
    }
    if (last === null ? readsCopyData.test(asked.bytes.toString('latin1')) : last.continues && lastFrame(last)?.type === backend.copyIn) {
      this.#copy = { pieces: [], isExtended, bytes: 0, leftBytes: 0 };
    } else if (last === null || last.continues) {
      throw this.#recorded.miss('its answer is not on record to its end', asked);
    } else if (isFatal(lastFrame(last))) {
      this.#hangUp();
    }
  }

  /**
   * Gives a message that the server sent without being asked. One that ends the connection is kept, because the server had not sent it yet when the next
   * request came.
   */
  async #giveUnasked(piece: AnswerPiece): Promise<void> {
    if (isFatal(lastFrame(piece))) {
      this.#lastWords = piece.content;
    } else {
      await this.#give(piece.content);
    }
  }

  async #give(bytes: Buffer): Promise<void> {
    await this.#resume?.promise;
    if (!this.#isOver && bytes.length > 0) {
      this.#receiver?.onBytes(bytes);
    }
  }
}

function isCopy(bytes: Buffer): boolean {
  return bytes[0] === frontend.copyData || bytes[0] === frontend.copyDone || bytes[0] === frontend.copyFail;
}

function actionOf(types: readonly number[]): string {
  switch (types[0]) {
    case frontend.query:
      return 'postgres.query';
    case frontend.functionCall:
      return 'postgres.function_call';
    default:
      return types.includes(frontend.execute) ? 'postgres.execute' : 'postgres.prepare';
  }
}

function isOwn(frame: Frame): boolean {
  const message = frame.type === backend.parameterStatus ? parseBackend(frame) : null;
  return message?.kind === 'parameter-status' && message.name === ownParameter;
}

function printFrame({ type, body }: Frame): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function lastFrame({ content, attributes }: AnswerPiece): Frame | null {
  const begun = attributes[ownAttributes.begunBytes];
  return [...frames(content, typeof begun === 'number' ? begun : 0)].at(-1) ?? null;
}

function isFatal(frame: Frame | null): boolean {
  return frame?.type === backend.error && /^(?:FATAL|PANIC)$/.test(parseErrorFields(frame.body).get('V') ?? '');
}
