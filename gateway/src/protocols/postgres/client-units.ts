import { GatewayError } from '../../domain/errors.ts';
import { frameHeaderBytes, frameLength } from './codec.ts';
import { frontend } from './messages.ts';
import { findTraceparent } from './traceparent.ts';

/** A change that a client's message makes to the name of a statement or portal. The target confirms it with the completion number `step` within the unit. */
export type NameChange =
  | { readonly kind: 'parse' | 'close-statement' | 'close-portal'; readonly name: string; readonly step: number }
  | { readonly kind: 'execute'; readonly name: string; readonly step: number }
  | { readonly kind: 'bind'; readonly name: string; readonly statement: string; readonly step: number };

/**
 * Messages that are decided on, recorded and forwarded together. The bytes are the client's own.
 *
 * - `query`, `call`: one Query or FunctionCall.
 *
 * - `execute`: extended-protocol messages up to an Execute, and a Sync or Flush directly after it.
 *
 * - `prepare`: extended-protocol messages up to a Sync or Flush that execute nothing.
 *
 * - `copy`: pieces of COPY data, or their end.
 *
 * - `terminate`: the client ends the conversation.
 */
export interface Unit {
  readonly kind: 'query' | 'call' | 'execute' | 'prepare' | 'copy' | 'terminate';
  readonly bytes: readonly Uint8Array[];
  readonly changes: readonly NameChange[];
  /** The number of completions with which the target answers if nothing fails. ReadyForQuery is not counted. */
  readonly steps: number;
  /** True if the unit ends with a Sync. */
  readonly sync: boolean;
  /** True for a copy unit with CopyDone or CopyFail. */
  readonly ends: boolean;
  /** Number of bytes at the beginning that belong to a CopyData of an earlier unit. */
  readonly begunBytes: number;
  /** The traceparent in the comment of the unit's last statement. */
  readonly traceparent: string | null;
}

/** Most messages in one unit. A longer one is sent on in parts. */
const stepsMax = 1000;
/** Waiting chunks that are smaller than this are joined, so that a peer that sends single bytes does not cost a buffer for each. */
const smallBytesMax = 4096;
/** PostgreSQL cuts the names of statements and portals to this length. */
export const nameBytesMax = 63;
const statementByte = 0x53;

/** Yields the messages of a unit of the extended protocol. Each is whole in one piece. */
export function* messagesOf(bytes: readonly Uint8Array[]): Generator<Buffer, void> {
  for (const piece of bytes) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    for (let at = 0; at + frameHeaderBytes <= chunk.length;) {
      const end = at + 1 + chunk.readUInt32BE(at + 1);
      yield chunk.subarray(at, end);
      at = end;
    }
  }
}

/**
 * Splits what the client sends into frames and groups these into units. A message is held until it is whole, up to `messageBytesMax` bytes; only COPY data pass
 * as they come. The bytes are views of the chunks. Only a message in several chunks is copied, once.
 */
export class ClientUnits {
  readonly #messageBytesMax: number;
  /** The chunk that is being read, the offset up to which it was read, and the offset at which the unit begins. */
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #unitStart = 0;
  /** The chunks after `#chunk`. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Bytes of the current CopyData that have not come yet. */
  #copyLeftBytes = 0;
  /** Pieces of the unit from earlier chunks. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #changes: NameChange[] = [];
  #steps = 0;
  #kind: 'execute' | 'prepare' | 'copy' | null = null;
  #begunBytes = 0;
  #traceparent: string | null = null;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  push(chunk: Buffer): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.length + chunk.length <= smallBytesMax) {
      this.#waiting[this.#waiting.length - 1] = Buffer.concat([last, chunk]);
    } else if (chunk.length > 0) {
      this.#waiting.push(chunk);
    }
    this.#waitingBytes += chunk.length;
  }

  /** Returns the next unit; null until more bytes come. Throws GatewayError `malformed` or `limit_exceeded`. */
  next(): Unit | null {
    for (;;) {
      if (this.#copyLeftBytes > 0) {
        this.#continueCopy();
      }
      const end = this.#messageEnd();
      if (end < 0) {
        // COPY data and executions pass as they come. All others wait for the end of their unit.
        return this.#kind === 'copy' || this.#kind === 'execute' ? this.#finish(this.#kind) : null;
      }
      const unit = this.#take(this.#chunk[this.#at] ?? 0, end);
      if (unit !== null) {
        return unit;
      }
    }
  }

