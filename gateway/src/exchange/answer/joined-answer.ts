import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { isAnswerStatus, type ClientHead } from '../client-response.ts';
import type { ClientResponse } from '../exchange.ts';
import { endToEndBodiless, endToEndResponse, endToEndResponseTrailers, pairHeaders } from '../headers.ts';
import type { Headers } from '../reading.ts';
import { turnBytesMax } from '../step.ts';
import type { AnswerGuard } from './answer-guard.ts';
import type { AnswerPiece, PieceReceiver } from './answer-piece.ts';

/** Most answers of status 1xx to one request. */
const informationsMax = 32;
const noContent = 204;
const nothing = Buffer.alloc(0);

export interface JoinedParts {
  readonly response: ClientResponse;
  readonly guard: AnswerGuard;
  readonly onUpgrade: (answered: Headers, upstream: Upstream) => void;
  readonly onError: (error: unknown) => void;
  /** Called when the call can take more bytes of the request. */
  readonly onDrain: () => void;
}

/**
 * Joins what arrives of an answer in one tick into one piece, so that a short answer is one record, and many small pieces cost no more than one from here on
 * (ATTACKS D33). Of much that arrives at once, at most `turnBytesMax` bytes go on in each turn of the event loop.
 *
 *     idle ── something arrives ──▶ tick ── the tick ends ──▶ idle, or turn if more is left
 *                                     │                       turn ── the next turn ──▶ idle, or turn again
 *                                     └── the answer ends ──▶ over, or turn if more is left; then over
 */
export class JoinedAnswer implements CallReceiver {
  readonly #parts: JoinedParts;
  readonly #next: PieceReceiver<AnswerPiece>;
  /** The moment at which the arrived part is passed on. `idle`: nothing has arrived. `over`: all was passed on. */
  #phase: 'idle' | 'tick' | 'turn' | 'over' = 'idle';
  #head: ClientHead | null = null;
  #arrived: Buffer[] = [];
  /** Null: the end has not arrived. */
  #trailers: Headers | null = null;
  #informations = 0;

  constructor(parts: JoinedParts, next: PieceReceiver<AnswerPiece>) {
    this.#parts = parts;
    this.#next = next;
  }

  onInformation({ status, statusText, rawHeaders }: AnsweredHead): void {
    this.#parts.guard.run(() => {
      this.#informations += 1;
      if (this.#informations > informationsMax) {
        throw new GatewayError('target_unreachable', `The target sent more than ${informationsMax} informational answers (1xx).`);
      }
      this.#next.onInformation({ status, statusText, headers: endToEndBodiless(pairHeaders(rawHeaders)) });
    });
  }

  onHead({ status, statusText, rawHeaders }: AnsweredHead): void {
    this.#parts.guard.run(() => {
      if (!isAnswerStatus(this.#parts.response, status)) {
        throw new GatewayError('target_unreachable', `The target answered with the status ${status}, which is not that of a final answer.`);
      }
      const answered = pairHeaders(rawHeaders);
      this.#head = { status, statusText, headers: status === noContent ? endToEndBodiless(answered) : endToEndResponse(answered) };
      this.#await();
    });
  }

  onUpgrade({ rawHeaders }: AnsweredHead, upstream: Upstream): void {
    const { guard, onUpgrade } = this.#parts;
    if (guard.isStopped) {
      upstream.destroy();
    }
    guard.run(() => {
      onUpgrade(pairHeaders(rawHeaders), upstream);
    });
  }

  onBytes(bytes: Buffer): void {
    if (!this.#parts.guard.isStopped) {
      this.#arrived.push(bytes);
      this.#await();
    }
  }

  onEnd(trailers: readonly string[]): void {
    this.#trailers = endToEndResponseTrailers(pairHeaders(trailers));
    if (this.#phase !== 'turn') {
      this.#parts.guard.run(this.#passOn);
    }
  }

  onError(error: GatewayError): void {
    this.#parts.onError(error);
  }

  onDrain(): void {
    this.#parts.onDrain();
  }

  #await(): void {
    if (this.#phase === 'idle') {
      this.#phase = 'tick';
      process.nextTick(this.#onTick);
    }
  }

  readonly #onTick = (): void => {
    // An answer that ended within the tick was passed on at once.
    if (this.#phase === 'tick') {
      this.#parts.guard.run(this.#passOn);
    }
  };

  readonly #onTurn = (): void => {
    this.#parts.guard.run(this.#passOn);
  };

  readonly #passOn = (): void => {
    const [only = nothing] = this.#arrived;
    const arrived = this.#arrived.length > 1 ? Buffer.concat(this.#arrived) : only;
    const head = this.#head;
    const isAll = arrived.length <= turnBytesMax;
    this.#head = null;
    this.#arrived = isAll ? [] : [arrived.subarray(turnBytesMax)];
    this.#phase = !isAll ? 'turn' : this.#trailers === null ? 'idle' : 'over';
    if (!isAll) {
      setImmediate(this.#onTurn);
    }
    this.#next.onPiece({ head, bytes: isAll ? arrived : arrived.subarray(0, turnBytesMax), trailers: isAll ? this.#trailers : null });
  };
}
