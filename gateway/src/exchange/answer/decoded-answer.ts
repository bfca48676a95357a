import type { Transform } from 'node:stream';
import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead } from '../../domain/call.ts';
import { codingOf, decodedBytesMax, decoderOf } from '../../content/codings.ts';
import { pairHeaders, withoutBodyHeaders, withoutDigests } from '../headers.ts';
import { joinedHeaderOf } from '../reading.ts';
import { PassedAnswer } from './answer-stage.ts';

/** Most encoded bytes that wait to be decoded. */
const waitingBytesMax = 16 * 1024 * 1024;

/**
 * Undoes the content coding of an answer as it comes: the answer after this stage is not encoded, and its head says so. An answer in an unknown coding, or in
 * several, passes unchanged. So does the head of an answer without a body.
 */
export class DecodedAnswer extends PassedAnswer {
  /** The head of an encoded answer, held until it is known whether the answer has a body. */
  #head: AnsweredHead | null = null;
  #open: (() => Transform) | null = null;
  #decoder: Transform | null = null;
  #decodedBytes = 0;
  #trailers: readonly string[] = [];

  override onHead(head: AnsweredHead): void {
    this.#open = decoderOf(codingOf(joinedHeaderOf(pairHeaders(head.rawHeaders), 'content-encoding')));
    if (this.#open === null) {
      this.next.onHead(head);
    } else {
      this.#head = head;
    }
  }

  override onBytes(bytes: Buffer): void {
    if (this.#open === null) {
      this.next.onBytes(bytes);
      return;
    }
    if (this.isOver || bytes.length === 0) {
      return;
    }
    if (this.#head !== null) {
      this.next.onHead({ ...this.#head, rawHeaders: withoutBodyHeaders(this.#head.rawHeaders) });
      this.#head = null;
    }
    this.#decoder ??= this.#begin(this.#open());
    this.#decoder.write(bytes);
    if (this.#decoder.writableLength > waitingBytesMax) {
      this.onError(new GatewayError('limit_exceeded', `More than ${waitingBytesMax} bytes of the answer wait for their content coding to be undone.`));
    }
  }

  override onEnd(trailers: readonly string[]): void {
    if (this.#head !== null) {
      this.next.onHead(this.#head);
    }
    if (this.#decoder === null) {
      this.next.onEnd(trailers);
    } else {
      this.#trailers = withoutDigests(trailers);
      this.#decoder.end();
    }
  }

  /** Ends the answer. Bytes that are being decoded are dropped. */
  override onError(error: GatewayError): void {
    this.#decoder?.destroy();
    super.onError(error);
  }

  #begin(decoder: Transform): Transform {
    decoder.on('data', (bytes: Buffer) => {
      this.#decodedBytes += bytes.length;
      if (this.#decodedBytes > decodedBytesMax) {
        this.onError(new GatewayError('limit_exceeded', `The answer is encoded, and longer than ${decodedBytesMax} bytes when it is decoded.`));
      } else if (!this.isOver) {
        this.next.onBytes(bytes);
      }
    });
    decoder.once('end', () => {
      if (!this.isOver) {
        this.next.onEnd(this.#trailers);
      }
    });
    decoder.once('error', (cause) => {
      this.onError(new GatewayError('target_unreachable', 'The answer is not in the content coding that its head names.', { cause }));
    });
    return decoder;
  }
}
