import { GatewayError } from '../domain/errors.ts';
import type { ClientRequest } from '../domain/exchange.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { pairHeaders } from './headers.ts';
import type { Headers } from './reading.ts';

/** A client that sends nothing of an announced body for so long is cut off. */
const silenceMs = 60_000;

/** The body of a client's request in pieces, up to a limit. The connection stays open for the answer whatever happens. */
export class RequestBody {
  readonly #request: ClientRequest;
  readonly #bytesMax: number;
  /** As announced; null for a body of unknown length. */
  readonly length: number | null;

  /** Errors: `limit_exceeded`, `unsupported`. */
  constructor(request: ClientRequest, bytesMax: number) {
    const { 'content-length': announced, 'transfer-encoding': coding = 'chunked' } = request.headers;
    if (coding.toLowerCase() !== 'chunked') {
      throw new GatewayError('unsupported', 'A body under another transfer encoding than chunked is not forwarded.');
    }
    this.#request = request;
    this.#bytesMax = bytesMax;
    this.length = announced === undefined && maySendBody(request) ? null : Number(announced ?? 0);
    if ((this.length ?? 0) > bytesMax) {
      throw tooLong(bytesMax);
    }
  }

  /** Errors: `limit_exceeded`, `malformed` when the client breaks it off. */
  async *pieces(): AsyncGenerator<Buffer> {
    if (this.length === 0) {
      return;
    }
    let bytes = 0;
    this.#request.setTimeout(silenceMs, () => this.#request.destroy());
    const onGone = (): void => {
      this.#request.destroy();
    };
    // Node does not tell a request whose answer is whole already that its connection was closed.
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
      // Who sends all of it before reading the answer that came early gets that answer.
      this.#request.resume();
    }
    if (isCut(this.#request)) {
      throw new GatewayError('malformed', 'The client broke off its request.');
    }
  }

  /** Node gives each chunk alone: with all that arrived behind it, many small ones cost no more than one (ATTACKS D33). */
  #withArrived(first: Buffer): Buffer {
    const pieces = [first];
    for (let next: Buffer | null = this.#request.read(); next !== null; next = this.#request.read()) {
      pieces.push(next);
    }
    return pieces.length === 1 ? first : Buffer.concat(pieces);
  }

  /** Of the body that was read to its end. */
  get trailers(): Headers {
    return pairHeaders(this.#request.rawTrailers);
  }

  /** For a body that is sent with its length, so that nothing can follow it. Errors: also `unsupported`. */
  async whole(): Promise<Buffer> {
    return this.#arrived() ?? this.#collected();
  }

  /** A body that came with its head is all there by now. Node may be about to say so: over HTTP/1.1 nothing follows the announced length. */
  #arrived(): Buffer | null {
    if (this.length === null || this.#request.readableLength !== this.length || ('stream' in this.#request && !this.#request.complete)) {
      return null;
    }
    const bytes: Buffer = this.#request.read() ?? Buffer.alloc(0);
    // It ends once it is read on.
    this.#request.resume();
    this.assertNoTrailers();
    return bytes;
  }

  async #collected(): Promise<Buffer> {
    // A client may send it byte by byte: what is held is the bytes, not the pieces (ATTACKS D33).
    const body = new ByteWriter();
    for await (const piece of this.pieces()) {
      body.bytes(piece);
    }
    this.assertNoTrailers();
    return body.finish();
  }

  assertNoTrailers(): void {
    if (this.trailers.length > 0) {
      throw new GatewayError('unsupported', 'Trailers are forwarded behind a body of unknown length alone.');
    }
  }
}

/** Without a length announced. */
function maySendBody(request: ClientRequest): boolean {
  return 'stream' in request ? !request.stream.endAfterHeaders : request.headers['transfer-encoding'] !== undefined;
}

function isCut(request: ClientRequest): boolean {
  return 'stream' in request ? request.aborted : !request.complete;
}

function tooLong(bytesMax: number): GatewayError {
  return new GatewayError('limit_exceeded', `The body of a request to this target is at most ${bytesMax} bytes.`);
}
