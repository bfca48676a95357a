import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../domain/errors.ts';
import type { BridgeOptions } from '../../domain/bridge.ts';
import { decodeUtf8 } from '../../content/strict-json.ts';
import { Framer } from '../../content/framer.ts';
import { SseEvents } from '../../content/sse.ts';
import { LineReader } from './line-reader.ts';
import { parseServerBody, type Message, type RequestId } from './messages.ts';
import { mirroredHeaders } from './mirrored-headers.ts';
import { claimedRevision, isStatelessRevision, revisionIn } from './revision.ts';
import { lineOf } from './server-process.ts';

/** Most bytes of one message in either direction. */
const messageBytesMax = 64 * 1024 * 1024;
/** Most times in a row that a broken stream is asked for again. Before each attempt the bridge waits `resumeMs`. */
const resumptionsMax = 5;
const resumeMs = 1_000;
/** A gateway that does not answer may be starting. It is asked again after this time in ms, and given up after `awayMs`. */
const askAgainMs = 250;
const awayMs = 30_000;
/** After the end of the client's input, the bridge waits this long in ms for answers. */
const drainMs = 30_000;
/** The end of a session must be told within this time in ms. */
const endMs = 2_000;
const bridgeFailure = -32_000;

/**
 * Connects a client that only speaks over standard input and output. Each of its lines is posted, and each message that comes back is printed as a line.
 * Resolves when the input has ended.
 */
export async function runBridge(options: BridgeOptions): Promise<void> {
  const bridge = new Bridge(options);
  const lines = new LineReader(messageBytesMax);
  for await (const piece of options.input) {
    const read = lines.push(Buffer.from(piece));
    if (read === null) {
      throw new GatewayError('limit_exceeded', `A message is at most ${messageBytesMax} bytes long.`);
    }
    for (const line of read.filter((each) => each.toString().trim() !== '')) {
      await bridge.take(line);
    }
  }
  await bridge.finish();
}

class Bridge {
  readonly #options: BridgeOptions;
  readonly #ended = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #session: string | null = null;
  #revision: string | null = null;
  /** The client's first messages: `initialize`, and the notification that it is done. */
  #introduction: Buffer[] = [];
  #beginningAgain: Promise<void> | null = null;

  constructor(options: BridgeOptions) {
    this.#options = options;
  }

