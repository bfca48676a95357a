import type { Frame } from '../../content/frame.ts';
import type { RequestHead, ResponseHead } from '../../exchange/reading.ts';
import { shortBytes, type TakeElsewhere } from '../../exchange/step.ts';
import { ModelAnswer } from './answer.ts';
import { step } from './answer-step.ts';
import type { Shape } from './shape.ts';

/** Reads the facts of an answer without delaying other clients: a long document is read in another thread, at its end. */
export class ServedAnswer extends ModelAnswer {
  readonly #request: RequestHead;
  #answered: ResponseHead | null = null;
  /** The long document. Null: the answer is none. */
  #long: Buffer | null = null;

  /** `request` is the head of the request that is answered. `eventBytes` is as in `Kept`. */
  constructor(shape: Shape, request: RequestHead, eventBytes: number) {
    super(shape, { eventBytes, readBytes: shortBytes });
    this.#request = request;
  }

  override head(head: ResponseHead): void {
    this.#answered = head;
    super.head(head);
  }

  override frame(frame: Frame): void {
    this.#long = frame.is === 'whole' ? frame.bytes : this.#long;
    super.frame(frame);
  }

  finish(take: TakeElsewhere): Promise<void> | null {
    return this.#long === null || this.#answered === null ? null : this.#readLong(take, this.#answered, this.#long);
  }

  async #readLong(take: TakeElsewhere, answered: ResponseHead, body: Buffer): Promise<void> {
    this.takeLong(await take(step, { request: this.#request, answered, body }));
  }
}
