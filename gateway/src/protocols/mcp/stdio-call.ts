import { readEffects } from '../../domain/effects.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { CallHead, CallReceiver, UpstreamCall } from '../../domain/call.ts';
import type { Grant } from '../../domain/grant.ts';
import { problemOf } from '../../exchange/problem.ts';
import type { Channel } from '../../domain/channel.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { parseRequestHead } from '../../exchange/head.ts';
import { headerOf } from '../../exchange/reading.ts';
import { decodeUtf8 } from '../../content/strict-json.ts';
import { untilCommitted } from '../../wire/until-committed.ts';
import { actionOf } from './actions.ts';
import type { EventQueue } from './event-queue.ts';
import { failureJson } from './failures.ts';
import { parseClientBody, type Message, type Request } from './messages.ts';
import { isStatelessRevision } from './revision.ts';
import type { StdioExchange } from './stdio-exchange.ts';
import type { StdioServer, StdioServers } from './stdio-servers.ts';

const sessionHeader = 'mcp-session-id';
const eventStream = ['content-type', 'text/event-stream', 'cache-control', 'no-cache'];

export interface StdioCallParts {
  readonly channel: Channel;
  readonly receiver: CallReceiver;
  readonly servers: () => StdioServers;
}

/**
 * A request of Streamable HTTP to a server that speaks over standard input and output. An `initialize` starts a server, and the client gets its id. Requests of
 * a revision without sessions share a server. An answer of one message is sent as JSON, all others as events.
 */
export class StdioCall implements UpstreamCall {
  readonly #parts: StdioCallParts;
  #lines: EventQueue | null = null;
  /** Tells the server that nobody waits for the answer, if leaving means that in this revision. */
  #cancel: (() => Promise<void>) | null = null;
  #paused: PromiseWithResolvers<void> | null = null;
  #isOver = false;

  constructor(parts: StdioCallParts) {
    this.#parts = parts;
  }

  /** Forwards a request. The body was read whole before the decision, so the first grant holds all of it. */
  forward(grant: Grant): void {
    const [head, ...body] = grant.spend();
    if (head !== undefined && !this.#isOver) {
      void this.#run(parseRequestHead(head), Buffer.concat(body));
    }
  }

  end(): void {
    // Nothing is left to do, because the first grant held the whole request.
  }

  /** Always 0, because the server's process limits the bytes that wait for it. */
  get queuedBytes(): number {
    return 0;
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = null;
  }

