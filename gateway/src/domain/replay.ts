import type { Attributes } from './action.ts';
import type { CallReceiver, UpstreamCall } from './call.ts';
import type { Upstream } from './upstream.ts';

/** A recording in the place of a target. A protocol serves its clients as it always does; what it forwards comes here, and what was recorded comes back. */
export interface RecordedTarget {
  /** The next of the recorded requests with this key, each once. Errors: `not_recorded`, and whoever replays is told what was asked. */
  take(key: RequestKey, asked: Asked): RecordedRequest;
  /** True if the recorded connection that this one continues with has a further request of this key. */
  isWaiting(key: RequestKey): boolean;
  /** Makes the error `not_recorded` for a request that the recording has and cannot answer. */
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

/**
 * The meaning of a request. Two requests ask the same if their texts are equal and the ids of one stand for those of the other throughout a run, one to one: `ids` are those that clients make
 * anew in each run, in the order in which the text first speaks of them.
 */
export interface RequestKey {
  readonly text: string;
  readonly ids: readonly string[];
}

/** Tells the requests of one channel apart, given whole and in order. Null: not a client's. Any bytes are acceptable. */
export type Keys = (asked: Asked) => RequestKey | null;

/** The first place in which two requests differ. */
export interface Difference {
  /** A place in the request, as a person reads it: `path`, `body.messages[2].content`. */
  readonly at: string;
  readonly recorded: string;
  readonly asked: string;
  /** The recorded request with the greater number is nearer to the one that is made now. 0 to 1. */
  readonly nearness: number;
}

/** Finds the first place in which a recorded request differs from the one that is made now, by the texts of their keys. Null: they differ in ids alone, or cannot be compared. */
type Differ = (recorded: string, asked: string) => Difference | null;

export interface StreamReplay {
  keys(): Keys;
  readonly differ: Differ;
  /** A connection to the target, for whoever asked for it. */
  connect(recorded: RecordedTarget, asked: Asked): Upstream;
}

export interface ExchangeReplay {
  keys(): Keys;
  readonly differ: Differ;
  /** A call of this action. */
  call(recorded: RecordedTarget, receiver: CallReceiver, action: string): UpstreamCall;
}
