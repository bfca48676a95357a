import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Attributes } from '../domain/action.ts';
import { GatewayError } from '../domain/errors.ts';
import { readKeys, takesNotices, type NoticeSink, type Sink } from '../domain/sink.ts';
import type { Message, OutboxFile } from './outbox-file.ts';
import { post, type Posted } from './post.ts';
import { sendMail } from './send-mail.ts';
import { sign } from './signature.ts';

/** Most messages that wait for one sink. For a further one the newest is given up. */
const waitingMax = 1_000;
/** A message is given up this long after it was made. */
const ageMsMax = 3 * 86_400_000;
/** The time in ms before each further attempt; the last is for all that follow. */
const pausesMs = [1_000, 5_000, 30_000, 120_000, 300_000, 900_000, 1_800_000] as const;
/** Each pause is longer by up to this part of it, so that many senders do not come at the same moment. */
const jitter = 0.2;
const gone = 410;

/** The fate of messages, for the record. `sent`: the receiver has the message. `failing`: an attempt failed, the first after one that did not. `given_up`: the messages are not sent any more. */
export type Outcome =
  | { readonly what: 'sent'; readonly message: Message; readonly status: number }
  | { readonly what: 'failing'; readonly message: Message; readonly why: string }
  | { readonly what: 'given_up'; readonly messages: readonly Message[]; readonly sink: string; readonly why: string };

export interface OutboxOptions {
  readonly file: OutboxFile;
  readonly sinks: () => ReadonlyMap<string, Sink>;
  /** Calls back when all is committed that was recorded so far: no message is sent about what is not on record. */
  readonly whenRecorded: (act: () => void) => void;
  readonly onOutcome: (outcome: Outcome) => void;
  readonly now: () => number;
}

/** The messages that wait for one sink, and how its receiver does. */
interface Queue {
  readonly name: string;
  readonly messages: Message[];
  failures: number;
  /** True after the receiver answered that it wants no messages any more: nothing is sent until the configuration changes or the gateway starts again. */
  isGone: boolean;
  /** Wakes a queue that pauses. Null: it does not. */
  wake: AbortController | null;
  isSending: boolean;
}

/** Sends messages to sinks, each at least once and in the order of its sink, whatever becomes of the process meanwhile. Nothing waits for it. */
export class Outbox implements AsyncDisposable {
  readonly #options: OutboxOptions;
  readonly #queues = new Map<string, Queue>();
  readonly #ending = new AbortController();
  #sending = new Set<Promise<void>>();

  constructor(options: OutboxOptions) {
    this.#options = options;
    for (const message of options.file.left) {
      this.#queueOf(message.sink).messages.push(message);
    }
  }

  /** Sends what an earlier gateway has left. */
  begin(): void {
    const { unreadable } = this.#options.file;
    if (unreadable > 0) {
      this.#options.onOutcome({ what: 'given_up', messages: [], sink: '', why: `messages of an earlier start cannot be read: ${unreadable}` });
    }
    this.#sendAll();
  }

  /** Takes up a message for a sink that takes notices: `bodyOf` makes its body, and `about` are the attributes that say what it is about. It never throws; a message that cannot be kept is given up. A receiver that is gone gets none. */
  add(name: string, about: Attributes, bodyOf: (sink: NoticeSink) => string): void {
    const { sinks, file, now, whenRecorded } = this.#options;
    const sink = sinks().get(name);
    if (sink === undefined || !takesNotices(sink) || this.#ending.signal.aborted) {
      return;
    }
    const message: Message = { id: `msg_${randomBytes(16).toString('hex')}`, sink: name, about, madeMs: now(), body: bodyOf(sink) };
    const queue = this.#queueOf(name);
    if (queue.isGone) {
      return;
    }
    if (queue.messages.length >= waitingMax) {
      this.#tell({ what: 'given_up', messages: [message], sink: name, why: `${waitingMax} messages wait for it` });
      return;
    }
    try {
      file.add(message);
    } catch (error) {
      this.#tell({ what: 'given_up', messages: [message], sink: name, why: wordsOf(error) });
      return;
    }
    queue.messages.push(message);
    whenRecorded(() => {
      this.#send(queue);
    });
  }

