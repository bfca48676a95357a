import { GatewayError } from '../../domain/errors.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { ChangedMessages, type ChangedMessagesParts } from './changed-messages.ts';
import { MessageReader } from './websocket-messages.ts';

/**
 * Looks at the texts of a target's messages, which pass as they are. The bytes go also through a reader that finds their texts, and what it makes of them is dropped.
 * Where that reader would refuse a message, the looks are told that they missed it, and nothing more is looked at.
 */
export class LookedMessages {
  #looks: readonly TextChange[] = [];
  /** Null: they cannot be read any more. */
  #messages: ChangedMessages | null;

  constructor(parts: Omit<ChangedMessagesParts, 'messages' | 'changes'>) {
    this.#messages = new ChangedMessages({ ...parts, messages: new MessageReader(false, parts.waitingBytesMax), changes: [] });
  }

  /** Sets the looks for texts that begin from now on. */
  use(looks: readonly TextChange[]): void {
    this.#looks = looks;
    this.#messages?.use(looks);
    if (this.#messages === null) {
      this.#miss();
    }
  }

  push(bytes: Buffer): void {
    this.#looks.forEach(({ look }) => look?.passed(bytes));
    this.#messages?.push(bytes);
  }

  /** Looks at what came. Returns true if the rest must be looked at in another turn of the event loop: until then nothing passes. */
  isBusy(): boolean {
    try {
      for (let piece = this.#messages?.next() ?? null; piece !== null; piece = this.#messages?.next() ?? null) {
        if (!('bytes' in piece)) {
          return true;
        }
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      this.#messages = null;
      this.#miss();
    }
    return false;
  }

  /** Ends all texts, because no message follows. What was not looked at is missed. */
  end(): void {
    if (this.isBusy()) {
      this.#messages = null;
      this.#miss();
    }
    this.#messages?.end();
  }

  #miss(): void {
    this.#looks.forEach(({ look }) => look?.missed());
  }
}
