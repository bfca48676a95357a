import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, ServerResponse, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { ShownCertificate } from '../domain/shown-certificate.ts';
import { certificateOf, type ServerTls } from '../wire/server-tls.ts';
import { formatAddress, isLoopback, plainAddress } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { ClientRequest, ClientResponse, Exchange, NodeRequest, NodeResponse, Upgrade } from '../exchange/exchange.ts';
import type { Limits } from '../domain/limits.ts';
import { problemMediaType, problemOf, retryHeaders } from '../exchange/problem.ts';
import type { TunnelIdentity } from '../domain/client.ts';
import type { Door } from '../domain/door.ts';
import type { Served } from '../domain/service.ts';
import type { ExchangeProtocol } from '../exchange/exchange-protocol.ts';
import { endEarly, onceClosed } from '../exchange/client-response.ts';
import { PlainRequest } from '../exchange/plain/plain-request.ts';
import { keepAliveMs, PlainResponse } from '../exchange/plain/plain-response.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { Admission, type ListenerLog, type Admitted } from './admission.ts';
import { Http2Connections } from './http2-connections.ts';
import { awaitHello, type HttpVersion } from './http-hello.ts';
import { PlainConnections } from './plain-connections.ts';

/** The longest time in ms from the first byte of a request's head to its last. */
const headMs = 60_000;
const headBytesMax = 64 * 1024;
/** Most unanswered requests of one connection. A client that sends more is cut off (ATTACKS D33). HTTP/2 has a limit of its own, which the client is told. */
const unansweredMax = 256;
/** A client whose connection is refused is cut off if it has not read the refusal after this time in ms. */
const tellMs = 2_000;
/** At most this many clients are told a refusal at the same time. */
const toldMax = 64;
/** Deadlines are checked at this interval. */
const deadlinesMs = 500;
/**
 * A client that asks for an upgrade waits for the answer before it sends more (RFC 6455, 4.1). If it does send something before, at most this many bytes are
 * held.
 */
const earlyBytesMax = 64 * 1024;
const tunnelProtocol = 'countersign-tunnel';
/** Matches the path of a target. The part after the target's name is passed on as the client sent it. */
const targetPath = /^\/t\/([A-Za-z0-9][A-Za-z0-9._-]{0,62})((?:[/?].*)?)$/;
const tunnelPath = /^\/api\/v1\/connect\/([A-Za-z0-9._-]{1,63})$/;

/** The sessions of one connection. */
interface Visit {
  /** Makes the door for one request of this protocol. */
  door(protocol: string): Door & Disposable;
  /** Called before the first request, with the certificate that the client showed. */
  show(certificate: ShownCertificate | null): void;
  /** Called when the connection is closed. */
  leave(): void;
}

export interface HttpListenerOptions {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  readonly limits: Limits;
  readonly log: ListenerLog;
  /** With a certificate, TLS is spoken on the same port with each client that begins it. */
  readonly certificate: ServerTls | null;
  readonly makeVisit: (address: string) => Visit;
  /**
   * The protocol over HTTP of a target. For an unknown name, any protocol is returned: it refuses the name in the same way as a target that was not granted.
   */
  readonly protocolOf: (target: string) => Served<ExchangeProtocol>;
  /** Serves all that is for no target. Null: every request is for a target. */
  readonly besides: BesidesTargets | null;
  /** Returns the name of the target that a server name of TLS stands for; null if it stands for none. All requests are then for it. Absent: the path names the target. */
  readonly targetOf?: (serverName: string) => string | null;
  readonly onError: (error: unknown) => void;
}

interface BesidesTargets {
  /** Serves each request that is not for a target. */
  readonly onApi: (request: NodeRequest, response: NodeResponse) => void;
  /** Serves a client of a target's protocol over an upgraded request (`countersign connect`). `head` holds the bytes that were already read from it. */
  readonly onTunnel: (socket: Socket, head: Buffer, tunnel: TunnelIdentity) => void;
}

/** Where a request leads. */
type Place = Pick<Exchange, 'target' | 'way' | 'path'>;

