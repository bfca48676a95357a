import { strict as assert } from 'node:assert';
import { GatewayError } from '../../domain/errors.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { ChangedFrames } from '../../content/changed-frames.ts';
import type { AnswerStage } from './answer-stage.ts';
import { backend } from './messages.ts';
import { textMessage } from './text-message.ts';

/** Changes the texts of the target's messages. Only messages with texts that an obligation changes come here, each of them whole. */
export class ChangedMessages implements AnswerStage {
  readonly #next: AnswerStage;
  readonly #heldBytesMax: number;
  #changes: readonly TextChange[] = [];
  /** Null: no row of COPY data waits for its end. */
  #frames: ChangedFrames | null = null;

  /** `heldBytesMax` is the most bytes of a message, and of a row of COPY data, that are held whole. */
  constructor(next: AnswerStage, heldBytesMax: number) {
    this.#next = next;
    this.#heldBytesMax = heldBytesMax;
  }

  /** True if a row of COPY data may wait for its end. */
  get isHolding(): boolean {
    return this.#frames !== null;
  }

  /** Sets the changes for the next messages. */
  use(changes: readonly TextChange[]): void {
    if (changes !== this.#changes) {
      this.end();
      this.#changes = changes;
    }
  }

  headBytes(_type: number, length: number): number {
    if (length - 1 > this.#heldBytesMax) {
      throw new GatewayError('limit_exceeded', `Policy changes texts of this result, and a message of it is longer than ${this.#heldBytesMax} bytes.`);
    }
    return length;
  }

  begin(bytes: Buffer, at: number, end: number): void {
    this.#frames ??= new ChangedFrames(this.#changes, this.#heldBytesMax);
    this.#release(this.#frames.push(textMessage(bytes.subarray(at, end))));
    if (bytes[at] === backend.error) {
      this.end();
    }
  }

  rest(): never {
    assert.fail('a message that is changed comes whole');
  }

  /** Ends a row of COPY data that waits, and gives it on. */
  end(): void {
    const frames = this.#frames;
    this.#frames = null;
    if (frames !== null) {
      this.#release(frames.end());
    }
  }

  #release(messages: readonly Buffer[]): void {
    for (const message of messages) {
      this.#next.begin(message, 0, message.length, 0);
    }
  }
}
