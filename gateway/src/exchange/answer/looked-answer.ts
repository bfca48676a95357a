import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import type { GatewayError } from '../../domain/errors.ts';
import { PassedAnswer } from './answer-stage.ts';
import { ChangedAnswer, type ChangedAnswerParts } from './changed-answer.ts';

/**
 * Looks at the texts of an answer that passes as it is. The answer goes also through a stage that finds its texts, whose result is dropped. Where that stage would
 * refuse the answer, the looks are told that they missed it.
 */
export class LookedAnswer extends PassedAnswer {
  readonly #texts: ChangedAnswer;

  constructor(parts: ChangedAnswerParts, next: CallReceiver) {
    super(next);
    this.#texts = new ChangedAnswer(parts, new Dropped(parts));
  }

  override onHead(head: AnsweredHead): void {
    this.#texts.onHead(head);
    super.onHead(head);
  }

  override onBytes(bytes: Buffer): void {
    this.#texts.onBytes(bytes);
    super.onBytes(bytes);
  }

  override onEnd(trailers: readonly string[]): void {
    this.#texts.onEnd(trailers);
    super.onEnd(trailers);
  }

  /** An answer that breaks off was seen as far as it came. */
  override onError(error: GatewayError): void {
    this.#texts.onEnd([]);
    super.onError(error);
  }
}

/** Receives what nobody needs. */
class Dropped implements CallReceiver {
  readonly #parts: ChangedAnswerParts;

  constructor(parts: ChangedAnswerParts) {
    this.#parts = parts;
  }

  onInformation(): void {
    // Nothing is looked for here.
  }

  onHead(): void {
    // It passed already.
  }

  onUpgrade(): void {
    // Nothing is looked for here.
  }

  onBytes(): void {
    // They passed already.
  }

  onEnd(): void {
    // It passed already.
  }

  onError(): void {
    for (const { look } of this.#parts.changes) {
      look?.missed();
    }
  }

  onDrain(): void {
    // Nothing waits.
  }
}
