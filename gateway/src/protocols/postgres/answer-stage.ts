import type { Slices } from '../../domain/text-change.ts';

/**
 * A stage of the target's answers. `answers.ts` cuts chunks into messages and gives each to its first stage; a stage gives it on to the next one.
 *
 * Bytes are views of the chunk from `at` to `end`, and are not copied. `leftBytes` is the number of bytes of the message that have not come yet.
 */
export interface AnswerStage {
  /** Returns the number of bytes of such a message that must have come before it begins. `length` is that of the whole message. Throws GatewayError. */
  headBytes(type: number, length: number): number;
  /** Begins a message, with at least `headBytes` of it. Returns work that must be done before anything follows; null if none is left. Both throw GatewayError. */
  begin(bytes: Buffer, at: number, end: number, leftBytes: number): Slices<void> | null;
  /** Takes the next bytes of the message that has begun. */
  rest(bytes: Buffer, at: number, end: number, leftBytes: number): void;
}
