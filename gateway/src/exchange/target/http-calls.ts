import { strict as assert } from 'node:assert';
import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallHead, CallOptions, CallReceiver, UpstreamCall } from '../../domain/call.ts';
import type { Grant } from '../../domain/grant.ts';
import type { Limits } from '../../domain/limits.ts';
import type { Target } from '../../domain/target.ts';
import { UpstreamConnection } from '../../wire/upstream-connection.ts';
import { AnswerParser, type AnswerReceiver } from './answer-parser.ts';
import { composeRequestHead, parseRequestHead } from '../head.ts';
import { withoutSecrets } from '../headers.ts';
import { headerOf } from '../reading.ts';
import { TargetConnections, type ConnectionUser, type TargetConnection } from './target-connections.ts';

/** Pieces with up to this many bytes together are copied into one, so that they are sent in one packet. */
const togetherBytesMax = 16 * 1024;
const lastChunk = Buffer.from('0\r\n');
const lineEnd = Buffer.from('\r\n');
/** Idempotent methods: sending such a request twice has the same effect as sending it once (RFC 9110, 9.2.2). */
const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Calls to targets over HTTP/1.1. A connection is kept for the next call to the same target, whoever makes it, because it carries only the gateway's own credential. */
export class HttpCalls implements Disposable {
  readonly #connections = new Map<Target, TargetConnections>();
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Begins a call. It does not throw: errors go to the receiver. */
  begin(target: Target, options: CallOptions, receiver: CallReceiver): UpstreamCall {
    return new Call({ target, options, receiver, connections: this.#connectionsTo(target, options), dialMs: this.#limits.dialMs });
  }

  /** Forgets the unused connections to targets that are not configured any more. */
  keepOnly(targets: Iterable<Target>): void {
    const kept = new Set(targets);
    for (const [target, connections] of this.#connections) {
      if (!kept.has(target)) {
        this.#connections.delete(target);
        connections.close();
      }
    }
  }

  [Symbol.dispose](): void {
    for (const connections of this.#connections.values()) {
      connections[Symbol.dispose]();
    }
  }

  #connectionsTo(target: Target, { tls }: CallOptions): TargetConnections {
    const known = this.#connections.get(target);
    if (known !== undefined) {
      return known;
    }
    const { dialMs, idleMs, connectionsMax } = this.#limits;
    const connections = new TargetConnections(target, { tls, dialMs, idleMs, connectionsMax });
    this.#connections.set(target, connections);
    return connections;
  }
}

interface CallParts {
  readonly target: Target;
  readonly options: CallOptions;
  readonly receiver: CallReceiver;
  readonly connections: TargetConnections;
  readonly dialMs: number;
}

class Call implements UpstreamCall, ConnectionUser, AnswerReceiver {
  readonly #parts: CallParts;
  #connection: TargetConnection | null = null;
  #parser: AnswerParser | null = null;
  /** Bytes of the request's body that are still to be sent, if the body has an announced length. */
  #bodyBytesLeft = 0;
  #isChunked = false;
  #isUpgrade = false;
  #isSent = false;
  #upgraded: AnsweredHead | null = null;
  /**
   * All bytes that were sent, as long as they may be sent once more: the target may close a kept connection at that moment, before it sends any byte of an
   * answer.
   */
  #again: readonly Uint8Array[] | null = null;
  /** The secrets in the target's credential. They are removed from the target's answers. */
  #secrets: readonly string[] = [];
  #isOver = false;

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  forward(grant: Grant): void {
    const bytes = grant.spend();
    if (this.#isOver) {
      return;
    }
    if (this.#connection !== null) {
      this.#again = null;
      this.#write(this.#framed(bytes));
      return;
    }
    const [head, ...body] = bytes;
    if (head === undefined) {
      return;
    }
    try {
      this.#begin(parseRequestHead(head), body);
    } catch (error) {
      this.#failOr(error);
    }
  }

