import { GatewayError } from '../../domain/errors.ts';
import { decodeUtf8 } from '../../content/strict-json.ts';
import { EventQueue } from './event-queue.ts';
import type { Message, Request } from './messages.ts';
import { isObject, parseClientBody, parseServerBody } from './messages.ts';
import type { ServerCommand, ServerLimits, ServerProcess } from './server-process.ts';
import { defaultServerLimits, lineOf, openServerProcess } from './server-process.ts';

/** Most unanswered requests of one client. */
const pendingMax = 1000;
/** Most bytes of the client's first messages, which are kept to be sent to a server that was started again. Longer ones are not kept. */
const introductionBytesMax = 64 * 1024;
const subscriptionIdKey = 'io.modelcontextprotocol/subscriptionId';

/** Starts a server for one client. Two clients may not share one, because they choose the ids of requests themselves. */
export async function openStdioExchange(command: ServerCommand, limits: ServerLimits = defaultServerLimits): Promise<StdioExchange> {
  let exchange: StdioExchange | null = null;
  const server = await openServerProcess(command, { onLine: (line) => exchange?.hear(line), onExit: (error) => exchange?.end(error) }, limits);
  exchange = new StdioExchange(server, limits.queuedBytesMax);
  return exchange;
}

interface Pending {
  readonly request: Request;
  readonly queue: EventQueue;
}

/** Makes a server that speaks over standard input and output usable like one that speaks Streamable HTTP. Owns the process. */
export class StdioExchange implements AsyncDisposable {
  readonly #server: ServerProcess;
  readonly #queuedBytesMax: number;
  #queuedBytes = 0;
  /** The unanswered requests by their id as JSON. The oldest is first. */
  readonly #pending = new Map<string, Pending>();
  /** The stream that the client opened for messages that answer no request. Without it they are sent with an answer that is under way. */
  #stream: EventQueue | null = null;
  /** The client's first messages: `initialize`, and the notification that it is done. */
  #introduction: Buffer[] = [];
  /** True if the server was started again and does not know its client. */
  #isForgotten = false;
  #introducing: Promise<void> | null = null;

  constructor(server: ServerProcess, queuedBytesMax: number) {
    this.#server = server;
    this.#queuedBytesMax = queuedBytesMax;
  }

  /**
   * Resolves when the server runs and knows its client. To a server that was started again, `sayAgain` sends the client's first messages. Rejects with
   * GatewayError `target_unreachable`.
   */
  async ready(sayAgain: (said: Buffer) => Promise<void>): Promise<void> {
    await this.#server.ready();
    if (this.#isForgotten) {
      this.#isForgotten = false;
      this.#introducing = this.#introduce(sayAgain);
    }
    await this.#introducing;
  }

  isPending(requestId: string | null): boolean {
    return requestId !== null && this.#pending.has(requestId);
  }

