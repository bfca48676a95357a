import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { formatAddress } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Limits } from '../domain/limits.ts';
import type { Client, Door, StreamProtocol, TunnelIdentity } from '../domain/protocol.ts';
import { addressOf, Connection } from '../wire/connection.ts';
import { reasonOf } from '../wire/tls.ts';
import { Admission } from './admission.ts';

const keepAliveMs = 60_000;
/** Past the login's deadline, what a protocol has to say of it. */
const lastWordMs = 250;
/** At most one line about turned away connections in this time. */
const floodLogMs = 10_000;
/** How long connections may take to end by themselves when the listener closes. */
const drainMs = 5_000;

/** What a listener needs of the log. */
interface ListenerLog {
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export interface TcpListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly protocol: StreamProtocol;
  readonly makeDoor: (client: Client, protocol: string) => Door;
  readonly limits: Limits;
  readonly certificate: SecureContext | null;
  readonly log: ListenerLog;
}

/** Accepts the clients of one protocol. No client can hold up another, nor stay without a login. */
export class TcpListener implements AsyncDisposable {
  readonly #options: TcpListenerOptions;
  readonly #server: Server;
  readonly #admission: Admission;
  readonly #connections = new Set<Connection>();
  readonly #loggingIn = new Set<Connection>();
  #isAccepting = true;
  #turnedAway = 0;
  #floodLoggedMs = -Infinity;

  private constructor(options: TcpListenerOptions) {
    this.#options = options;
    this.#admission = new Admission(options.limits);
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }, (socket) => {
      this.#accept(socket, null);
    });
  }

  /** Errors: `config_invalid`. */
  static async open(options: TcpListenerOptions): Promise<TcpListener> {
    const { host, port, protocol, log } = options;
    const listener = new TcpListener(options);
    try {
      listener.#server.listen({ host, port });
      await once(listener.#server, 'listening');
    } catch (cause) {
      throw new GatewayError('config_invalid', `Cannot listen on ${host}:${port} for ${protocol.title}: ${reasonOf(cause)}.`, { cause });
    }
    // For instance out of file descriptors: it goes on when there are some.
    listener.#server.on('error', (error) => {
      log.error({ err: error, protocol: protocol.id }, 'a connection could not be accepted');
    });
    return listener;
  }

  /** `host:port` */
  get address(): string {
    return formatAddress(this.#server.address());
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Serves a connection that came another way and is authenticated by `tunnel`; `head` is what was read of it already. */
  adopt(socket: Socket, head: Buffer, tunnel: TunnelIdentity): void {
    this.#accept(socket, { head, tunnel });
  }

  /** New connections are refused; those there are go on. */
  stopAccepting(): void {
    if (this.#isAccepting) {
      this.#isAccepting = false;
      this.#server.close();
    }
  }

  /** Waits until every connection has ended, for a while; who has not logged in is cut off at once. */
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
    const place = this.#isAccepting ? this.#admission.enter(addressOf(socket)) : null;
    if (place === null) {
      socket.destroy();
      this.#logFlood(addressOf(socket));
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
    const deadline = setTimeout(() => {
      connection.destroy();
    }, limits.loginMs + lastWordMs);
    const loggedIn = (): void => {
      clearTimeout(deadline);
      place.loggedIn();
      this.#loggingIn.delete(connection);
    };
    this.#connections.add(connection);
    this.#loggingIn.add(connection);
    void connection.closed.finally(() => {
      loggedIn();
      place.leave();
      this.#connections.delete(connection);
    });
    void this.#serve(connection, loggedIn);
  }

  async #serve(connection: Connection, loggedIn: () => void): Promise<void> {
    const { protocol, makeDoor, log } = this.#options;
    try {
      const door = makeDoor(connection, protocol.id);
      await protocol.serve(connection, {
        limits: door.limits,
        signal: (key) => door.signal(key),
        authenticate: async (credential) => {
          const session = await door.authenticate(credential);
          loggedIn();
          return session;
        },
      });
      connection.end();
    } catch (error) {
      log.error({ err: error, protocol: protocol.id }, 'a connection was cut by an error of ours');
      connection.destroy();
    }
  }

  #logFlood(address: string): void {
    if (!this.#isAccepting) {
      return;
    }
    this.#turnedAway += 1;
    const nowMs = performance.now();
    if (nowMs - this.#floodLoggedMs >= floodLogMs) {
      this.#options.log.warn({ protocol: this.#options.protocol.id, address, turnedAway: this.#turnedAway }, 'too many connections');
      this.#floodLoggedMs = nowMs;
      this.#turnedAway = 0;
    }
  }
}
