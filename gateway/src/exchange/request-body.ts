import { GatewayError } from '../domain/errors.ts';
import type { ClientRequest } from './exchange.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { pairHeaders } from './headers.ts';
import { PlainRequest } from './plain/plain-request.ts';
import type { Headers } from './reading.ts';

/** A client that announced a body and sends nothing for this time in ms is cut off. */
const silenceMs = 60_000;

/** Gives the body of a client's request in pieces, up to a limit. The connection stays open for the answer in any case. */
export class RequestBody {
  readonly #request: ClientRequest;
  readonly #bytesMax: number;
  /** The announced length in bytes; 0 if there is no body; null if the length is unknown. */
  readonly length: number | null;

  /** Throws GatewayError `limit_exceeded` or `unsupported`. */
  constructor(request: ClientRequest, bytesMax: number) {
    const { 'content-length': announced, 'transfer-encoding': coding = 'chunked' } = request.headers;
    if (coding.toLowerCase() !== 'chunked') {
      throw new GatewayError('unsupported', 'A body with a transfer encoding other than chunked is not forwarded.');
    }
    this.#request = request;
    this.#bytesMax = bytesMax;
    this.length = announced === undefined && maySendBody(request) ? null : Number(announced ?? 0);
    if ((this.length ?? 0) > bytesMax) {
      throw tooLong(bytesMax);
    }
  }

  /** Yields the body in pieces. Throws GatewayError `limit_exceeded`, and `malformed` if the client breaks it off. */
  async *pieces(): AsyncGenerator<Buffer> {
    if (this.length === 0) {
      return;
    }
    let bytes = 0;
    this.#request.setTimeout(silenceMs, () => this.#request.destroy());
    const onGone = (): void => {
      this.#request.destroy();
    };
    // If the answer was already sent as a whole, Node does not tell the request that its connection was closed.
    const connection = 'stream' in this.#request ? null : this.#request.socket.once('close', onGone);
    const pieces = this.#request.iterator({ destroyOnReturn: false });
    try {
      for await (const piece of pieces) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no encoding is set on a request here
        const buffer = this.#withArrived(piece as Buffer);
        bytes += buffer.length;
        if (bytes > this.#bytesMax) {
          throw tooLong(this.#bytesMax);
        }
        yield buffer;
      }
    } catch (error) {
      throw error instanceof GatewayError ? error : new GatewayError('malformed', 'The client broke off its request.', { cause: error });
    } finally {
      connection?.off('close', onGone);
      this.#request.setTimeout(0);
      // The rest is discarded, so that a client that reads only after it has sent everything gets an early answer.
      this.#request.resume();
    }
    if (isCut(this.#request)) {
      throw new GatewayError('malformed', 'The client broke off its request.');
    }
  }

  /** Joins a chunk with all chunks that have arrived after it. Node gives each chunk alone; joined, many small ones cost no more than one (ATTACKS D33). */
  #withArrived(first: Buffer): Buffer {
    const pieces = [first];
    for (let next: Buffer | null = this.#request.read(); next !== null; next = this.#request.read()) {
      pieces.push(next);
    }
    return pieces.length === 1 ? first : Buffer.concat(pieces);
  }

  /** The trailers, once the body was read to its end. */
  get trailers(): Headers {
    return pairHeaders(this.#request.rawTrailers);
  }

  /** Reads the whole body, which is sent on with its length, so that no trailers can follow it. Throws as `pieces` does, and `unsupported` for trailers. */
  async whole(): Promise<Buffer> {
    return this.#arrived() ?? this.#collected();
  }

  /** Returns the body if all of it has arrived together with the head, otherwise null. Over Node's HTTP/1.1 nothing follows the announced length, even if Node has not yet said that the request is complete. */
  #arrived(): Buffer | null {
    if (this.#request instanceof PlainRequest) {
      return this.#request.takeWhole();
    }
    if (this.length === null || this.#request.readableLength !== this.length || ('stream' in this.#request && !this.#request.complete)) {
      return null;
    }
    const bytes: Buffer = this.#request.read() ?? Buffer.alloc(0);
    // The request ends only when it is read on.
    this.#request.resume();
    this.assertNoTrailers();
    return bytes;
  }

  async #collected(): Promise<Buffer> {
    // A client may send the body byte by byte, so the bytes are joined as they come and no pieces are held (ATTACKS D33).
    const body = new ByteWriter();
    for await (const piece of this.pieces()) {
      body.bytes(piece);
    }
    this.assertNoTrailers();
    return body.finish();
  }

  assertNoTrailers(): void {
    if (this.trailers.length > 0) {
      throw new GatewayError('unsupported', 'Trailers are forwarded only after a body of unknown length.');
    }
  }
}

/** True if the request may have a body although it announces no length. */
function maySendBody(request: ClientRequest): boolean {
  return 'stream' in request ? !request.stream.endAfterHeaders : request.headers['transfer-encoding'] !== undefined;
}

function isCut(request: ClientRequest): boolean {
  return 'stream' in request ? request.aborted : !request.complete;
}

function tooLong(bytesMax: number): GatewayError {
  return new GatewayError('limit_exceeded', `The body of a request to this target is at most ${bytesMax} bytes.`);
}
