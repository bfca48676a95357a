import { readFileSync } from 'node:fs';
import { Agent as ClearAgent, request as requestClear, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import { isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallOptions, CallReceiver, CallTls, UpstreamCall } from '../../domain/exchange.ts';
import type { Grant } from '../../domain/grant.ts';
import type { Limits } from '../../domain/limits.ts';
import type { Target } from '../../domain/target.ts';
import { dialFailure } from '../dial-failure.ts';
import { reasonOf } from '../tls.ts';
import { UpstreamConnection } from '../upstream-connection.ts';
import { isLinkLocal, lookupElsewhere } from './addresses.ts';
import { parseRequestHead, parseTrailers } from './head.ts';

const headBytesMax = 64 * 1024;
/** Idle connections are given up before most servers do. */
const idleMs = 4_000;
const idleMax = 256;

/** Calls to targets over HTTP. Connections are kept for the next call to the same target, whoever makes it: they carry the gateway's own credential alone. */
export class HttpCalls implements Disposable {
  readonly #agents = new Map<Target, ClearAgent>();
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Errors come to the receiver. */
  begin(target: Target, options: CallOptions, receiver: CallReceiver): UpstreamCall {
    return new Call({ target, options, receiver, agent: this.#agent(target, options), dialMs: this.#limits.dialMs });
  }

  /** Forgets the connections to targets that are not configured any more. */
  keepOnly(targets: Iterable<Target>): void {
    const kept = new Set(targets);
    for (const [target, agent] of this.#agents) {
      if (!kept.has(target)) {
        this.#agents.delete(target);
        agent.destroy();
      }
    }
  }

  [Symbol.dispose](): void {
    this.keepOnly([]);
  }

  #agent(target: Target, { tls }: CallOptions): ClearAgent {
    const known = this.#agents.get(target);
    if (known !== undefined) {
      return known;
    }
    const pooling = { keepAlive: true, scheduling: 'lifo', timeout: idleMs, maxFreeSockets: idleMax } as const;
    const agent = tls === null ? new ClearAgent(pooling) : new TlsAgent({ ...pooling, ...readTls(tls) });
    this.#agents.set(target, agent);
    return agent;
  }
}

/** Errors: `target_tls_failed`. */
function readTls({ verify, caFile, certFile, keyFile }: CallTls) {
  const read = (file: string | undefined): Buffer | undefined => {
    try {
      return file === undefined ? undefined : readFileSync(file);
    } catch (cause) {
      throw new GatewayError('target_tls_failed', `The file ${file} cannot be read: ${reasonOf(cause)}.`, { cause });
    }
  };
  return { rejectUnauthorized: verify, ca: read(caFile), cert: read(certFile), key: read(keyFile) };
}

interface CallParts {
  readonly target: Target;
  readonly options: CallOptions;
  readonly receiver: CallReceiver;
  readonly agent: ClearAgent;
  readonly dialMs: number;
}

class Call implements UpstreamCall {
  readonly #parts: CallParts;
  #request: ClientRequest | null = null;
  #response: IncomingMessage | null = null;
  #isPaused = false;
  #isOver = false;

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  forward(grant: Grant): void {
    const bytes = grant.spend();
    if (this.#isOver) {
      return;
    }
    if (this.#request !== null) {
      this.#write(this.#request, bytes);
      return;
    }
    const [head, ...body] = bytes;
    if (head !== undefined) {
      this.#request = this.#begin(head, body);
    }
  }

  end(trailers?: Grant): void {
    const [lines] = trailers?.spend() ?? [];
    if (lines !== undefined) {
      this.#request?.addTrailers(parseTrailers(lines).map(([name, value]): [string, string] => [name, value]));
    }
    this.#request?.end();
  }

  get queuedBytes(): number {
    return this.#request?.writableNeedDrain === true ? this.#request.writableLength : 0;
  }

  pause(): void {
    this.#isPaused = true;
    this.#response?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#response?.resume();
  }

  destroy(): void {
    this.#isOver = true;
    this.#request?.destroy();
  }

  #begin(headBytes: Uint8Array, body: readonly Uint8Array[]): ClientRequest | null {
    const { target, options, agent, receiver } = this.#parts;
    const { host, port } = target;
    if (!options.allowLinkLocal && isLinkLocal(host)) {
      this.#fail(new GatewayError('target_unreachable', `The target's address ${host} is one of the link: such are dialled only with the option linkLocal.`));
      return null;
    }
    const head = parseRequestHead(headBytes);
    const credential = options.credential(head, body);
    const given = new Set(credential.headers.map(([name]) => name));
    const headers = [...head.headers.filter(([name]) => !given.has(name)), ...credential.headers].flat();
    const request = (options.tls === null ? requestClear : requestTls)({
      agent,
      host,
      port,
      method: head.method,
      path: credential.path ?? head.path,
      headers,
      setDefaultHeaders: false,
      maxHeaderSize: headBytesMax,
      ...(options.tls === null || isIP(host) !== 0 ? {} : { servername: host }),
      ...(options.allowLinkLocal ? {} : { lookup: lookupElsewhere }),
    });
    request.setNoDelay(true);
    // Where the target was asked to change the protocol and did not, it may still take what follows for something else (ATTACKS A10).
    request.shouldKeepAlive &&= !head.headers.some(([name]) => name === 'upgrade');
    request.on('error', (error) => {
      this.#onError(error);
    });
    request.on('response', (response) => {
      this.#onResponse(response);
    });
    request.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
      // The gateway expects no 100 of the target, and says its own.
      if (!this.#isOver && statusCode !== 100) {
        receiver.onInformation({ status: statusCode, statusText: statusMessage, rawHeaders, isWhole: () => false });
      }
    });
    request.on('upgrade', (response, socket, first) => {
      this.#onUpgrade(response, socket, first);
    });
    request.on('drain', () => {
      receiver.onDrain();
    });
    this.#limitDial(request);
    this.#write(request, body);
    return request;
  }

  #write(request: ClientRequest, pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      request.write(piece);
    }
  }

  #limitDial(request: ClientRequest): void {
    const { dialMs } = this.#parts;
    request.once('socket', (socket) => {
      if (!socket.connecting) {
        return;
      }
      const timer = setTimeout(() => {
        request.destroy(Object.assign(new Error(`no answer within ${dialMs / 1000} s`), { code: '' }));
      }, dialMs);
      socket.once(this.#parts.options.tls === null ? 'connect' : 'secureConnect', () => {
        clearTimeout(timer);
      });
      socket.once('close', () => {
        clearTimeout(timer);
      });
    });
  }

  #onUpgrade(response: IncomingMessage, socket: Duplex, first: Buffer): void {
    if (this.#isOver || !(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    this.#isOver = true;
    socket.setTimeout(0);
    const { target, dialMs, receiver } = this.#parts;
    const upstream = new UpstreamConnection(socket, { host: target.host, handshakeMs: dialMs });
    upstream.unread(first);
    receiver.onUpgrade(headOf(response), upstream);
  }

  #onResponse(response: IncomingMessage): void {
    const { receiver } = this.#parts;
    this.#response = response;
    response.on('data', (bytes: Buffer) => {
      if (!this.#isOver) {
        receiver.onBytes(bytes);
      }
    });
    response.on('end', () => {
      if (!this.#isOver && response.complete) {
        this.#isOver = true;
        receiver.onEnd(response.rawTrailers);
      }
    });
    response.on('error', () => {
      // `close` follows.
    });
    response.on('close', () => {
      if (this.#isOver) {
        return;
      }
      this.#fail(new GatewayError('target_unreachable', 'The target broke off its answer.'));
    });
    receiver.onHead(headOf(response));
    if (this.#isPaused) {
      response.pause();
    }
  }

  #onError(error: Error & { readonly code?: string }): void {
    const { host, port } = this.#parts.target;
    const isTls = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME)/.test(error.code ?? '');
    if (isTls) {
      this.#fail(new GatewayError('target_tls_failed', `TLS with the target at ${host} failed: ${reasonOf(error)}.`, { cause: error }));
      return;
    }
    const message = `The target at ${host}:${port} cannot be reached: ${dialFailure(error)}. Check its address, and that it accepts connections from the gateway.`;
    this.#fail(new GatewayError('target_unreachable', message, { cause: error }));
  }

  #fail(error: GatewayError): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#request?.destroy();
    this.#parts.receiver.onError(error);
  }
}

function headOf(response: IncomingMessage): AnsweredHead {
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    rawHeaders: response.rawHeaders,
    isWhole: () => response.complete,
  };
}
