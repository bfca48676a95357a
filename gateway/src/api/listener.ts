import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket, type SecureContext } from 'node:tls';
import { createAdaptorServer } from '@hono/node-server';
import { GatewayError } from '../domain/errors.ts';
import type { TunnelIdentity } from '../domain/protocol.ts';
import type { ApiContext } from './context.ts';
import { checkHost, createApi } from './server.ts';

/** From accept to the first whole request head, TLS included. */
const headersMs = 10_000;
const requestMs = 60_000;
/** Tunnels are among them. */
const connectionsMax = 1_000;
const tlsHandshakeByte = 0x16;
const tunnelProtocol = 'countersign-tunnel';
const tunnelPath = /^\/api\/connect\/([A-Za-z0-9._-]{1,63})$/;

export interface ApiListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly api: ApiContext;
  /** With one, TLS is spoken on the same port with whoever begins it. */
  readonly certificate: SecureContext | null;
  readonly onError: (error: unknown) => void;
  /** A client of a target's protocol behind an upgraded request (`countersign connect`); `head` is what was read of it already. */
  readonly onTunnel: (socket: Socket, head: Buffer, tunnel: TunnelIdentity) => void;
}

/** The HTTP listener of the API. */
export class ApiListener implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Errors: `config_invalid`. */
  static async open(options: ApiListenerOptions): Promise<ApiListener> {
    const { host, port, api, certificate, onError } = options;
    const server = createAdaptorServer({ fetch: createApi(api, onError).fetch });
    if (!(server instanceof Server)) {
      throw new TypeError('without further options the adaptor makes a plain HTTP server');
    }
    server.headersTimeout = headersMs;
    server.requestTimeout = requestMs;
    server.maxConnections = connectionsMax;
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      openTunnel(options, request, { socket, head });
    });
    if (certificate !== null) {
      offerTls(server, certificate);
    }
    try {
      server.listen({ host, port });
      await once(server, 'listening');
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new GatewayError('config_invalid', `Cannot listen on ${host}:${port} for http: ${reason}.`, { cause });
    }
    return new ApiListener(server);
  }

  /** `host:port` */
  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') {
      return '';
    }
    return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Looks at the first byte of each connection: a TLS hello is answered, anything else is served as it is. */
function offerTls(server: Server, secureContext: SecureContext): void {
  const serve = server.listeners('connection');
  server.removeAllListeners('connection');
  const begin = (socket: Socket): void => {
    for (const listener of serve) {
      listener.call(server, socket);
    }
  };
  server.on('connection', (socket: Socket) => {
    const deadline = setTimeout(() => socket.destroy(), headersMs);
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
      const secured = new TLSSocket(socket, { isServer: true, secureContext });
      secured.once('secure', () => {
        clearTimeout(deadline);
        begin(secured);
      });
      secured.on('error', () => socket.destroy());
      secured.on('_tlsError', () => socket.destroy());
    });
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
