import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket, type SecureContext } from 'node:tls';
import { createAdaptorServer } from '@hono/node-server';
import { formatAddress } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { TunnelIdentity } from '../domain/protocol.ts';
import type { ApiContext } from './context.ts';
import { checkHost, createApi, plainAddress } from './server.ts';

/** From the first byte of a request to its last. */
const requestMs = 60_000;
/** How often deadlines are looked at. */
const deadlinesMs = 500;
const tlsHandshakeByte = 0x16;
const tunnelProtocol = 'countersign-tunnel';
const tunnelPath = /^\/api\/connect\/([A-Za-z0-9._-]{1,63})$/;

/** A connection's place among those that are let in; a tunnel keeps its own. */
interface Place {
  /** It has sent a whole request head. */
  loggedIn(): void;
  leave(): void;
}

export interface ApiListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly api: ApiContext;
  /** From accept to the first whole request head, TLS included. */
  readonly loginMs: number;
  /** Null when a limit is reached. */
  readonly enter: (address: string) => Place | null;
  /** With one, TLS is spoken on the same port with whoever begins it. */
  readonly certificate: SecureContext | null;
  readonly onError: (error: unknown) => void;
  /** A client of a target's protocol behind an upgraded request (`countersign connect`); `head` is what was read of it already. */
  readonly onTunnel: (socket: Socket, head: Buffer, tunnel: TunnelIdentity) => void;
}

/** The HTTP listener of the API. */
export class ApiListener implements AsyncDisposable {
  readonly #server: Server;
  /** Tunnels are the listener's they lead to. */
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Errors: `config_invalid`. */
  static async open(options: ApiListenerOptions): Promise<ApiListener> {
    const { host, port, api, onError } = options;
    const server = createAdaptorServer({
      fetch: createApi(api, onError).fetch,
      serverOptions: { headersTimeout: Math.min(options.loginMs, requestMs), requestTimeout: requestMs, connectionsCheckingInterval: deadlinesMs },
    });
    if (!(server instanceof Server)) {
      throw new TypeError('without further options the adaptor makes a plain HTTP server');
    }
    const listener = new ApiListener(server);
    listener.#admit(options);
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      openTunnel(options, request, { socket, head });
    });
    try {
      server.listen({ host, port });
      await once(server, 'listening');
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

  /** Lets connections in within the limits; each is served once it is known whether it speaks TLS. */
  #admit({ enter, certificate, loginMs }: ApiListenerOptions): void {
    const server = this.#server;
    /** By the socket that requests come on: that of TLS, where it is spoken. */
    const admitted = new WeakMap<Socket, { readonly place: Place; readonly outer: Socket }>();
    const serve = server.listeners('connection');
    server.removeAllListeners('connection');
    server.prependListener('request', ({ socket }: IncomingMessage) => {
      admitted.get(socket)?.place.loggedIn();
    });
    server.prependListener('upgrade', ({ socket }: IncomingMessage) => {
      const known = admitted.get(socket);
      if (known !== undefined) {
        known.place.loggedIn();
        this.#sockets.delete(known.outer);
      }
    });
    server.on('connection', (socket: Socket) => {
      const place = enter(plainAddress(socket.remoteAddress));
      if (place === null) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        place.leave();
      });
      const begin = (served: Socket): void => {
        admitted.set(served, { place, outer: socket });
        for (const listener of serve) {
          listener.call(server, served);
        }
      };
      if (certificate === null) {
        begin(socket);
      } else {
        offerTls(socket, { certificate, limitMs: loginMs, begin });
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
function openTunnel(options: ApiListenerOptions, request: IncomingMessage, { socket, head }: { socket: Duplex; head: Buffer }): void {
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