  /**
   * Sends the body of a POST that was authorised. Returns the lines up to the answer, for one reader, who gets a GatewayError if the server ends; null if
   * nothing answers the body. Throws GatewayError `malformed`, `conflict` for an id whose request is still unanswered, `throttled`, or `target_unreachable` if
   * the server does not run.
   */
  post(bytes: Uint8Array): EventQueue | null {
    const { messages } = parseClientBody(decodeUtf8(bytes));
    const request = messages.find((message) => message.kind === 'request');
    if (request !== undefined && this.#pending.has(request.id.json)) {
      throw new GatewayError('conflict', 'A request with this id has no answer yet.');
    }
    if (this.#pending.size >= pendingMax) {
      throw new GatewayError('throttled', `${pendingMax} requests have no answer yet, which is the limit: ask again when some have.`);
    }
    this.#server.send(lineOf(bytes));
    this.#remember(bytes, messages[0]);
    if (request === undefined) {
      return null;
    }
    const queue = this.#openQueue(() => {
      // Another request may have the id by now.
      if (this.#pending.get(request.id.json)?.queue === queue) {
        this.#pending.delete(request.id.json);
      }
    });
    this.#pending.set(request.id.json, { request, queue });
    return queue;
  }

  /** Returns the stream of a GET. A second stream replaces the first. */
  listen(): EventQueue {
    this.#stream?.end(null);
    const queue = this.#openQueue(() => {
      this.#stream = this.#stream === queue ? null : this.#stream;
    });
    this.#stream = queue;
    return queue;
  }

  /** Handles a line of the server. A line that is no message, or for which nobody waits, is dropped. */
  hear(line: Buffer): void {
    const messages = readLine(line);
    const answered = messages.map((message) => this.#pendingOf(message));
    const isAnswer = messages.some(({ kind }) => kind === 'result' || kind === 'failure');
    const receiver = answered.find((each) => each !== null)?.queue ?? (isAnswer || messages.length === 0 ? null : this.#fallback());
    receiver?.push(lineOf(line));
    for (const [i, message] of messages.entries()) {
      const pending = answered[i];
      if (pending && (message.kind === 'result' || message.kind === 'failure')) {
        this.#pending.delete(pending.request.id.json);
        pending.queue.end(null);
      }
    }
  }

  /** Handles the end of the server: no request gets an answer any more. */
  end(error: GatewayError): void {
    for (const { queue } of this.#pending.values()) {
      queue.end(error);
    }
    this.#stream?.end(error);
    this.#pending.clear();
    this.#stream = null;
    this.#isForgotten = this.#introduction.length > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end(new GatewayError('stopping', 'The server of the target is ended.'));
    await this.#server[Symbol.asyncDispose]();
  }

  async #introduce(sayAgain: (said: Buffer) => Promise<void>): Promise<void> {
    try {
      for (const said of this.#introduction) {
        await sayAgain(said);
      }
    } catch (error) {
      this.#isForgotten = true;
      throw error;
    } finally {
      this.#introducing = null;
    }
  }

  #remember(bytes: Uint8Array, message: Message | undefined): void {
    const method = message !== undefined && 'method' in message ? message.method : '';
    if (method === 'initialize') {
      this.#introduction = bytes.length > introductionBytesMax ? [] : [Buffer.from(bytes)];
    } else if (method === 'notifications/initialized' && this.#introduction.length === 1 && bytes.length <= introductionBytesMax) {
      this.#introduction.push(Buffer.from(bytes));
    }
  }

  #openQueue(onLeft: () => void): EventQueue {
    return new EventQueue({ onLeft, onQueued: (bytes) => this.#count(bytes) });
  }

  /** Counts the bytes that wait. If the client does not read, its server has to wait. */
  #count(bytes: number): void {
    const wasFull = this.#queuedBytes > this.#queuedBytesMax;
    this.#queuedBytes += bytes;
    const isFull = this.#queuedBytes > this.#queuedBytesMax;
    if (isFull && !wasFull) {
      this.#server.pause();
    } else if (wasFull && !isFull) {
      this.#server.resume();
    }
  }

  /** Returns the request that a message answers, or to which it belongs by its progress token or other id. */
  #pendingOf(message: Message): Pending | null {
    if (message.kind === 'result' || message.kind === 'failure') {
      return (message.id === null ? undefined : this.#pending.get(message.id.json)) ?? null;
    }
    const meta = message.params['_meta'];
    const subscription = isObject(meta) ? meta[subscriptionIdKey] : undefined;
    if (subscription !== undefined) {
      return this.#pending.get(JSON.stringify(subscription)) ?? null;
    }
    const { progressToken } = message.params;
    return (progressToken !== undefined && [...this.#pending.values()].find(({ request }) => progressTokenOf(request) === progressToken)) || null;
  }

  #fallback(): EventQueue | null {
    return this.#stream ?? this.#pending.values().next().value?.queue ?? null;
  }
}

function progressTokenOf({ params }: Request): unknown {
  return isObject(params['_meta']) ? params['_meta']['progressToken'] : undefined;
}

/** Parses the messages of a line. Empty for a line that is no message, because some servers write their log there. */
function readLine(line: Buffer): readonly Message[] {
  try {
    return parseServerBody(decodeUtf8(line)).messages;
  } catch (error) {
    if (error instanceof GatewayError) {
      return [];
    }
    throw error;
  }
}