/** A client's connection. */
interface Guest {
  readonly admitted: Admitted;
  readonly visit: Visit;
  /** The socket as it was accepted. */
  readonly outer: Socket;
  /** The socket that requests come on: that of TLS where TLS is spoken, otherwise `outer`. */
  readonly served: Socket;
  /** The newest host name that was checked and is allowed; undefined if there was none. */
  host: string | undefined;
  /** Number of requests without an answer. */
  unanswered: number;
  /** Unanswered requests that wait for an earlier one: over HTTP/1.1 answers come in order, and nothing is done for a request before its turn. */
  readonly waiting: Message[];
}

interface Message {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly expectsContinue: boolean;
  readonly upgrade: Upgrade | null;
}

/** A listener for HTTP: requests for targets, the API, and tunnels. */
export class HttpListener implements AsyncDisposable {
  readonly #options: HttpListenerOptions;
  readonly #server: Server;
  readonly #admission: Admission;
  readonly #told = new Set<Socket>();
  readonly #plain = new PlainConnections();
  readonly #http2 = new Http2Connections(headBytesMax);
  /** All sockets except those of tunnels, which belong to the listener that the tunnel leads to. */
  readonly #sockets = new Set<Socket>();
  /** Clients that Node's server serves over HTTP/1.1, by the socket that their requests come on. */
  readonly #guests = new WeakMap<Socket, Guest>();
  readonly #serveConnection: (socket: Socket) => void;

