import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import { PassedAnswer } from './answer-stage.ts';

/** An answer that was held: its head and its body. */
export interface HeldBody {
  readonly head: AnsweredHead;
  readonly body: Buffer;
}

/** How much of an answer was held when it is judged. `whole`: all of it. `long`: more than may be held, so the rest follows. `cut`: an error ended it. */
export type HeldExtent = 'whole' | 'long' | 'cut';

/**
 * The base of a stage that holds an answer until it is known what the answer says.
 *
 *     passing ── a head that `isHeld` ──▶ held ── whole, long or cut ──▶ judged ──▶ passing
 *                                                                          └─ an error ──▶ over
 */
export abstract class HeldAnswer extends PassedAnswer {
  readonly #bytesMax: number;
  /** Not null while the answer is held. */
  #head: AnsweredHead | null = null;
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** At most `bytesMax` bytes of a body are held. */
  constructor(next: CallReceiver, bytesMax: number) {
    super(next);
    this.#bytesMax = bytesMax;
  }

  /** True if an answer with this head is held. */
  protected abstract isHeld(head: AnsweredHead): boolean;

  /** Returns the answer that passes in place of the held one. A GatewayError ends the answer. Only for a whole answer may this return a promise. */
  protected abstract judge(held: HeldBody, extent: HeldExtent): HeldBody | Promise<HeldBody>;

  override onHead(head: AnsweredHead): void {
    if (this.isHeld(head)) {
      this.#head = head;
    } else {
      this.next.onHead(head);
    }
  }

  override onBytes(bytes: Buffer): void {
    if (this.#head === null) {
      if (!this.isOver) {
        this.next.onBytes(bytes);
      }
      return;
    }
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes > this.#bytesMax) {
      this.#settle(this.#head, 'long', () => undefined);
    }
  }

  override onEnd(trailers: readonly string[]): void {
    const end = (): void => {
      this.next.onEnd(trailers);
    };
    if (this.#head !== null) {
      this.#settle(this.#head, 'whole', end);
    } else if (!this.isOver) {
      end();
    }
  }

  override onError(error: GatewayError): void {
    const end = (): void => {
      super.onError(error);
    };
    if (this.#head === null) {
      end();
    } else {
      this.#settle(this.#head, 'cut', end);
    }
  }

  #settle(head: AnsweredHead, extent: HeldExtent, then: () => void): void {
    const body = Buffer.concat(this.#pieces);
    this.#head = null;
    this.#pieces = [];
    try {
      const judged = this.judge({ head, body }, extent);
      if (judged instanceof Promise) {
        void this.#releaseLater(judged, then);
      } else {
        this.#release(judged, then);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #releaseLater(judging: Promise<HeldBody>, then: () => void): Promise<void> {
    try {
      this.#release(await judging, then);
    } catch (error) {
      this.#fail(error);
    }
  }

  #release({ head, body }: HeldBody, then: () => void): void {
    if (!this.isOver) {
      this.next.onHead(head);
      if (body.length > 0) {
        this.next.onBytes(body);
      }
      then();
    }
  }

  #fail(error: unknown): void {
    super.onError(error instanceof GatewayError ? error : new GatewayError('target_unreachable', 'The answer could not be read.', { cause: error }));
  }
}
