import type { Attributes } from './action.ts';
import type { CallReceiver, UpstreamCall } from './call.ts';
import type { Upstream } from './upstream.ts';

/** A recording in the place of a target. The protocol serves its clients as usual. What it forwards comes here, and the recorded answers come back. */
export interface RecordedTarget {
  /**
   * Takes the next recorded request with this key; each can be taken once. Throws GatewayError `not_recorded`, and the operator of the replay is told what was
   * asked.
   */
  take(key: RequestKey, asked: Asked): RecordedRequest;
  /** True if the recorded connection that this one continues has a further request with this key. */
  isWaiting(key: RequestKey): boolean;
  /** Makes the error `not_recorded` for a request that is in the recording but cannot be answered. */
  miss(reason: string, asked: Asked): Error;
}

/** A request as a client makes it now. */
export interface Asked {
  /** The name of the request's action. */
  readonly action: string;
  readonly bytes: Buffer;
}

/** A request as it was recorded, with everything that its client was answered. */
export interface RecordedRequest {
  /** Returns the exact bytes of all parts. Rejects with GatewayError `store_damaged`. */
  bytes(): Promise<Buffer>;
  /** Yields the answer in order, at the recorded pace if the replay wants that. Throws GatewayError `store_damaged`. */
  answer(): AsyncGenerator<AnswerPiece, void>;
}

/** One record of an answer. */
export interface AnswerPiece {
  readonly content: Buffer;
  readonly attributes: Attributes;
  /** False for bytes that the target sent after the answer without being asked. */
  readonly isAnswer: boolean;
  /** True if more of the answer follows. */
  readonly continues: boolean;
}

/**
 * The meaning of a request. Two requests ask the same if their texts are equal and the ids of one stand for the ids of the other throughout a run, one to one.
 * `ids` are those that clients make anew in each run, in the order in which they first occur in the text.
 */
export interface RequestKey {
  readonly text: string;
  readonly ids: readonly string[];
}

/**
 * Returns the key of a request. It gets the whole requests of one channel in order. Null: a client did not make the request. Any bytes are acceptable input.
 */
export type Keys = (asked: Asked) => RequestKey | null;

/** The first place in which two requests differ. */
export interface Difference {
  /** The position in the request, as a person reads it: `path`, `body.messages[2].content`. */
  readonly at: string;
  readonly recorded: string;
  readonly asked: string;
  /** How near the recorded request is to the one that is made now, from 0 to 1. */
  readonly nearness: number;
}

/**
 * Finds the first difference between the texts of the keys of a recorded request and of the one made now. Null: only ids differ, or the texts cannot be
 * compared.
 */
type Differ = (recorded: string, asked: string) => Difference | null;

export interface StreamReplay {
  keys(): Keys;
  /** True if a part of a request, which was sent after the request was whole, has no answer of its own: what comes after it still answers the request. */
  readonly partsHaveNoAnswer?: true;
  readonly differ: Differ;
  /** Opens a connection to the recorded target, for the client that asked. */
  connect(recorded: RecordedTarget, asked: Asked): Upstream;
}

export interface ExchangeReplay {
  keys(): Keys;
  readonly differ: Differ;
  /** Makes a call with this action to the recorded target. */
  call(recorded: RecordedTarget, receiver: CallReceiver, action: string): UpstreamCall;
}