  /** Sends a line. Resolves when the next line may be sent: messages that begin a session, and notifications, must arrive before those that follow them. */
  async take(line: Buffer): Promise<void> {
    const message = firstMessage(line);
    const sent = this.#send(line, message);
    if (message?.kind === 'notification' || (message?.kind === 'request' && message.method === 'initialize')) {
      await sent;
    }
    this.#underWay.add(sent);
    void sent.finally(() => this.#underWay.delete(sent));
  }

  async finish(): Promise<void> {
    await Promise.race([Promise.all(this.#underWay), delay(drainMs, undefined, { ref: false })]);
    this.#ended.abort();
    if (this.#session !== null) {
      await this.#fetch('DELETE', this.#headers(), { signal: AbortSignal.timeout(endMs) }).catch(() => undefined);
    }
  }

  async #send(line: Buffer, message: Message | null): Promise<void> {
    const id = message?.kind === 'request' ? message.id : null;
    const method = message !== null && 'method' in message ? message.method : '';
    try {
      await this.#post(line, message, id);
      if (method === 'initialize') {
        this.#introduction = [line];
      } else if (method === 'notifications/initialized') {
        this.#introduction = [...this.#introduction.slice(0, 1), line];
        void this.#listen();
      }
    } catch (error) {
      if (!this.#ended.signal.aborted) {
        const words = error instanceof GatewayError ? error.message : 'the gateway cannot be reached, or broke off its answer';
        await this.#fail(id, { code: bridgeFailure, message: `countersign: ${words}` });
      }
    }
  }

  async #post(line: Buffer, message: Message | null, id: RequestId | null): Promise<void> {
    const session = this.#session;
    let response = await this.#ask(line, message);
    if (response.status === 404 && session !== null && this.#introduction.length > 0 && (message === null || !isInitialize(message))) {
      await response.body?.cancel();
      await this.#beginAgain(session);
      response = await this.#ask(line, message);
    }
    this.#session = response.headers.get('mcp-session-id') ?? this.#session;
    if (response.ok && isEvents(response)) {
      await this.#readStream(response, id);
      return;
    }
    const body = await readWhole(response);
    const answered = firstMessage(body);
    if (answered !== null && (id === null || idOf(answered) === id.text)) {
      await this.#write(body, answered);
    } else if (id !== null || !response.ok) {
      const error = answered?.kind === 'failure' ? JSON.parse(body.toString()).error : { code: bridgeFailure, message: `HTTP ${response.status}` };
      await this.#fail(id, error);
    }
  }

  async #ask(line: Buffer, message: Message | null): Promise<Response> {
    const claimed = message === null ? null : claimedRevision(message);
    const headers = {
      ...this.#headers(claimed ?? this.#revision),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(message !== null && isStatelessRevision(claimed) ? mirroredHeaders(message) : {}),
    };
    return this.#fetch('POST', headers, { body: new Uint8Array(line) });
  }

  /**
   * Begins the session again, because the server has lost it or was restarted: repeats the client's first messages, once for all requests that noticed. The
   * client does not get the answers.
   */
  async #beginAgain(lost: string): Promise<void> {
    if (this.#session === lost) {
      this.#beginningAgain ??= this.#introduce().finally(() => {
        this.#beginningAgain = null;
      });
    }
    await this.#beginningAgain;
  }

  async #introduce(): Promise<void> {
    this.#session = null;
    for (const line of this.#introduction) {
      const response = await this.#ask(line, firstMessage(line));
      this.#session ??= response.headers.get('mcp-session-id');
      await readWhole(response);
    }
    if (this.#introduction.length > 1) {
      void this.#listen();
    }
  }

  /** Reads a stream up to the answer of the request, if there is a request. A stream that breaks before is resumed where it broke. */
  async #readStream(first: Response, id: RequestId | null): Promise<void> {
    let response = first;
    let lastEvent = '';
    for (let attempt = 0; attempt <= resumptionsMax; attempt += 1) {
      const framer = new Framer(new SseEvents(), messageBytesMax);
      let isWhole = true;
      try {
        for await (const piece of response.body ?? []) {
          for (const frame of framer.push(Buffer.from(piece))) {
            isWhole &&= frame.is !== 'long';
            if (frame.is === 'event') {
              const { id: eventId, data } = frame.event;
              lastEvent = eventId === '' ? lastEvent : eventId;
              attempt = 0;
              if (data !== '' && (await this.#writeEvent(data)) === id?.text) {
                return;
              }
            }
          }
        }
      } catch {
        // The stream broke, which counts as one that ended too early.
      }
      if (lastEvent === '' || !isWhole) {
        break;
      }
      await delay(resumeMs, undefined, { signal: this.#ended.signal });
      response = await this.#open(lastEvent);
      if (!response.ok) {
        break;
      }
    }
    if (id !== null) {
      throw new GatewayError('target_unreachable', 'the answer ended before it was whole');
    }
  }

  /** Reads the server's own stream, which answers no request, for as long as there is one. */
  async #listen(): Promise<void> {
    try {
      const session = this.#session;
      let wasOpen = false;
      // A session that begins again has a stream of its own.
      for (let attempt = 0; attempt <= resumptionsMax && session !== null && this.#session === session; attempt += 1) {
        const response = await this.#open('');
        if (!response.ok || !isEvents(response)) {
          await response.body?.cancel();
          // A server without such a stream may give the same answer from the beginning.
          if (response.status === 404 && wasOpen && session !== null) {
            await this.#beginAgain(session);
          }
          return;
        }
        wasOpen = true;
        const openedMs = performance.now();
        await this.#readStream(response, null);
        attempt = performance.now() - openedMs > resumeMs ? 0 : attempt;
        await delay(resumeMs, undefined, { signal: this.#ended.signal });
      }
    } catch {
      // Answers still come, even without this stream.
    }
  }

  async #open(lastEvent: string): Promise<Response> {
    const headers = { ...this.#headers(), accept: 'text/event-stream', ...(lastEvent === '' ? {} : { 'last-event-id': lastEvent }) };
    return this.#fetch('GET', headers);
  }

  /** Sends a request. It follows no redirect, because a redirect does not lead to the gateway. */
  async #fetch(method: string, headers: Record<string, string>, more: RequestInit = {}): Promise<Response> {
    const givenUpMs = performance.now() + awayMs;
    for (;;) {
      const authorization = `Bearer ${await this.#options.token()}`;
      const sent = { method, headers: { ...headers, authorization }, redirect: 'manual', signal: this.#ended.signal, ...more } as const;
      const response = await fetch(this.#options.url, sent).catch((error: unknown) => {
        if (isRefused(error) && method !== 'DELETE' && performance.now() < givenUpMs) {
          return null;
        }
        throw error;
      });
      if (response !== null) {
        return response;
      }
      await delay(askAgainMs, undefined, { signal: this.#ended.signal });
    }
  }

  #headers(revision = this.#revision): Record<string, string> {
    return {
      ...(this.#session === null || isStatelessRevision(revision) ? {} : { 'mcp-session-id': this.#session }),
      ...(revision === null ? {} : { 'mcp-protocol-version': revision }),
    };
  }

  /** Prints the message of an event. Returns the id of the request that it answers; null if it answers none. */
  async #writeEvent(data: string): Promise<string | null> {
    const bytes = Buffer.from(data);
    const message = firstMessage(bytes);
    await this.#write(bytes, message);
    return message === null ? null : idOf(message);
  }

  async #write(bytes: Buffer, message: Message | null): Promise<void> {
    if (message?.kind === 'result') {
      // Only the answer to `initialize` names a revision.
      this.#revision ??= revisionIn(message.result);
    }
    await this.#options.write(Buffer.concat([lineOf(bytes), Buffer.from('\n')]));
  }

  async #fail(id: RequestId | null, error: unknown): Promise<void> {
    await this.#options.write(Buffer.from(`{"jsonrpc":"2.0","id":${id?.json ?? 'null'},"error":${JSON.stringify(error)}}\n`));
  }
}

/** True if nobody listens at the address, so that nothing was sent. */
function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

function isInitialize(message: Message): boolean {
  return message.kind === 'request' && message.method === 'initialize';
}

/** The first message in the bytes; null if there is none. */
function firstMessage(bytes: Buffer): Message | null {
  try {
    return parseServerBody(decodeUtf8(bytes)).messages[0] ?? null;
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}

function idOf(message: Message): string | null {
  return message.kind === 'result' || message.kind === 'failure' ? (message.id?.text ?? null) : null;
}

function isEvents({ headers }: Response): boolean {
  return /^text\/event-stream\b/i.test(headers.get('content-type') ?? '');
}

async function readWhole(response: Response): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > messageBytesMax) {
      throw new GatewayError('limit_exceeded', `the answer is longer than ${messageBytesMax} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
