import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { GatewayError } from '../../domain/errors.ts';
import type { CallOptions, CallTls } from '../../domain/call.ts';
import type { Target } from '../../domain/target.ts';
import { dialFailure, reasonOf } from '../../wire/failure-reason.ts';
import { dial, type Dialling, type DialTls } from '../../wire/dialer.ts';

/** Unused connections are closed after this time in ms, before most servers close them. */
const unusedMs = 4_000;
const unusedMax = 256;

/** The current user of a connection. */
export interface ConnectionUser {
  onBytes(bytes: Buffer): void;
  /** Called once, when the target has closed its side, or when the connection broke and `error` says why. */
  onClosed(error: GatewayError | null): void;
  onDrain(): void;
}

export interface ConnectionOptions extends Pick<CallOptions, 'tls'> {
  /** Most connections at a time, used or not. More requests at the same time open no more of them (ATTACKS D33). */
  readonly connectionsMax: number;
  readonly dialMs: number;
  /** A connection in use is cut after this time without a byte in either direction. 0: no limit. */
  readonly idleMs: number;
}

/** The connections to one target. An unused connection is kept for the next user. */
export class TargetConnections implements Disposable {
  readonly #target: Target;
  readonly #options: ConnectionOptions;
  readonly #tls: DialTls | null;
  readonly #all = new Set<TargetConnection>();
  /** The unused connections, oldest first. */
  readonly #unused: TargetConnection[] = [];
  #sweeping: NodeJS.Timeout | null = null;
  #isClosed = false;

  /** Throws GatewayError `target_tls_failed` if the files for TLS cannot be used. */
  constructor(target: Target, options: ConnectionOptions) {
    this.#target = target;
    this.#options = options;
    this.#tls = options.tls === null ? null : { context: readContext(options.tls), verify: options.tls.verify, alpnProtocols: ['http/1.1'] };
  }

  /** Returns a kept connection or a new one. Throws GatewayError `target_unreachable` or `throttled`. The user gets the errors of dialling. */
  take(user: ConnectionUser): TargetConnection {
    const now = performance.now();
    for (let kept = this.#unused.pop(); kept !== undefined; kept = this.#unused.pop()) {
      if (kept.unusedUntilMs > now && kept.use(user)) {
        return kept;
      }
      kept.destroy();
    }
    return this.takeNew(user);
  }

  /** Returns a connection that nobody has used. Throws as `take` does. */
  takeNew(user: ConnectionUser): TargetConnection {
    if (this.#all.size >= this.#options.connectionsMax) {
      throw new GatewayError(
        'throttled',
        `${this.#options.connectionsMax} requests to this target are under way, which is the limit (limits.connectionsMax): ask again in a moment.`,
      );
    }
    const connection = new TargetConnection(dial(this.#target, { tls: this.#tls, dialMs: this.#options.dialMs }), this.#options.idleMs);
    this.#all.add(connection);
    connection.socket.once('close', () => {
      this.#all.delete(connection);
    });
    connection.use(user);
    return connection;
  }

  /** Takes back a connection whose user is done. If the target has not taken everything that was sent, the connection is given up (ATTACKS A10). */
  giveBack(connection: TargetConnection, keptMs: number): void {
    connection.rest(performance.now() + Math.min(unusedMs, keptMs - 1_000));
    if (connection.socket.writableLength === 0) {
      this.#keep(connection);
    } else {
      // TLS reports only at the end of the turn that everything was sent. By then a near target may have answered.
      setImmediate(() => {
        if (connection.socket.writableLength === 0) {
          this.#keep(connection);
        } else {
          connection.destroy();
        }
      });
    }
  }

  /** Closes the unused connections. Connections in use stay until their users are done. */
  close(): void {
    this.#isClosed = true;
    this.#sweep(Number.POSITIVE_INFINITY);
  }

  [Symbol.dispose](): void {
    this.close();
    for (const connection of this.#all) {
      connection.destroy();
    }
  }

  #keep(connection: TargetConnection): void {
    if (this.#isClosed || this.#unused.length >= unusedMax) {
      connection.destroy();
      return;
    }
    this.#unused.push(connection);
    this.#sweeping ??= setInterval(() => {
      this.#sweep();
    }, unusedMs).unref();
  }

  #sweep(now = performance.now()): void {
    for (const connection of this.#unused.splice(0)) {
      if (connection.unusedUntilMs > now) {
        this.#unused.push(connection);
      } else {
        connection.destroy();
      }
    }
    if (this.#unused.length === 0 && this.#sweeping !== null) {
      clearInterval(this.#sweeping);
      this.#sweeping = null;
    }
  }
}

