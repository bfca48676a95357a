import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket, type SecureContext } from 'node:tls';
import { formatAddress, isLoopback, plainAddress } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Limits } from '../domain/limits.ts';
import { problemMediaType, problemOf } from '../domain/problem.ts';
import type { ExchangeProtocol, TunnelIdentity } from '../domain/protocol.ts';
import type { Visit } from '../sessions/visit.ts';
import type { Admission, Place } from './admission.ts';

/** From the first byte of a request's head to its last. */
const headMs = 60_000;
const headBytesMax = 64 * 1024;
/** A connection without a request. */
const keepAliveMs = 65_000;
/** How often deadlines are looked at. */
const deadlinesMs = 500;
const tlsHandshakeByte = 0x16;
const tunnelProtocol = 'countersign-tunnel';
/** What follows the target's name is given on as the client sent it. */
const targetPath = /^\/t\/([A-Za-z0-9][A-Za-z0-9._-]{0,62})((?:[/?].*)?)$/;
const tunnelPath = /^\/api\/connect\/([A-Za-z0-9._-]{1,63})$/;

export interface HttpListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly limits: Limits;
  readonly admission: Admission;
  /** With one, TLS is spoken on the same port with whoever begins it. */
  readonly certificate: SecureContext | null;
  /** The sessions of one connection. */
  readonly makeVisit: (address: string) => Visit;
  /** The protocol of a target, of those over HTTP; of a name that is none, any: it is refused there as it is to whoever was not granted it. */
  readonly protocolOf: (target: string) => ExchangeProtocol;
  /** Whatever is not for a target. */
  readonly onApi: RequestListener;
  /** A client of a target's protocol behind an upgraded request (`countersign connect`); `head` is what was read of it already. */
  readonly onTunnel: (socket: Socket, head: Buffer, tunnel: TunnelIdentity) => void;
  readonly onError: (error: unknown) => void;
}

/** The one listener for HTTP: requests for targets below `/t/TARGET`, the API, and tunnels. */
export class HttpListener implements AsyncDisposable {
  readonly #options: HttpListenerOptions;
  readonly #server: Server;
  /** Tunnels are the listener's they lead to. */
  readonly #sockets = new Set<Socket>();
  readonly #visits = new WeakMap<Socket, Visit>();

  private constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#server = createServer({
      headersTimeout: Math.min(options.limits.loginMs, headMs),
      // A body is under the deadlines of whoever reads it: an upload may be long.
      requestTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: deadlinesMs,
      maxHeaderSize: headBytesMax,
    });
    this.#admit();
    this.#server.on('request', (request, response) => {
      this.#serve(request, response, false);
    });
    this.#server.on('checkContinue', (request, response) => {
      this.#serve(request, response, true);
    });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      openTunnel(options, request, { socket, head });
    });
  }

  /** Errors: `config_invalid`. */
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

  /** `host:port` */
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

  #serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    try {
      checkHost(request);
    } catch (error) {
      const problem = problemOf(error);
      response.writeHead(problem.status, { 'content-type': problemMediaType }).end(JSON.stringify(problem));
      return;
    }
    const [, name, path] = targetPath.exec(request.url ?? '') ?? [];
    if (name === undefined) {
      if (expectsContinue) {
        response.writeContinue();
      }
      this.#options.onApi(request, response);
      return;
    }
    void this.#exchange({ target: name, path: path ?? '' }, { request, response, expectsContinue });
  }

  async #exchange(
    where: { readonly target: string; readonly path: string },
    message: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly expectsContinue: boolean },
  ): Promise<void> {
    const { socket } = message.request;
    const visit = this.#visits.get(socket);
    if (visit === undefined) {
      socket.destroy();
      return;
    }
    const protocol = this.#options.protocolOf(where.target);
    using door = visit.door(protocol.id);
    const clientAddress = plainAddress(socket.remoteAddress);
    try {
      const facts = { clientAddress, isLoopback: isLoopback(clientAddress), isEncrypted: socket instanceof TLSSocket };
      await protocol.serve({ ...message, ...facts, ...where }, door);
    } catch (error) {
      this.#options.onError(error);
      message.response.destroy();
    }
  }

  /** Lets connections in within the limits; each is served once it is known whether it speaks TLS. */
  #admit(): void {
    const { certificate, limits, admission, makeVisit } = this.#options;
    const server = this.#server;
    /** By the socket that requests come on: that of TLS, where it is spoken. */
    const admitted = new WeakMap<Socket, { readonly place: Place; readonly outer: Socket }>();
    const serve = server.listeners('connection');
    server.removeAllListeners('connection');
    const loggedIn = ({ socket }: IncomingMessage): void => {
      admitted.get(socket)?.place.loggedIn();
    };
    server.on('request', loggedIn);
    server.on('checkContinue', loggedIn);
    server.on('upgrade', (request: IncomingMessage) => {
      loggedIn(request);
      const known = admitted.get(request.socket);
      if (known !== undefined) {
        this.#sockets.delete(known.outer);
      }
    });
    server.on('connection', (socket: Socket) => {
      const address = plainAddress(socket.remoteAddress);
      const place = admission.enter(address);
      if (place === null) {
        socket.destroy();
        return;
      }
      socket.setNoDelay(true);
      const visit = makeVisit(address);
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        place.leave();
        visit.leave();
      });
      const begin = (served: Socket): void => {
        admitted.set(served, { place, outer: socket });
        this.#visits.set(served, visit);
        for (const listener of serve) {
          listener.call(server, served);
        }
      };
      if (certificate === null) {
        begin(socket);
      } else {
        offerTls(socket, { certificate, limitMs: limits.loginMs, begin });
      }
    });
  }
}

