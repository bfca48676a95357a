import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { formatAddress } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Limits } from '../domain/limits.ts';
import type { Client, TunnelIdentity } from '../domain/client.ts';
import type { Door } from '../domain/door.ts';
import type { Served } from '../domain/service.ts';
import type { StreamProtocol } from '../domain/stream-protocol.ts';
import { addressOf, Connection } from '../wire/connection.ts';
import type { ServerTls } from '../wire/server-tls.ts';
import { reasonOf } from '../wire/failure-reason.ts';
import { Admission, type ListenerLog, type Admitted } from './admission.ts';

const keepAliveMs = 60_000;
/** After the deadline of a login, the protocol has this long in ms to tell the client why it ends. */
const lastWordMs = 250;
/** A client whose connection is refused is cut off if it has not read the refusal after `tellMs`. At most `toldMax` of them are told at the same time. */
const tellMs = 2_000;
const toldMax = 64;
/** When the listener closes, connections have this long in ms to end by themselves. */
const drainMs = 5_000;

export interface TcpListenerOptions extends Served<StreamProtocol> {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  readonly makeDoor: (client: Client, protocol: string) => Door;
  readonly limits: Limits;
  readonly certificate: ServerTls | null;
  readonly log: ListenerLog;
}

/** Accepts the clients of one protocol. No client can hold up another one, or stay without logging in. */
export class TcpListener implements AsyncDisposable {
  readonly #options: TcpListenerOptions;
  readonly #server: Server;
  readonly #admission: Admission;
  readonly #connections = new Set<Connection>();
  readonly #loggingIn = new Set<Connection>();
  #isAccepting = true;
  #told = 0;

  private constructor(options: TcpListenerOptions) {
    this.#options = options;
    this.#admission = new Admission(options.limits, options.log);
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }, (socket) => {
      this.#accept(socket, null);
    });
  }

  /** Opens the listener. Rejects with GatewayError `config_invalid`. */
  static async open(options: TcpListenerOptions): Promise<TcpListener> {
    const { host, port, protocol, log } = options;
    const listener = new TcpListener(options);
    try {
      listener.#server.listen({ host, port });
      await once(listener.#server, 'listening');
    } catch (cause) {
      throw new GatewayError('config_invalid', `Cannot listen on ${host}:${port} for ${protocol.title}: ${reasonOf(cause)}.`, { cause });
    }
    // For instance, no file descriptor is free. The listener continues when there is one again.
    listener.#server.on('error', (error) => {
      log.error({ err: error, protocol: protocol.id }, 'a connection could not be accepted');
    });
    return listener;
  }

  /** The address as `host:port`. */
  get address(): string {
    return formatAddress(this.#server.address());
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Serves a connection that came another way and is authenticated by `tunnel`. `head` holds the bytes that were already read from it. */
  adopt(socket: Socket, head: Buffer, tunnel: TunnelIdentity): void {
    this.#accept(socket, { head, tunnel });
  }

  /** Refuses new connections; existing ones continue. */
  stopAccepting(): void {
    if (this.#isAccepting) {
      this.#isAccepting = false;
      this.#server.close();
    }
  }

  /** Waits until every connection has ended, at most `limitMs`. Clients that have not logged in are cut off at once. */
  async close(limitMs = drainMs): Promise<void> {
    this.stopAccepting();
    for (const connection of this.#loggingIn) {
      connection.destroy();
    }
    const timer = setTimeout(() => {
      for (const connection of this.#connections) {
        connection.destroy();
      }
    }, limitMs);
    await Promise.all([...this.#connections].map((connection) => connection.closed));
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket, through: { readonly head: Buffer; readonly tunnel: TunnelIdentity } | null): void {
    if (!this.#isAccepting) {
      socket.destroy();
      return;
    }
    const { certificate, limits } = this.#options;
    const connection = new Connection(socket, {
      certificate,
      loginMs: limits.loginMs,
      ...(through === null ? {} : { tunnel: through.tunnel }),
    });
    if (through !== null) {
      connection.unread(through.head);
    }
    const admitted = this.#admission.enter(addressOf(socket), () => {
      connection.destroy();
    });
    this.#connections.add(connection);
    this.#loggingIn.add(connection);
    void connection.closed.finally(() => {
      this.#loggingIn.delete(connection);
      this.#connections.delete(connection);
    });
    if (admitted instanceof GatewayError) {
      void this.#turnAway(connection, admitted);
      return;
    }
    void connection.closed.finally(() => {
      admitted.leave();
    });
    void this.#admit(connection, admitted);
  }

  /** Waits for the client's first bytes and then for its turn. */
  async #admit(connection: Connection, admitted: Admitted): Promise<void> {
    const { limits, service } = this.#options;
    if (connection.tunnel === null) {
      service.greet?.(connection);
    }
    if (connection.tunnel === null && !(await hasSpoken(connection, limits.loginMs))) {
      connection.destroy();
      return;
    }
    const refusal = await admitted.turn();
    if (refusal === null) {
      await this.#serve(connection, admitted);
    } else {
      await this.#turnAway(connection, refusal);
    }
  }

  async #serve(connection: Connection, admitted: Admitted): Promise<void> {
    const { protocol, service, makeDoor, limits } = this.#options;
    const deadline = setTimeout(() => {
      connection.destroy();
    }, limits.loginMs + lastWordMs);
    void connection.closed.finally(() => {
      clearTimeout(deadline);
    });
    await this.#guard(connection, async () => {
      const door = makeDoor(connection, protocol.id);
      await service.serve(connection, {
        limits: door.limits,
        knows: (certificate) => door.knows(certificate),
        turnedAway: async (error) => door.turnedAway(error),
        signal: (key) => door.signal(key),
        authenticate: async (credential) => {
          admitted.busy();
          const channel = await door.authenticate(credential);
          clearTimeout(deadline);
          admitted.loggedIn();
          this.#loggingIn.delete(connection);
          return channel;
        },
      });
    });
  }

  /** Tells the client the error in the words of its protocol, at the point where the protocol answers a login. */
  async #turnAway(connection: Connection, error: GatewayError): Promise<void> {
    if (this.#told >= toldMax) {
      connection.destroy();
      return;
    }
    this.#told += 1;
    const deadline = setTimeout(() => {
      connection.destroy();
    }, tellMs + lastWordMs);
    await this.#guard(connection, async () =>
      this.#options.service.serve(connection, {
        limits: { ...this.#options.limits, loginMs: tellMs },
        knows: () => false,
        turnedAway: async () => Promise.resolve(),
        signal: async () => Promise.resolve(false),
        authenticate: async () => Promise.reject(error),
      }),
    );
    clearTimeout(deadline);
    this.#told -= 1;
  }

  async #guard(connection: Connection, serve: () => Promise<void>): Promise<void> {
    try {
      await serve();
      connection.end();
    } catch (error) {
      this.#options.log.error({ err: error, protocol: this.#options.protocol.id }, 'a connection was cut by an error of ours');
      connection.destroy();
    }
  }
}

/** True if the client sent bytes within the limit. The bytes are given back, so that they can be read again. */
async function hasSpoken(connection: Connection, limitMs: number): Promise<boolean> {
  try {
    const first = await connection.read(limitMs);
    connection.unread(first ?? Buffer.alloc(0));
    return first !== null;
  } catch {
    return false;
  }
}
