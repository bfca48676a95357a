import { GatewayError } from '../../domain/errors.ts';
import type { TextChange } from '../../domain/text-change.ts';
import type { AnswerStage } from './answer-stage.ts';
import { ChangedMessages, type ChangedMessagesOptions } from './changed-messages.ts';

const dropped: AnswerStage = {
  headBytes: () => 0,
  begin: () => {
    // The message passed already.
  },
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
    });
  }

  headBytes(type: number, length: number): number {
    const bytes = this.#next.headBytes(type, length);
    return this.#isLong(length) ? bytes : Math.max(bytes, length);
  }

  begin(bytes: Buffer, at: number, end: number, leftBytes: number): void {
    this.#look(() => {
      if (leftBytes > 0) {
        throw new GatewayError('limit_exceeded', 'A message is too long to be looked at.');
      }
      this.#texts.begin(bytes, at, end);
    });
    this.#next.begin(bytes, at, end, leftBytes);
  }

  rest(bytes: Buffer, at: number, end: number, leftBytes: number): void {
    this.#next.rest(bytes, at, end, leftBytes);
  }

  #isLong(length: number): boolean {
    return length - 1 > this.#heldBytesMax;
  }

  #look(act: () => void): void {
    if (this.#isMissed) {
      return;
    }
    try {
      act();
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      this.#isMissed = true;
      this.#looks.forEach(({ look }) => look?.missed());
    }
  }
}