  private constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#admission = new Admission(options.limits, options.log);
    this.#server = createServer({
      headersTimeout: Math.min(options.limits.loginMs, headMs),
      // The code that reads a body sets its own deadline, because an upload may take long.
      requestTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: deadlinesMs,
      maxHeaderSize: headBytesMax,
      // All other offers to switch the protocol are ignored and the request is answered as it is. The same holds for an offer after requests that have no
      // answer yet.
      shouldUpgradeCallback: ({ headers, url = '', socket }) =>
        ((headers.upgrade === tunnelProtocol && options.besides !== null) || (isWebSocket(headers) && this.#placeOf(socket, url) !== null)) &&
        this.#guests.get(socket)?.unanswered === 0,
    });
    // The server's own handler for connections is called once a client has sent something of HTTP/1.1 that is not plain.
    const serve = this.#server.listeners('connection');
    this.#server.removeAllListeners('connection');
    this.#serveConnection = (socket) => {
      for (const listener of serve) {
        listener.call(this.#server, socket);
      }
    };
    this.#server.on('connection', (socket: Socket) => {
      this.#admit(socket);
    });
    this.#server.on('request', (request, response) => {
      this.#serve(this.#guests.get(request.socket), { request, response, expectsContinue: false, upgrade: null });
    });
    this.#server.on('checkContinue', (request, response) => {
      this.#serve(this.#guests.get(request.socket), { request, response, expectsContinue: true, upgrade: null });
    });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // This is not always the connection's own socket: while a body is expected, Node gives another stream, which emits errors of its own.
      socket.on('error', () => socket.destroy());
      const guest = this.#guests.get(request.socket);
      if (guest === undefined) {
        socket.destroy();
      } else if (hasBody(request.headers)) {
        refuseUpgrade(socket);
      } else if (isWebSocket(request.headers)) {
        this.#serveUpgrade(guest, request, head);
      } else if (options.besides !== null) {
        guest.admitted.busy();
        this.#sockets.delete(guest.outer);
        openTunnel(options.besides, request, { socket, head });
      }
    });
  }

  /** Opens the listener. Rejects with GatewayError `config_invalid`. */
  static async open(options: HttpListenerOptions): Promise<HttpListener> {
    const { host, port } = options;
    const listener = new HttpListener(options);
    try {
      listener.#server.listen({ host, port });
      await once(listener.#server, 'listening');
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new GatewayError('config_invalid', `Cannot listen on ${host}:${port} for http: ${reason}.`, { cause });
    }
    return listener;
  }

  /** The address as `host:port`. */
  get address(): string {
    return formatAddress(this.#server.address());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await Promise.resolve();
  }

  /** Admits a connection within the limits. It is served once its protocol is known. */
  #admit(socket: Socket): void {
    const { certificate, limits, makeVisit } = this.#options;
    const address = plainAddress(socket.remoteAddress);
    const admitted = this.#admission.enter(address, () => socket.destroy());
    if (admitted instanceof GatewayError) {
      this.#turnAway(socket, admitted);
      return;
    }
    socket.setNoDelay(true);
    const visit = makeVisit(address);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      admitted.leave();
      visit.leave();
    });
    awaitHello(socket, {
      certificate,
      limitMs: limits.loginMs,
      begin: (served, version) => {
        visit.show(certificateOf(served, { authorities: certificate?.authorities ?? [] }));
        this.#begin({ admitted, visit, outer: socket, served, host: undefined, unanswered: 0, waiting: [] }, version);
      },
    });
  }

  /** Tells the client the error in the clear and closes. The request is not read, so a client that speaks TLS gets no answer that it can read. */
  #turnAway(socket: Socket, error: GatewayError): void {
    if (this.#told.size >= toldMax) {
      socket.destroy();
      return;
    }
    this.#told.add(socket);
    const timer = setTimeout(() => socket.destroy(), tellMs);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#told.delete(socket);
    });
    socket.on('error', () => socket.destroy());
    const problem = problemOf(error);
    const body = JSON.stringify(problem);
    const retry = retryHeaders(problem.status).map(([name, value]) => `\r\n${name}: ${value}`);
    const head = `HTTP/1.1 ${problem.status} ${problem.title}\r\ncontent-type: ${problemMediaType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close${retry.join('')}`;
    socket.resume();
    socket.end(`${head}\r\n\r\n${body}`);
  }

  #begin(guest: Guest, version: HttpVersion): void {
    const { served } = guest;
    if (version === 1) {
      this.#plain.accept(served, {
        takes: (url) => this.#placeOf(served, url) !== null,
        serve: (request, response) => {
          this.#serve(guest, { request, response, expectsContinue: false, upgrade: null });
        },
        handOver: () => {
          this.#guests.set(served, guest);
          this.#serveConnection(served);
        },
      });
      return;
    }
    this.#http2.accept(served, {
      firstMs: Math.min(this.#options.limits.loginMs, headMs),
      idleMs: keepAliveMs,
      serve: (request, response, expectsContinue) => {
        this.#serve(guest, { request, response, expectsContinue, upgrade: null });
      },
    });
  }

  /** Serves a request for an upgrade. Node leaves its socket to the gateway: any answer other than 101 is the last one on it. */
  #serveUpgrade(guest: Guest, request: IncomingMessage, head: Buffer): void {
    const { served: socket } = guest;
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    try {
      response.assignSocket(socket);
    } catch {
      // An earlier request of this connection has not been answered.
      socket.destroy();
      return;
    }
    response.once('finish', () => {
      socket.destroySoon();
    });
    this.#serve(guest, { request, response, expectsContinue: false, upgrade: awaitAnswer(socket, response, head) });
  }

  #serve(guest: Guest | undefined, message: Message): void {
    const { response } = message;
    if (guest === undefined) {
      response.destroy();
      return;
    }
    guest.admitted.busy();
    guest.unanswered += 1;
    onceClosed(response, () => {
      guest.unanswered -= 1;
      if (guest.unanswered === 0) {
        guest.admitted.idle();
      }
      const next = guest.waiting.shift();
      if (next !== undefined && !guest.outer.destroyed) {
        this.#answer(guest, next);
      }
    });
    if (guest.unanswered > unansweredMax) {
      guest.outer.destroy();
    } else if (guest.unanswered > 1 && !('stream' in response)) {
      guest.waiting.push(message);
    } else {
      this.#answer(guest, message);
    }
  }

  #answer(guest: Guest, message: Message): void {
    const { request, response } = message;
    const place = this.#placeOf(guest.served, request.url ?? '');
    try {
      const { host, ':authority': authority } = request.headers;
      if (authority !== undefined || host === undefined || host !== guest.host) {
        checkHost(request, guest.served);
        guest.host = host;
      }
    } catch (error) {
      const problem = problemOf(error);
      endEarly(response, { status: problem.status, statusText: problem.title, headers: [['content-type', problemMediaType]] }, JSON.stringify(problem));
      return;
    }
    if (place === null) {
      assert(!(request instanceof PlainRequest) && !(response instanceof PlainResponse), 'only requests for targets are plain');
      if (message.expectsContinue) {
        response.writeContinue();
      }
      this.#options.besides?.onApi(request, response);
      return;
    }
    void this.#exchange(guest, place, message);
  }

  /** Returns where a request on a socket leads; null if it is for no target. A server name that stands for none leads to a target that nobody has. */
  #placeOf(served: Socket, url: string): Place | null {
    const { targetOf } = this.#options;
    if (targetOf !== undefined) {
      const target = served instanceof TLSSocket && typeof served.servername === 'string' ? targetOf(served.servername) : null;
      return { target: target ?? '', way: '', path: url };
    }
    const [, target, path = ''] = targetPath.exec(url) ?? [];
    return target === undefined ? null : { target, way: `/t/${target}`, path };
  }

  async #exchange({ visit, served, admitted }: Guest, where: Place, message: Message): Promise<void> {
    const { protocol, service } = this.#options.protocolOf(where.target);
    using door = visit.door(protocol.id);
    const clientAddress = plainAddress(served.remoteAddress);
    try {
      const facts = { clientAddress, isLoopback: isLoopback(clientAddress), isEncrypted: served instanceof TLSSocket };
      await service.serve(
        { ...message, ...facts, ...where },
        {
          limits: door.limits,
          knows: (certificate) => door.knows(certificate),
          turnedAway: async (error) => door.turnedAway(error),
          signal: (key) => door.signal(key),
          authenticate: async (credential) => {
            const channel = await door.authenticate(credential);
            admitted.loggedIn();
            return channel;
          },
        },
      );
    } catch (error) {
      this.#options.onError(error);
      message.response.destroy();
    }
  }
}

