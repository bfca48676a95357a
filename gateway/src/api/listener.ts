import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createAdaptorServer } from '@hono/node-server';
import { Socket } from 'node:net';
import { GatewayError } from '../domain/errors.ts';
import type { TunnelIdentity } from '../domain/protocol.ts';
import type { ApiContext } from './context.ts';
import { createApi } from './server.ts';

const headersMs = 10_000;
const requestMs = 60_000;
const connectionsMax = 500;
const tunnelProtocol = 'countersign-tunnel';
const tunnelPath = /^\/api\/connect\/([A-Za-z0-9._%-]{1,200})$/;

export interface ApiListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly api: ApiContext;
  readonly onError: (error: unknown) => void;
  /** A client of a target's protocol behind an upgraded request (`countersign connect`). */
  readonly onTunnel: (socket: Socket, tunnel: TunnelIdentity) => void;
}

/** The HTTP listener of the API. */
export class ApiListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #host: string;

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.#host = host;
  }

  static async open(options: ApiListenerOptions): Promise<ApiListener> {
    const app = createApi(options.api, options.onError);
    // Without further options the adaptor makes a plain HTTP/1 server.
    const server = createAdaptorServer({ fetch: app.fetch }) as Server;
    server.headersTimeout = headersMs;
    server.requestTimeout = requestMs;
    server.maxConnections = connectionsMax;
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      upgrade(options, request, { socket, head });
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
    await promise;
    return new ApiListener(server, options.host);
  }

  get address(): string {
    // A TCP server that listens has an AddressInfo.
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#host}:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.resolve();
  }
}

/** A tunnel carries a principal's own token, and the target's protocol brings it to the gate like any client's. */
function upgrade(options: ApiListenerOptions, request: IncomingMessage, { socket, head }: { socket: Duplex; head: Buffer }): void {
  socket.on('error', () => undefined);
  try {
    const [, name = ''] = tunnelPath.exec(request.url ?? '') ?? [];
    const token = /^Bearer (\S{1,200})$/.exec(String(request.headers['x-countersign-token'] ?? ''))?.[1];
    if (name === '' || request.headers.upgrade !== tunnelProtocol || !(socket instanceof Socket) || token === undefined) {
      throw new GatewayError('malformed', 'not a tunnel');
    }
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${tunnelProtocol}\r\n\r\n`);
    if (head.length > 0) {
      socket.unshift(head);
    }
    socket.setTimeout(0);
    options.onTunnel(socket, { token, target: decodeURIComponent(name) });
  } catch {
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
  }
}
