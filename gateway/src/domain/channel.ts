import type { Action, GivenIds } from './action.ts';
import type { CallOptions, CallReceiver, UpstreamCall } from './call.ts';
import type { Authorization, Decision } from './decision.ts';
import type { GatewayError } from './errors.ts';
import type { Limits } from './limits.ts';
import type { RecordKind, RecordMeta } from './record.ts';
import type { Target } from './target.ts';
import type { TextChange } from './text-change.ts';
import type { Upstream } from './upstream.ts';

/** One channel of a session, as its protocol sees it. */
export interface Channel {
  /** The id of the session that the channel belongs to: 32 hex digits. */
  readonly session: string;
  /** The id of the first session in which the activity of the token began; the session's own id if it is that one. */
  readonly activity: string;
  /** The id of the principal whose session it is. */
  readonly principal: string;
  /** Counts the channels of the session from 1. */
  readonly number: number;
  readonly target: Target;
  readonly limits: Limits;
  /** Aborted with a GatewayError (`halted`, `stopping`, `cannot_record`) when the channel must end. */
  readonly signal: AbortSignal;
  /** TCP to the target, given up when `signal`, by default the channel's own, is aborted. Errors: `target_unreachable`, or the signal's reason. */
  connect(signal?: AbortSignal): Promise<Upstream>;
  /** A call to the target over HTTP. It dials when the first grant is forwarded; errors come to the receiver. */
  call(options: CallOptions, receiver: CallReceiver): UpstreamCall;
  /**
   * Decides on an action and records the request with its decision; the grant may be spent once `committed` says so.
   * Synchronous while policy needs nobody; a held request resolves later. Throws GatewayError `cannot_record`, or
   * `limit_exceeded` when more is to be said of the request than a record holds.
   */
  request(action: Action, bytes: readonly Uint8Array[], relation?: RequestRelation): RequestOutcome | Promise<RequestOutcome>;
  /** Asks policy about an action, without a record and without a grant: for what another record says already. A denial is recorded by asking with `request`. */
  decide(action: Action, bytes: readonly Uint8Array[]): Decision;
  /** Records something that is not a request. Throws GatewayError `cannot_record`. */
  record(kind: RecordKind, meta: Omit<RecordMeta, 'channel'>, content: readonly Uint8Array[], continues?: boolean): number;
  /** Ids that the target gives to this client, before it gets them: from then on they are for whoever it is alone, across restarts. Throws GatewayError `cannot_record`. */
  give(given: GivenIds): void;
  /** Calls back, in order, when all that was recorded so far is as durable as the target wants. Exactly once per call. */
  whenCommitted(release: () => void): void;
  /** Makes this channel reachable by `Door.signal`. Disposed with the channel. */
  onSignal(key: Uint8Array, handler: () => Promise<void>): void;
  /**
   * Runs when the channel is ended from outside: stops what it left going on at the target. The channel closes in the record after it, or when `limit`,
   * soon, is aborted.
   */
  onEnding(stop: (limit: AbortSignal) => Promise<void>): void;
  /**
   * Runs when the whole session has ended, of which this is one channel, and none goes on with its activity: what was kept for it is given up. The session is closed in the
   * record by then; a stop of the gateway waits for it.
   */
  onSessionEnd(giveUp: () => Promise<void>): void;
  /** Ends the channel in the record. `reason`: `client`, `target`, `halted`, `stop`, `error` ... Idempotent. */
  close(reason: string, error?: GatewayError): Promise<void>;
}

export interface RequestRelation {
  /** A further part of an already authorised streaming request (COPY data): its seq. */
  readonly partOf?: number;
  readonly continues?: boolean;
  /** The bytes hold most of what earlier requests of the session, recorded so too, held: what is repeated is stored once. */
  readonly repeats?: boolean;
  /** Made by the protocol itself to carry out a decision (failing a transaction after a refusal); recorded, and not asked of policy. */
  readonly byGateway?: boolean;
}

export type RequestOutcome = Authorization & {
  /** What the texts of its answer go through before they are recorded and released; absent: nothing. */
  readonly changes?: readonly TextChange[];
  /** Sequence number of the request's record, of the first one where it takes several. */
  readonly seq: number;
  /** The record's global name, `LOG/INDEX`. */
  readonly record: string;
};
