import type { Attributes } from './action.ts';
import type { CallReceiver, UpstreamCall } from './exchange.ts';
import type { Upstream } from './protocol.ts';

/** A recording in the place of a target. A protocol serves its clients as it always does; what it forwards comes here, and what was recorded comes back. */
export interface RecordedTarget {
  /** The next of the recorded requests with this key, each once. Errors: `not_recorded`, and whoever replays is told what was asked. */
  take(key: string, asked: Asked): RecordedRequest;
  /** The same error where the recording has the request, and cannot answer it. */
  miss(reason: string, asked: Asked): Error;
}

/** A request as it is made now. */
export interface Asked {
  /** Name of its action. */
  readonly action: string;
  readonly bytes: Buffer;
}

/** A request as it was recorded, with all that its client was answered. */
export interface RecordedRequest {
  /** The exact bytes, all parts of it. Errors: `store_damaged`. */
  bytes(): Promise<Buffer>;
  /** In order; at the recorded pace where that is wanted. Errors: `store_damaged`. */
  answer(): AsyncGenerator<AnswerPiece, void>;
}

/** One record of an answer. */
export interface AnswerPiece {
  readonly content: Buffer;
  readonly attributes: Attributes;
  /** False for what the target said unasked behind the answer. */
  readonly isAnswer: boolean;
  /** There is more of the answer. */
  readonly continues: boolean;
}

/** Tells the requests of one channel apart, given whole and in order: those with the same key ask the same. Null: not a client's. Any bytes are acceptable. */
export type Keys = (asked: Asked) => string | null;

export interface StreamReplay {
  keys(): Keys;
  /** A connection to the target, for whoever asked for it. */
  connect(recorded: RecordedTarget, asked: Asked): Upstream;
}

export interface ExchangeReplay {
  keys(): Keys;
  /** A call of this action. */
  call(recorded: RecordedTarget, receiver: CallReceiver, action: string): UpstreamCall;
}
