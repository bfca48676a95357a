import { GatewayError } from '../../domain/errors.ts';
import type { Slices, TextChange } from '../../domain/text-change.ts';
import type { AnswerStage } from './answer-stage.ts';
import { ChangedMessages, type ChangedMessagesOptions } from './changed-messages.ts';

const dropped: AnswerStage = {
  headBytes: () => 0,
  begin: () => null,
  rest: () => {
    // The message passed already.
  },
};
const none: readonly TextChange[] = [];

/**
 * Looks at the texts of messages that pass as they are. A message goes also through a stage that finds its texts, whose result is dropped. Where that stage would
 * refuse the answer, and where a message is too long, the looks are told that they missed it.
 */
export class LookedMessages implements AnswerStage {
  readonly #texts: ChangedMessages;
  readonly #heldBytesMax: number;
  #looks: readonly TextChange[] = none;
  #next: AnswerStage;
  #isMissed = false;
  /** True if other stages note what messages say of the rows that come. */
  #isNoted = false;

  constructor(next: AnswerStage, options: Omit<ChangedMessagesOptions, 'look'>) {
    this.#next = next;
    this.#heldBytesMax = options.heldBytesMax;
    this.#texts = new ChangedMessages(dropped, { ...options, look: { isNoted: () => this.#isNoted } });
  }

  get isHolding(): boolean {
    return this.#texts.isHolding;
  }

  /** Sets the looks at the next messages, and the stage to which they go. `isNoted`: that stage notes what they say of rows. */
  use(looks: readonly TextChange[], next: AnswerStage, isNoted: boolean): void {
    this.#next = next;
    this.#isNoted = isNoted;
    if (looks !== this.#looks) {
      this.#looks = looks;
      this.#isMissed = false;
      this.#texts.use(looks);
    }
  }

  end(): void {
    this.#look(() => {
      this.#texts.end();
      return null;
    });
  }

  headBytes(type: number, length: number): number {
    const bytes = this.#next.headBytes(type, length);
    return this.#isLong(length) ? bytes : Math.max(bytes, length);
  }

  begin(bytes: Buffer, at: number, end: number, leftBytes: number): Slices<void> | null {
    const work = this.#look(() => {
      if (leftBytes > 0) {
        throw new GatewayError('limit_exceeded', 'A message is too long to be looked at.');
      }
      return this.#texts.begin(bytes, at, end);
    });
    return work === null ? this.#next.begin(bytes, at, end, leftBytes) : this.#pass(work, () => this.#next.begin(bytes, at, end, leftBytes));
  }

  /** Passes a message when it is looked at. */
  *#pass(work: Slices<void>, begin: () => Slices<void> | null): Slices<void> {
    while (this.#look(() => (work.next().done === true ? null : work)) !== null) {
      yield;
    }
    yield* begin() ?? [];
  }

  rest(bytes: Buffer, at: number, end: number, leftBytes: number): void {
    this.#next.rest(bytes, at, end, leftBytes);
  }

  #isLong(length: number): boolean {
    return length - 1 > this.#heldBytesMax;
  }

  /** Looks, and returns the work that is left. */
  #look(act: () => Slices<void> | null): Slices<void> | null {
    if (this.#isMissed) {
      return null;
    }
    try {
      return act();
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      this.#isMissed = true;
      this.#looks.forEach(({ look }) => look?.missed());
      return null;
    }
  }
}