  destroy(): void {
    if (!this.#isOver) {
      this.#cancel?.().catch((error: unknown) => {
        // A server that has ended is not told, and neither is one whose session is ending.
        if (!(error instanceof GatewayError)) {
          throw error;
        }
      });
    }
    this.#isOver = true;
    this.#lines?.end(null);
    this.resume();
  }

  async #run(head: CallHead, body: Buffer): Promise<void> {
    try {
      await (head.method === 'POST' ? this.#post(head, body) : head.method === 'GET' ? this.#listen(head) : this.#endSession(head));
    } catch (error) {
      this.#fail(error);
    }
  }

  async #post(head: CallHead, body: Buffer): Promise<void> {
    const [message] = parseClientBody(decodeUtf8(body)).messages;
    const { id, exchange, isShared } = await this.#serverFor(head, message);
    await exchange.ready(async (said) => this.#sayAgain(exchange, said));
    if (this.#isOver) {
      return;
    }
    const lines = exchange.post(body);
    this.#lines = lines;
    if (lines === null) {
      this.#parts.receiver.onHead({ status: 202, statusText: 'Accepted', rawHeaders: ['content-length', '0'] });
      this.#parts.receiver.onEnd([]);
      return;
    }
    if (isShared && message?.kind === 'request') {
      this.#cancel = async () => this.#cancelRequest(exchange, message);
    }
    await this.#answer(lines, isShared ? [] : [sessionHeader, id], (error) => {
      return Buffer.from(failureJson(problemOf(error, this.#parts.channel.session), message?.kind === 'request' ? message.id : null));
    });
  }

  async #serverFor({ headers }: CallHead, message: Message | undefined): Promise<StdioServer> {
    const servers = this.#parts.servers();
    if (isStatelessRevision(headerOf(headers, 'mcp-protocol-version'))) {
      return servers.share(message?.kind === 'request' ? message.id.json : null);
    }
    const id = headerOf(headers, sessionHeader);
    return id === undefined && message?.kind === 'request' && message.method === 'initialize' ? servers.start() : servers.find(id);
  }

  /** Repeats a first message of the client to a server that was started again. It is recorded as a request of the gateway. */
  async #sayAgain(exchange: StdioExchange, said: Buffer): Promise<void> {
    const { channel } = this.#parts;
    const [message] = parseClientBody(decodeUtf8(said)).messages;
    const name = message === undefined ? 'mcp.unknown' : actionOf(message);
    const { grant, seq } = await channel.request({ name, attributes: {} }, [said], { byGateway: true });
    await untilCommitted(channel);
    const lines = exchange.post(Buffer.concat(grant?.spend() ?? []));
    const answer: Buffer[] = [];
    for await (const line of lines ?? []) {
      answer.push(line, Buffer.from('\n'));
    }
    channel.record('response', { request: seq }, answer);
  }

  /** Tells the server that a request is cancelled, in a revision without sessions. https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/cancellation */
  async #cancelRequest(exchange: StdioExchange, { id }: Request): Promise<void> {
    const { channel } = this.#parts;
    const said = Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id.json}}}`);
    const { grant } = await channel.request({ name: 'mcp.cancel', attributes: { [ownAttributes.effects]: readEffects } }, [said], { byGateway: true });
    // The channel may have ended, which is one more reason for the server to stop.
    await new Promise<void>((resolve) => {
      channel.whenCommitted(resolve);
    });
    exchange.post(Buffer.concat(grant?.spend() ?? []));
  }

  /** Sends the lines as the answer. `failed` makes the bytes that tell the client, after the part that came, why a request has no answer. */
  async #answer(lines: EventQueue, headers: readonly string[], failed: (error: GatewayError) => Buffer): Promise<void> {
    const { receiver } = this.#parts;
    let isStream = false;
    const event = (line: Buffer): void => {
      if (!isStream) {
        receiver.onHead({ status: 200, statusText: 'OK', rawHeaders: [...eventStream, ...headers] });
        isStream = true;
      }
      receiver.onBytes(eventOf(line));
    };
    try {
      for await (const line of lines) {
        await this.#paused?.promise;
        if (this.#isOver) {
          return;
        }
        if (!isStream && lines.isOver) {
          const length = ['content-length', String(line.length)];
          receiver.onHead({ status: 200, statusText: 'OK', rawHeaders: ['content-type', 'application/json', ...length, ...headers] });
          receiver.onBytes(line);
          break;
        }
        event(line);
      }
    } catch (error) {
      if (!isStream || !(error instanceof GatewayError)) {
        throw error;
      }
      event(failed(error));
    }
    this.#finish();
  }

  async #listen({ headers }: CallHead): Promise<void> {
    const { receiver, servers } = this.#parts;
    const { exchange } = servers().find(headerOf(headers, sessionHeader));
    const lines = exchange.listen();
    this.#lines = lines;
    receiver.onHead({ status: 200, statusText: 'OK', rawHeaders: eventStream });
    try {
      for await (const line of lines) {
        await this.#paused?.promise;
        if (this.#isOver) {
          return;
        }
        receiver.onBytes(eventOf(line));
      }
    } catch (error) {
      // The client opens the stream again, from the server that is started again.
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    }
    this.#finish();
  }

  async #endSession({ headers }: CallHead): Promise<void> {
    await this.#parts.servers().end(headerOf(headers, sessionHeader));
    this.#parts.receiver.onHead({ status: 204, statusText: 'No Content', rawHeaders: [] });
    this.#finish();
  }

  #finish(): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#parts.receiver.onEnd([]);
    }
  }

  #fail(error: unknown): void {
    if (!this.#isOver) {
      this.#isOver = true;
      const cause = error instanceof GatewayError ? error : new GatewayError('target_unreachable', 'The server of the target failed.', { cause: error });
      this.#parts.receiver.onError(cause);
    }
  }
}

function eventOf(line: Buffer): Buffer {
  return Buffer.concat([Buffer.from('event: message\ndata: '), line, Buffer.from('\n\n')]);
}