  end(trailers?: Grant): void {
    const lines = trailers?.spend() ?? [];
    if (this.#isOver || this.#connection === null) {
      return;
    }
    if (this.#isChunked) {
      this.#again = null;
      this.#write([lastChunk, ...lines, lineEnd]);
    }
    assert(this.#bodyBytesLeft === 0, 'a body is as long as was announced');
    this.#isSent = true;
  }

  get queuedBytes(): number {
    const socket = this.#connection?.socket;
    return socket?.writableNeedDrain === true ? socket.writableLength : 0;
  }

  pause(): void {
    this.#connection?.socket.pause();
  }

  resume(): void {
    this.#connection?.socket.resume();
  }

  destroy(): void {
    this.#isOver = true;
    this.#connection?.destroy();
    this.#connection = null;
  }

  onBytes(bytes: Buffer): void {
    const parser = this.#parser;
    if (parser === null) {
      return;
    }
    this.#again = null;
    try {
      const rest = parser.read(bytes);
      if (this.#upgraded !== null) {
        this.#goOn(this.#upgraded, rest);
      } else if (parser.isDone) {
        this.#leave(parser, rest.length === 0);
      }
    } catch (error) {
      this.#failOr(error);
    }
  }

  onClosed(error: GatewayError | null): void {
    const again = this.#again;
    if (again !== null && error?.code !== 'deadline_exceeded') {
      this.#sendAgain(again);
      return;
    }
    if (error === null && this.#parser?.close() === true) {
      this.#leave(this.#parser, false);
      return;
    }
    this.#fail(error ?? new GatewayError('target_unreachable', 'The target broke off its answer.'));
  }

  onDrain(): void {
    this.#parts.receiver.onDrain();
  }

  onInformation(head: AnsweredHead): void {
    // The gateway does not ask the target for a 100, and sends its own.
    if (!this.#isOver && head.status !== 100) {
      this.#parts.receiver.onInformation(this.#conceal(head));
    }
  }

  onHead(head: AnsweredHead): void {
    if (this.#isOver) {
      return;
    }
    if (head.status === 101) {
      this.#upgraded = this.#conceal(head);
    } else {
      this.#parts.receiver.onHead(this.#conceal(head));
    }
  }

  onBody(bytes: Buffer): void {
    if (!this.#isOver) {
      this.#parts.receiver.onBytes(bytes);
    }
  }

  onEnd(trailers: readonly string[]): void {
    if (!this.#isOver && this.#upgraded === null) {
      this.#isOver = true;
      this.#parts.receiver.onEnd(withoutSecrets(trailers, this.#secrets));
    }
  }

  /** Adds the credential and begins to send. Throws GatewayError `target_unreachable`, and the errors of the credential. */
  #begin({ method, path, headers }: CallHead, body: readonly Uint8Array[]): void {
    const { options, connections } = this.#parts;
    const credential = options.credential({ method, path, headers }, body);
    this.#secrets = credential.secrets;
    const given = credential.headers;
    const head = composeRequestHead({
      method,
      path: credential.path ?? path,
      headers: [...headers.filter(([name]) => !given.some(([own]) => own === name)), ...given],
    });
    this.#isUpgrade = headerOf(headers, 'upgrade') !== undefined;
    this.#isChunked = headerOf(headers, 'transfer-encoding') !== undefined;
    this.#bodyBytesLeft = Number(headerOf(headers, 'content-length') ?? 0);
    this.#parser = new AnswerParser(this, method === 'HEAD');
    const connection = connections.take(this);
    const sent = [head, ...this.#framed(body)];
    this.#connection = connection;
    this.#again = connection.isKept && repeatable.has(method) ? sent : null;
    this.#write(sent);
  }

  /** Sends the bytes once more, over a connection that nobody has used before. */
  #sendAgain(sent: readonly Uint8Array[]): void {
    this.#again = null;
    this.#connection?.destroy();
    try {
      this.#connection = this.#parts.connections.takeNew(this);
      this.#write(sent);
    } catch (error) {
      this.#failOr(error);
    }
  }

  #conceal(head: AnsweredHead): AnsweredHead {
    return { ...head, rawHeaders: withoutSecrets(head.rawHeaders, this.#secrets) };
  }

  /** The body as it goes over the connection. */
  #framed(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
    if (this.#isChunked) {
      return pieces.filter(({ length }) => length > 0).flatMap((piece) => [Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1'), piece, lineEnd]);
    }
    for (const { length } of pieces) {
      this.#bodyBytesLeft -= length;
    }
    assert(this.#bodyBytesLeft >= 0, 'a body is as long as was announced');
    return pieces;
  }

  #write(pieces: readonly Uint8Array[]): void {
    const socket = this.#connection?.socket;
    let bytes = 0;
    for (const { length } of pieces) {
      bytes += length;
    }
    if (bytes <= togetherBytesMax) {
      socket?.write(Buffer.concat(pieces, bytes));
      return;
    }
    socket?.cork();
    for (const piece of pieces) {
      socket?.write(piece);
    }
    socket?.uncork();
  }

  /** Handles the end of an answer. The connection cannot be used again if the request was not fully read, or if bytes came after the answer (ATTACKS A10). */
  #leave(parser: AnswerParser, isClean: boolean): void {
    const connection = this.#connection;
    this.#isOver = true;
    this.#connection = null;
    if (connection === null) {
      return;
    }
    if (isClean && parser.canBeKept && this.#isSent && !this.#isUpgrade) {
      this.#parts.connections.giveBack(connection, parser.keptMs);
    } else {
      connection.destroy();
    }
  }

  #goOn(head: AnsweredHead, rest: Buffer): void {
    const { target, dialMs, receiver } = this.#parts;
    const connection = this.#connection;
    if (this.#isOver || connection === null) {
      return;
    }
    this.#isOver = true;
    this.#connection = null;
    const upstream = new UpstreamConnection(connection.hijack(), { host: target.host, handshakeMs: dialMs });
    upstream.unread(rest);
    receiver.onUpgrade(head, upstream);
  }

  #failOr(error: unknown): void {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    this.#fail(error);
  }

  #fail(error: GatewayError): void {
    if (this.#isOver) {
      return;
    }
    this.destroy();
    this.#parts.receiver.onError(error);
  }
}
