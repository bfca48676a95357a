import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Frame } from '../../content/frame.ts';
import type { RequestHead, ResponseHead } from '../../exchange/reading.ts';
import { shortBytes, type TakeElsewhere } from '../../exchange/step.ts';
import { failedStatusMin, ModelAnswer } from './answer.ts';
import { step } from './answer-step.ts';
import type { Shape } from './shape.ts';
import { tokensOf } from './tokens-of.ts';

/** Reads the facts of an answer without delaying other clients: a long document is read in another thread, at its end. */
export class ServedAnswer extends ModelAnswer {
  readonly #request: RequestHead;
  readonly #askedBytes: number;
  #answered: ResponseHead | null = null;
  /** The long document. Null: the answer is none. */
  #long: Buffer | null = null;

  /** `request` is the head of the request that is answered, and `askedBytes` the length of its body if a model reads it. `eventBytes` is as in `Kept`. */
  constructor(shape: Shape, { request, askedBytes, eventBytes }: { readonly request: RequestHead; readonly askedBytes: number; readonly eventBytes: number }) {
    super(shape, { eventBytes, readBytes: shortBytes });
    this.#request = request;
    this.#askedBytes = askedBytes;
  }

  override head(head: ResponseHead): void {
    this.#answered = head;
    super.head(head);
  }

  override frame(frame: Frame): void {
    this.#long = frame.is === 'whole' ? frame.bytes : this.#long;
    super.frame(frame);
  }

  override facts(): Attributes {
    const facts = super.facts();
    const tokens = this.#unsaidTokens(facts);
    return tokens === 0 ? facts : { ...facts, [ownAttributes.estimatedTokens]: tokens };
  }

  /** Estimates the tokens that the target did not say, because it never does or because its client left before the end. */
  #unsaidTokens(facts: Attributes): number {
    if (this.#answered === null || this.#answered.status >= failedStatusMin) {
      return 0;
    }
    const { 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output, 'gen_ai.response.finish_reasons': reasons } = facts;
    const asked = input === undefined ? tokensOf(this.#askedBytes) : 0;
    const isWhole = output !== undefined && reasons !== undefined;
    return asked + (isWhole ? 0 : Math.max(0, tokensOf(this.said) - Number(output ?? 0)));
  }

  finish(take: TakeElsewhere): Promise<void> | null {
    return this.#long === null || this.#answered === null ? null : this.#readLong(take, this.#answered, this.#long);
  }

  async #readLong(take: TakeElsewhere, answered: ResponseHead, body: Buffer): Promise<void> {
    this.takeLong(await take(step, { request: this.#request, answered, body }));
  }
}