/** One connection to a target. Nothing is sent until the target is reached and, with TLS, its certificate is verified. */
export class TargetConnection {
  readonly socket: Socket;
  readonly #idleMs: number;
  #user: ConnectionUser | null = null;
  #isClosed = false;
  #unusedUntilMs = 0;

  constructor({ socket, ready }: Dialling, idleMs: number) {
    this.socket = socket;
    this.#idleMs = idleMs;
    ready.then(this.#onReady, this.#onFailed);
  }

  /** The time until which the unused connection may be kept, on the clock of `performance.now()`. */
  get unusedUntilMs(): number {
    return this.#unusedUntilMs;
  }

  /** True if the connection had a user before, so the target may close it just as it is used again. */
  get isKept(): boolean {
    return this.#unusedUntilMs > 0;
  }

  /** Gives the connection to a user. False if it is closed by now. */
  use(user: ConnectionUser): boolean {
    this.#user = user;
    this.#limitIdleness(this.#idleMs);
    return !this.#isClosed;
  }

  /** Keeps the connection unused until then. If the target sends anything or closes its side in the meantime, the connection ends. */
  rest(untilMs: number): void {
    this.#user = null;
    this.#unusedUntilMs = untilMs;
    this.#limitIdleness(0);
    this.socket.resume();
  }

  /** Returns the socket, which continues in another protocol. */
  hijack(): Socket {
    this.#user = null;
    this.#limitIdleness(0);
    this.socket.off('data', this.#onData);
    this.socket.off('end', this.#onEnd);
    this.socket.off('error', this.#onError);
    this.socket.off('close', this.#onEnd);
    this.socket.off('drain', this.#onDrain);
    this.socket.off('timeout', this.#onIdle);
    return this.socket;
  }

  destroy(): void {
    this.#user = null;
    this.socket.destroy();
  }

  readonly #onReady = (): void => {
    this.socket.on('data', this.#onData);
    this.socket.on('end', this.#onEnd);
    this.socket.on('error', this.#onError);
    this.socket.on('close', this.#onEnd);
    this.socket.on('drain', this.#onDrain);
    this.socket.on('timeout', this.#onIdle);
  };

  readonly #onFailed = (error: GatewayError): void => {
    this.#onClosed(error);
  };

  readonly #onData = (bytes: Buffer): void => {
    if (this.#user === null) {
      this.socket.destroy();
    } else {
      this.#user.onBytes(bytes);
    }
  };

  readonly #onEnd = (): void => {
    this.#onClosed(null);
  };

  readonly #onError = (error: Error): void => {
    this.#onClosed(new GatewayError('target_unreachable', `The target broke off the connection: ${dialFailure(error)}.`, { cause: error }));
  };

  readonly #onIdle = (): void => {
    this.#onClosed(new GatewayError('deadline_exceeded', `The connection to the target was idle for ${this.#idleMs / 1000} s.`));
  };

  readonly #onDrain = (): void => {
    this.#user?.onDrain();
  };

  #limitIdleness(limitMs: number): void {
    if (this.#idleMs > 0) {
      this.socket.setTimeout(limitMs);
    }
  }

  #onClosed(error: GatewayError | null): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#user?.onClosed(error);
    }
  }
}

/** Reads the files for TLS. Throws GatewayError `target_tls_failed`. */
function readContext({ caFile, certFile, keyFile }: CallTls): SecureContext {
  const read = (file: string | undefined): Buffer | undefined => {
    try {
      return file === undefined ? undefined : readFileSync(file);
    } catch (cause) {
      throw new GatewayError('target_tls_failed', `The file ${file} cannot be read: ${reasonOf(cause)}.`, { cause });
    }
  };
  return createSecureContext({ ca: read(caFile), cert: read(certFile), key: read(keyFile) });
}
