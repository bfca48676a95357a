import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import type { Framer } from '../../content/framer.ts';
import { pairHeaders } from '../headers.ts';
import type { AnswerReading } from '../reading.ts';
import { PassedAnswer } from './answer-stage.ts';

/** Has an answer read as the target sent it, before its texts are changed. Everything passes. */
export class SentAnswer extends PassedAnswer {
  readonly #reading: NonNullable<AnswerReading['sent']>;
  #framer: Framer | null = null;

  constructor(reading: NonNullable<AnswerReading['sent']>, next: CallReceiver) {
    super(next);
    this.#reading = reading;
  }

  override onHead(head: AnsweredHead): void {
    const read = { status: head.status, headers: pairHeaders(head.rawHeaders) };
    this.#framer = this.#reading.framer(read);
    this.#reading.head(read);
    super.onHead(head);
  }

  override onBytes(bytes: Buffer): void {
    for (const frame of this.#framer?.push(bytes) ?? []) {
      this.#reading.frame(frame);
    }
    super.onBytes(bytes);
  }

  override onEnd(trailers: readonly string[]): void {
    for (const frame of this.#framer?.end() ?? []) {
      this.#reading.frame(frame);
    }
    super.onEnd(trailers);
  }
}
