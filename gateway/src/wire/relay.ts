import type { Action, GivenIds } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import type { GatewayError } from '../domain/errors.ts';
import type { RequestRelation } from '../domain/channel.ts';
import type { RecordMeta } from '../domain/record.ts';
import type { TextChange } from '../domain/text-change.ts';

/**
 * A conversation between client and target as a step function without I/O: bytes go in, ordered outputs are pulled out.
 * `relay-loop.ts` executes the outputs; a test can do the same with arrays.
 *
 * Pull until `next` returns null after each input. After a `request` output the relay yields nothing more of the client's
 * bytes until `decided`; what comes from the target goes on.
 */
export interface Relay {
  /** The limit of requests that wait for their answers is reached: nothing is read from the client until some have been answered. */
  readonly isFull: boolean;
  clientBytes(bytes: Buffer): void;
  upstreamBytes(bytes: Buffer): void;
  /** The answer to the last `request` output. A denied request was recorded and not forwarded. `changes`: what the texts of its answer must go through. */
  decided(decision: Decision, seq: number, changes?: readonly TextChange[]): void;
  clientEnded(): void;
  upstreamEnded(): void;
  /**
   * The connection must end (`halted`, `stopping`, `cannot_record`, `limit_exceeded` ...): what was not yet pulled is dropped; `next` yields nothing but
   * this sentence in the protocol's words, and the close.
   */
  fail(error: GatewayError): void;
  next(): Output | null;
}

export type Output = RequestOutput | ResponseOutput | CloseOutput;

/** Authorize, record, and when allowed forward these very bytes. */
export interface RequestOutput {
  readonly type: 'request';
  readonly action: Action;
  readonly bytes: readonly Uint8Array[];
  readonly relation?: RequestRelation;
  /** Made by the protocol itself to carry out a decision; recorded, and not asked of policy. */
  readonly byGateway?: boolean;
  /** Why the protocol refuses it by itself: it is recorded as denied and not asked of policy. */
  readonly refused?: string;
  /** It is still being read, elsewhere: what comes out then is executed in its place, and nothing of this. Rejects with no GatewayError. */
  readonly reading?: Promise<RequestOutput>;
}

/** Record, then release to the client. Also what the gateway itself says to the client: the record holds what the client saw. */
export interface ResponseOutput {
  readonly type: 'response';
  readonly meta: Omit<RecordMeta, 'channel'>;
  readonly bytes: readonly Uint8Array[];
  /** More of the same response follows in a later record. */
  readonly continues: boolean;
  /** Ids that the target gives in it. */
  readonly given?: GivenIds;
}

/** Both sides are closed after everything before this is released. */
export interface CloseOutput {
  readonly type: 'close';
  readonly reason: string;
  readonly error?: GatewayError;
}