  /** The names of the sinks whose last attempt failed, and of those whose receiver is gone. */
  get failing(): readonly string[] {
    return [...this.#queues.values()].flatMap(({ name, failures, isGone }) => (failures > 0 || isGone ? [name] : []));
  }

  /** The number of messages that wait, by sink. */
  get waiting(): ReadonlyMap<string, number> {
    return new Map([...this.#queues].map(([name, { messages }]) => [name, messages.length]));
  }

  /** Tries again at once, also where a receiver was gone. To be called when the configuration has changed. */
  recheck(): void {
    for (const queue of this.#queues.values()) {
      queue.isGone = false;
      queue.wake?.abort();
    }
    this.#sendAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#sending);
    this.#options.file[Symbol.dispose]();
  }

  #queueOf(name: string): Queue {
    const queue = this.#queues.get(name) ?? { name, messages: [], failures: 0, isGone: false, wake: null, isSending: false };
    this.#queues.set(name, queue);
    return queue;
  }

  #sendAll(): void {
    for (const queue of this.#queues.values()) {
      this.#send(queue);
    }
  }

  #send(queue: Queue): void {
    if (!queue.isSending && !this.#ending.signal.aborted) {
      queue.isSending = true;
      const sending = this.#sendQueue(queue).finally(() => {
        queue.isSending = false;
        this.#sending.delete(sending);
      });
      this.#sending.add(sending);
    }
  }

  async #sendQueue(queue: Queue): Promise<void> {
    for (;;) {
      const [message] = queue.messages;
      if (message === undefined || this.#ending.signal.aborted) {
        return;
      }
      const sink = this.#options.sinks().get(queue.name);
      if (sink === undefined || !takesNotices(sink)) {
        this.#giveUp(queue, queue.messages.length, 'the configuration has no such sink any more');
      } else if (this.#options.now() - message.madeMs > ageMsMax) {
        this.#giveUp(queue, 1, `it was not taken within ${ageMsMax / 86_400_000} days`);
      } else {
        await this.#attempt(queue, sink, message);
      }
    }
  }

  async #attempt(queue: Queue, sink: NoticeSink, message: Message): Promise<void> {
    const { signal } = this.#ending;
    let retryMs: number | null = null;
    try {
      await this.#options.file.synced();
      const posted = await this.#post(sink, message);
      if (posted.status >= 200 && posted.status < 300) {
        queue.failures = 0;
        this.#remove(queue, 1);
        this.#tell({ what: 'sent', message, status: posted.status });
        return;
      }
      if (posted.status === gone) {
        queue.failures = 0;
        queue.isGone = true;
        this.#giveUp(queue, queue.messages.length, 'its receiver answers 410: it gets no messages until the configuration changes or the gateway starts again');
        return;
      }
      ({ retryMs } = posted);
      throw new GatewayError('target_unreachable', `The receiver answers with the status ${posted.status}.`);
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      queue.failures += 1;
      if (queue.failures === 1) {
        this.#tell({ what: 'failing', message, why: wordsOf(error) });
      }
    }
    await this.#pause(queue, retryMs);
  }

  async #pause(queue: Queue, retryMs: number | null): Promise<void> {
    const [longest] = pausesMs.slice(-1);
    const pauseMs = Math.max(retryMs ?? 0, pausesMs[queue.failures - 1] ?? longest ?? 0);
    queue.wake = new AbortController();
    const signal = AbortSignal.any([queue.wake.signal, this.#ending.signal]);
    await delay(pauseMs * (1 + jitter * Math.random()), null, { ref: false, signal }).catch(() => null);
    queue.wake = null;
  }

  async #post(sink: NoticeSink, { id, body }: Message): Promise<Posted> {
    const { signal } = this.#ending;
    if (sink.kind === 'smtp') {
      return sendMail(sink, { id, body, signal });
    }
    if (sink.kind === 'slack') {
      return post(new URL(sink.url()), [], { body, signal, caFile: sink.caFile });
    }
    const keys = readKeys(sink.secret());
    if (keys === null) {
      throw new GatewayError('key_unavailable', 'The secret of the sink is not of the form whsec_BASE64.');
    }
    return post(new URL(sink.url), sign(keys, { id, body, timeMs: this.#options.now() }), { body, signal, caFile: sink.caFile });
  }

  #giveUp(queue: Queue, count: number, why: string): void {
    this.#tell({ what: 'given_up', messages: this.#remove(queue, count), sink: queue.name, why });
  }

  /** Takes the first messages of a queue. A message whose removal cannot be written is sent again by the next start. */
  #remove(queue: Queue, count: number): readonly Message[] {
    const removed = queue.messages.splice(0, count);
    try {
      for (const { id } of removed) {
        this.#options.file.remove(id);
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    }
    return removed;
  }

  #tell(outcome: Outcome): void {
    this.#options.onOutcome(outcome);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof GatewayError ? error.message : 'the attempt failed';
}