/**
 * Opens a tunnel. It carries a principal's own token. The target's protocol checks, refuses, records and slows it down at the gate as it does for any client.
 */
function openTunnel(options: BesidesTargets, request: IncomingMessage, { socket, head }: { socket: Duplex; head: Buffer }): void {
  const [, target] = tunnelPath.exec(request.url ?? '') ?? [];
  const [, token] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
  try {
    checkHost(request, request.socket);
    if (request.headers.upgrade !== tunnelProtocol || !(socket instanceof Socket) || target === undefined || token === undefined) {
      throw new GatewayError('malformed', `This is not a request for ${tunnelProtocol} to a target with a token.`);
    }
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${tunnelProtocol}\r\n\r\n`);
    socket.setTimeout(0);
    options.onTunnel(socket, head, { token, target });
  } catch {
    refuseUpgrade(socket);
  }
}

/** Answers 400 and closes the connection at once, without waiting for the client to close it. */
function refuseUpgrade(socket: Duplex): void {
  socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', () => socket.destroy());
}

/**
 * True if the request has a body. An upgrade with one is refused: the end of the body and the beginning of the other protocol are not searched for (ATTACKS
 * A10).
 */
function hasBody({ 'content-length': length = '0', 'transfer-encoding': coding }: IncomingHttpHeaders): boolean {
  return length !== '0' || coding !== undefined;
}

function isWebSocket({ upgrade }: IncomingHttpHeaders): boolean {
  return upgrade?.toLowerCase() === 'websocket';
}

/** Refuses a host name other than this machine's, because a web page may have made a name of its own point at this machine (ATTACKS D35). */
function checkHost({ headers }: ClientRequest, { localAddress }: Socket): void {
  // HTTP/2 names the host in a pseudo-header. A client that sends both names must send the same name.
  const { host: told, ':authority': authority } = headers;
  if (authority !== undefined && told !== undefined && authority !== told) {
    throw new GatewayError('malformed', 'A request must name exactly one host.');
  }
  const host = String(authority ?? told ?? '')
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  const local = plainAddress(localAddress);
  if (isLoopback(local) && !['localhost', '127.0.0.1', '::1', local].includes(host)) {
    throw new GatewayError('refused', 'The Host header does not name this machine.');
  }
}

/** Reads from a socket that nobody reads yet, so that the gateway notices if the client leaves. */
function awaitAnswer(socket: Socket, response: ServerResponse, head: Buffer): Upgrade {
  const early = new ByteWriter().bytes(head);
  const onData = (piece: Buffer): void => {
    early.bytes(piece);
    if (early.length > earlyBytesMax) {
      socket.destroy();
    }
  };
  const onEnd = (): void => {
    socket.destroy();
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
  return {
    socket,
    take: () => {
      response.detachSocket(socket);
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.pause();
      return early.finish();
    },
  };
}
