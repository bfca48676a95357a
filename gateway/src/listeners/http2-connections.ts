import { createServer, type Http2Server, type Http2ServerRequest, type Http2ServerResponse, type Http2Stream, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** Most requests of one connection at the same time. */
const streamsMax = 128;
/** Most streams that a client may open and reset at once, and then in each second (rapid reset, CVE-2023-44487). A client that resets more is disconnected. */
const resetsMax = 200;
const resetsPerSecondMax = 20;
const invalidFramesMax = 100;
const rejectedStreamsMax = 100;
const settingsMax = 32;
const pingsMax = 10;
/** Most header fields in a head, including the pseudo-headers. */
const headersMax = 260;
/** Most memory of one connection, in MB. The bytes that its streams queue are limited by the code that writes them. */
const sessionMegabytesMax = 64;

export interface Http2Client {
  /** The longest time in ms from the beginning of the connection to its first request. */
  readonly firstMs: number;
  /** The connection is closed after this time without a request. */
  readonly idleMs: number;
  readonly serve: (request: Http2ServerRequest, response: Http2ServerResponse, expectsContinue: boolean) => void;
}

/** Serves connections that speak HTTP/2. Each is given here with its socket. */
export class Http2Connections {
  readonly #server: Http2Server;
  readonly #clients = new WeakMap<ServerHttp2Session, Http2Client>();

  constructor(headBytesMax: number) {
    this.#server = createServer({
      maxSettings: settingsMax,
      maxHeaderListPairs: headersMax,
      maxOutstandingPings: pingsMax,
      maxSessionMemory: sessionMegabytesMax,
      maxSessionInvalidFrames: invalidFramesMax,
      maxSessionRejectedStreams: rejectedStreamsMax,
      streamResetBurst: resetsMax,
      streamResetRate: resetsPerSecondMax,
      // A header that a target sends twice is passed on twice.
      strictSingleValueFields: false,
      settings: { maxConcurrentStreams: streamsMax, maxHeaderListSize: headBytesMax, enableConnectProtocol: false },
    });
    this.#server.on('request', (request, response) => {
      this.#clientOf(request)?.serve(request, response, false);
    });
    this.#server.on('checkContinue', (request: Http2ServerRequest, response: Http2ServerResponse) => {
      this.#clientOf(request)?.serve(request, response, true);
    });
  }

  /** Serves a connection. Bytes that were read from the socket before must have been given back to it. */
  accept(socket: Socket, client: Http2Client): void {
    // A server of HTTP/1.1 accepted the socket and allows the client to end its side first. For HTTP/2 that is switched off, because nobody would notice that
    // the client has left.
    socket.allowHalfOpen = false;
    // The server emits this event before `emit` returns.
    this.#server.once('session', (session) => {
      this.#clients.set(session, client);
      limitIdleness(session, client);
    });
    this.#server.emit('connection', socket);
  }

  #clientOf({ stream }: Http2ServerRequest): Http2Client | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the streams of a server are of its own sessions
    const session = stream.session as ServerHttp2Session | undefined;
    return session === undefined ? undefined : this.#clients.get(session);
  }
}

/** A client without an open request is cut off after this time, whatever else it sends. */
function limitIdleness(session: ServerHttp2Session, { firstMs, idleMs }: Http2Client): void {
  const close = (): void => {
    session.destroy();
  };
  let timer = setTimeout(close, firstMs);
  let open = 0;
  session.on('stream', (stream: Http2Stream) => {
    clearTimeout(timer);
    open += 1;
    stream.once('close', () => {
      open -= 1;
      if (open === 0 && !session.destroyed) {
        timer = setTimeout(close, idleMs);
      }
    });
  });
  session.once('close', () => {
    clearTimeout(timer);
  });
}