/** Looks at the first byte: a TLS hello is answered, anything else is served as it is. */
function offerTls(socket: Socket, { certificate, limitMs, begin }: { certificate: SecureContext; limitMs: number; begin: (served: Socket) => void }): void {
  const deadline = setTimeout(() => socket.destroy(), limitMs);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    clearTimeout(deadline);
  });
  socket.once('readable', () => {
    // Null: it ended without a byte.
    const first: Buffer | null = socket.read(1);
    if (first === null) {
      socket.destroy();
      return;
    }
    socket.unshift(first);
    if (first[0] !== tlsHandshakeByte) {
      clearTimeout(deadline);
      begin(socket);
      return;
    }
    const secured = new TLSSocket(socket, { isServer: true, secureContext: certificate });
    secured.once('secure', () => {
      clearTimeout(deadline);
      begin(secured);
    });
    secured.on('error', () => socket.destroy());
    secured.on('_tlsError', () => socket.destroy());
  });
}

/**
 * A tunnel carries a principal's own token, and the target's protocol brings it to the gate as it does any client's: there it is proven, refused,
 * recorded and slowed down.
 */
function openTunnel(options: HttpListenerOptions, request: IncomingMessage, { socket, head }: { socket: Duplex; head: Buffer }): void {
  socket.on('error', () => socket.destroy());
  const [, target] = tunnelPath.exec(request.url ?? '') ?? [];
  const [, token] = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? '') ?? [];
  try {
    checkHost(request);
    if (request.headers.upgrade !== tunnelProtocol || !(socket instanceof Socket) || target === undefined || token === undefined) {
      throw new GatewayError('malformed', `This is no ${tunnelProtocol} to a target, with a token.`);
    }
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${tunnelProtocol}\r\n\r\n`);
    socket.setTimeout(0);
    options.onTunnel(socket, head, { token, target });
  } catch {
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  }
}

/** A name that a web page made point at this machine is no name of this machine (ATTACKS D35). */
function checkHost({ socket, headers }: IncomingMessage): void {
  const host = (headers.host ?? '')
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  const local = plainAddress(socket.localAddress);
  if (isLoopback(local) && !['localhost', '127.0.0.1', '::1', local].includes(host)) {
    throw new GatewayError('refused', 'The Host header does not name this machine.');
  }
}