  /** Handles one whole message of this type, which ends at `end`. */
  #take(type: number, end: number): Unit | null {
    switch (type) {
      case frontend.sync:
      case frontend.flush:
        return this.#takeEnd(type, end);
      case frontend.parse:
      case frontend.bind:
      case frontend.describe:
      case frontend.close:
      case frontend.execute:
        return this.#takeExtended(type, end);
      case frontend.copyData:
      case frontend.copyDone:
      case frontend.copyFail:
        return this.#takeCopy(type, end);
      case frontend.query:
        return this.#takeAlone('query', end);
      case frontend.functionCall:
        return this.#takeAlone('call', end);
      case frontend.terminate:
        return this.#takeAlone('terminate', end);
      default:
        throw new GatewayError('malformed', 'A message of the client has an unknown type.');
    }
  }

  #takeEnd(type: number, end: number): Unit {
    if (this.#kind === 'copy') {
      return this.#finish('copy');
    }
    this.#at = end;
    return this.#finish(this.#kind ?? 'prepare', { sync: type === frontend.sync });
  }

  #takeExtended(type: number, end: number): Unit | null {
    if (this.#kind === 'copy' || this.#kind === 'execute') {
      return this.#finish(this.#kind);
    }
    const isFull = this.#steps >= stepsMax || this.#pieceBytes + end - this.#unitStart > this.#messageBytesMax;
    if (isFull && this.#kind !== null) {
      return this.#finish(this.#kind);
    }
    this.#note(type, end);
    this.#steps += 1;
    this.#at = end;
    this.#kind = type === frontend.execute ? 'execute' : 'prepare';
    return null;
  }

  #takeCopy(type: number, end: number): Unit | null {
    if (this.#kind !== null && this.#kind !== 'copy') {
      return this.#finish(this.#kind);
    }
    this.#kind = 'copy';
    this.#at = Math.min(end, this.#chunk.length);
    this.#copyLeftBytes = end - this.#at;
    return type === frontend.copyData ? null : this.#finish('copy', { ends: true });
  }

  /** Takes the bytes of a CopyData that began before. */
  #continueCopy(): void {
    if (this.#kind === null) {
      this.#begunBytes = this.#copyLeftBytes;
    }
    while (this.#copyLeftBytes > 0 && (this.#at < this.#chunk.length || this.#nextChunk())) {
      const bytes = Math.min(this.#copyLeftBytes, this.#chunk.length - this.#at);
      this.#at += bytes;
      this.#copyLeftBytes -= bytes;
      this.#kind = 'copy';
    }
  }

  #takeAlone(kind: 'query' | 'call' | 'terminate', end: number): Unit {
    if (this.#kind !== null) {
      return this.#finish(this.#kind);
    }
    // The target reads nothing after the first zero byte, but a careless reader of the recording might.
    if (kind === 'query' && this.#chunk.indexOf(0, this.#at + frameHeaderBytes) !== end - 1) {
      throw new GatewayError('malformed', 'A query does not end where its message ends.');
    }
    if (kind === 'query') {
      this.#traceparent = findTraceparent(this.#chunk, this.#at + frameHeaderBytes, end - 1);
    }
    this.#at = end;
    return this.#finish(kind);
  }

  #finish(kind: Unit['kind'], flags: { readonly sync?: boolean; readonly ends?: boolean } = {}): Unit {
    this.#hold();
    const unit: Unit = {
      kind,
      bytes: this.#pieces,
      changes: this.#changes,
      steps: this.#steps,
      sync: flags.sync === true,
      ends: flags.ends === true,
      begunBytes: this.#begunBytes,
      traceparent: this.#traceparent,
    };
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#changes = [];
    this.#steps = 0;
    this.#kind = null;
    this.#begunBytes = 0;
    this.#traceparent = null;
    return unit;
  }

  /** Returns the end of the current message in `#chunk`; for COPY data it may be after the end of the chunk. Returns −1 while the message is not whole. */
  #messageEnd(): number {
    if (this.#at === this.#chunk.length && !this.#nextChunk()) {
      return -1;
    }
    if (this.#chunk.length - this.#at < frameHeaderBytes) {
      return this.#messageEndAcross();
    }
    const isCopy = this.#chunk[this.#at] === frontend.copyData;
    const length = frameLength(this.#chunk, this.#at, isCopy ? Infinity : this.#messageBytesMax);
    return isCopy || this.#at + length <= this.#chunk.length || this.#join(length) ? this.#at + length : -1;
  }

  /** Does the work of `#messageEnd` for a message whose header lies in several chunks. */
  #messageEndAcross(): number {
    const header = this.#peek(frameHeaderBytes);
    if (header === null) {
      return -1;
    }
    const isCopy = header[0] === frontend.copyData;
    const length = frameLength(header, 0, isCopy ? Infinity : this.#messageBytesMax);
    return this.#join(isCopy ? frameHeaderBytes : length) ? this.#at + length : -1;
  }

  #peek(length: number): Buffer | null {
    if (this.#chunk.length - this.#at + this.#waitingBytes < length) {
      return null;
    }
    const pieces = [this.#chunk.subarray(this.#at)];
    for (let i = 0, bytes = this.#chunk.length - this.#at; bytes < length; i += 1) {
      const piece = this.#waiting[i] ?? Buffer.alloc(0);
      pieces.push(piece.subarray(0, length));
      bytes += piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** Makes one piece of the next `length` bytes; this is the only copy. False while they are not all there. */
  #join(length: number): boolean {
    let missing = length - (this.#chunk.length - this.#at);
    if (this.#waitingBytes < missing) {
      return false;
    }
    const pieces = [this.#chunk.subarray(this.#at)];
    let whole = 0;
    for (let chunk = this.#waiting[0]; chunk !== undefined && missing > 0; chunk = this.#waiting[whole]) {
      const piece = chunk.subarray(0, missing);
      pieces.push(piece);
      missing -= piece.length;
      this.#waitingBytes -= piece.length;
      if (piece.length < chunk.length) {
        this.#waiting[whole] = chunk.subarray(piece.length);
      } else {
        whole += 1;
      }
    }
    this.#waiting.splice(0, whole);
    this.#hold();
    this.#chunk = Buffer.concat(pieces, length);
    this.#at = 0;
    this.#unitStart = 0;
    return true;
  }

  #nextChunk(): boolean {
    const chunk = this.#waiting.shift();
    if (chunk === undefined) {
      return false;
    }
    this.#hold();
    this.#waitingBytes -= chunk.length;
    this.#chunk = chunk;
    this.#at = 0;
    this.#unitStart = 0;
    return true;
  }

  /** Adds the unit's bytes in this chunk to its pieces. */
  #hold(): void {
    if (this.#unitStart < this.#at) {
      this.#pieces.push(this.#chunk.subarray(this.#unitStart, this.#at));
      this.#pieceBytes += this.#at - this.#unitStart;
      this.#unitStart = this.#at;
    }
  }

  /** Reads the names in the present message. Throws GatewayError `malformed`. */
  #note(type: number, end: number): void {
    const body = this.#at + frameHeaderBytes;
    const step = this.#steps;
    switch (type) {
      case frontend.parse: {
        const name = this.#name(body, end);
        const statement = this.#name(name.next, end);
        this.#traceparent = findTraceparent(this.#chunk, name.next, statement.next - 1) ?? this.#traceparent;
        this.#changes.push({ kind: 'parse', name: name.text, step });
        break;
      }
      case frontend.bind: {
        const portal = this.#name(body, end);
        const statement = this.#name(portal.next, end);
        this.#changes.push({ kind: 'bind', name: portal.text, statement: statement.text, step });
        break;
      }
      case frontend.close: {
        const { text: name } = this.#name(body + 1, end);
        this.#changes.push({ kind: this.#chunk[body] === statementByte ? 'close-statement' : 'close-portal', name, step });
        break;
      }
      case frontend.describe:
        this.#name(body + 1, end);
        break;
      default:
        this.#changes.push({ kind: 'execute', name: this.#name(body, end).text, step });
    }
  }

  /** Returns the string at `at` as the target reads it. */
  #name(at: number, end: number): { readonly text: string; readonly next: number } {
    if (at < end && this.#chunk[at] === 0) {
      return { text: '', next: at + 1 };
    }
    const zero = at < end ? this.#chunk.indexOf(0, at) : -1;
    if (zero < 0 || zero >= end) {
      throw new GatewayError('malformed', 'A string in a message has no end.');
    }
    return { text: this.#chunk.toString('latin1', at, Math.min(zero, at + nameBytesMax)), next: zero + 1 };
  }
}
