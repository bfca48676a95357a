import type { Action, GivenIds } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import type { GatewayError } from '../domain/errors.ts';
import type { HeldNotice, RequestChange, RequestRelation } from '../domain/channel.ts';
import type { RecordMeta } from '../domain/record.ts';
import type { TextChange } from '../domain/text-change.ts';

/**
 * A conversation between client and target as a step function without I/O: bytes go in, and ordered outputs are pulled out. `relay-loop.ts` executes the
 * outputs; a test can do the same with arrays.
 *
 * After each input, pull until `next` returns null, or a pause: then pull again in another turn of the event loop. After a `request` output the relay yields no further bytes of the client until `decided` is called; bytes
 * of the target continue.
 */
export interface Relay {
  /** True if the greatest number of unanswered requests is reached. Nothing is then read from the client until some were answered. */
  readonly isFull: boolean;
  clientBytes(bytes: Buffer): void;
  upstreamBytes(bytes: Buffer): void;
  /**
   * Tells the relay the decision on the last `request` output. A denied request was recorded and not forwarded. `changes` are to be applied to the texts of its
   * answer.
   */
  decided(decision: Decision, seq: number, changes?: readonly TextChange[]): void;
  /** Tells the relay that its last `request` output is held, and that the client waits for people. Absent: the protocol has no words for that. */
  held?(notice: HeldNotice): void;
  clientEnded(): void;
  upstreamEnded(): void;
  /**
   * Ends the conversation with an error (`halted`, `stopping`, `cannot_record`, `limit_exceeded` ...). Outputs that were not yet pulled are dropped. `next`
   * then yields only the error's sentence in the words of the protocol, and the close.
   */
  fail(error: GatewayError): void;
  next(): Output | Pause | null;
}

export type Output = RequestOutput | ResponseOutput | CloseOutput;

/** A request. It is decided on and recorded; if it is allowed, exactly these bytes are forwarded. */
export interface RequestOutput {
  readonly type: 'request';
  readonly action: Action;
  readonly bytes: readonly Uint8Array[];
  readonly relation?: RequestRelation;
  /** True if the protocol made the request itself to carry out a decision. It is recorded, and policy is not asked. */
  readonly byGateway?: boolean;
  /** The reason why the protocol itself refuses the request. It is recorded as denied, and policy is not asked. */
  readonly refused?: string;
  /**
   * Set while a long request is still being read elsewhere. The output that it resolves with is executed in place of this one. Never rejects with a
   * GatewayError.
   */
  readonly reading?: Promise<RequestOutput>;
  /**
   * Returns the request with its texts changed. It is executed in place of this one; its relation names the change, and it cannot be changed again. Throws no
   * GatewayError: a request in which no texts can be found comes back with `refused`. Null: the request holds only the beginning of a text; the relay keeps it
   * and makes a request with the whole text later. Absent: if policy changes texts of this request, it is denied.
   */
  readonly change?: (change: RequestChange) => RequestOutput | null;
}

/** Bytes to record and then release to the client. The gateway's own words are recorded too, because the record holds what the client saw. */
export interface ResponseOutput {
  readonly type: 'response';
  readonly meta: Omit<RecordMeta, 'channel'>;
  readonly bytes: readonly Uint8Array[];
  /** True if more of the same response follows in a later record. */
  readonly continues: boolean;
  /** True if nothing more belongs to the request. Absent: more may come. */
  readonly isEnd?: true;
  /** The ids that the target gives in the response. */
  readonly given?: GivenIds;
}

/** Closes both sides after everything before it was released. */
export interface CloseOutput {
  readonly type: 'close';
  readonly reason: string;
  readonly error?: GatewayError;
}

/** Says that work is left which takes long, and that the next slice of it is done when the relay is pulled again. */
export interface Pause {
  readonly type: 'pause';
}

export const pause: Pause = { type: 'pause' };
