import type { Action, GivenIds } from './action.ts';
import type { CallOptions, CallReceiver, UpstreamCall } from './call.ts';
import type { ClientClaims } from './client-claims.ts';
import type { Authorization, Decision, Obligation } from './decision.ts';
import type { GatewayError } from './errors.ts';
import type { Limits } from './limits.ts';
import type { RecordKind, RecordMeta } from './record.ts';
import type { Target } from './target.ts';
import type { TextChange } from './text-change.ts';
import type { Upstream } from './upstream.ts';

/** One channel of a session, as a protocol sees it. */
export interface Channel {
  /** The id of the session that the channel belongs to: 32 hex digits. */
  readonly session: string;
  /** The id of the first session in which the activity of the token began; the session's own id if it is that one. */
  readonly activity: string;
  /** The id of the principal to whom the session belongs. */
  readonly principal: string;
  /** The number of the channel in its session, from 1. */
  readonly number: number;
  readonly target: Target;
  readonly limits: Limits;
  /** Aborted with a GatewayError (`halted`, `stopping`, `cannot_record`) when the channel must end. */
  readonly signal: AbortSignal;
  /**
   * Opens a TCP connection to the target. The attempt ends when `signal`, by default the channel's own, is aborted. Rejects with GatewayError
   * `target_unreachable`, or with the signal's reason.
   */
  connect(signal?: AbortSignal): Promise<Upstream>;
  /** Makes a call to the target over HTTP. It dials when the first grant is forwarded. The receiver gets all errors. */
  call(options: CallOptions, receiver: CallReceiver): UpstreamCall;
  /**
   * Decides on an action and records the request with its decision. The grant may be spent once `committed` says so. Returns at once unless the request is
   * held, and then resolves later. Throws GatewayError `cannot_record`; `limit_exceeded` if the facts of the request do not fit into a record.
   */
  request(action: Action, bytes: readonly Uint8Array[], relation?: RequestRelation): RequestOutcome | Promise<RequestOutcome>;
  /** True if policy names obligations for an action whose controls change texts. Makes no record and no grant. */
  isObliged(action: Action): boolean;
  /**
   * Returns the change that the texts of a request must go through before `request` is called with what they became; null if none. Makes no record and no
   * grant. A request with an obligation to change it is denied if it comes without this change.
   */
  requestChange(action: Action, bytes: readonly Uint8Array[]): RequestChange | null;
  /**
   * Asks policy about an action that another record already contains, and about the values in these bytes, which are all of it. Makes no record and no grant. To record a
   * denial, ask with `request`.
   */
  decide(action: Action, bytes?: readonly Uint8Array[]): Decision | Promise<Decision>;
  /**
   * Records something that is not a request, or a request that is denied before policy is asked: of that only the facts are kept where policy masks values of requests,
   * because its texts are as the client sent them. Throws GatewayError `cannot_record`.
   */
  record(kind: RecordKind, meta: Omit<RecordMeta, 'channel'>, content: readonly Uint8Array[], continues?: boolean): number;
  /** Notes that nothing more comes of the answer to a request, where answers may come in any order. Throws GatewayError `cannot_record`. */
  answered(request: number): void;
  /**
   * Notes that the target gives ids to this client. Called before the client gets them. From then on only this client may name them, also after a restart.
   * Throws GatewayError `cannot_record`.
   */
  give(given: GivenIds): void;
  /** Takes what the client says of its own software from now on, in place of what it said before. The next record of the channel states it. */
  claim(claims: ClientClaims): void;
  /** Calls back once when everything that was recorded so far is as durable as the target requires. Calls come in order. */
  whenCommitted(release: () => void): void;
  /** Makes this channel reachable for `Door.signal` until the channel closes. */
  onSignal(key: Uint8Array, handler: () => Promise<void>): void;
  /**
   * Registers an act for the case that the channel is ended from outside: it stops what still runs at the target. The channel is closed in the record when the
   * act has ended, or when `limit` is aborted soon after.
   */
  onEnding(stop: (limit: AbortSignal) => Promise<void>): void;
  /**
   * Registers an act for the end of the whole session, and of all sessions that continue its activity: it releases what was kept for the session. The session
   * is then already closed in the record. A stop of the gateway waits for the act.
   */
  onSessionEnd(giveUp: () => Promise<void>): void;
  /** Closes the channel in the record. `reason` is `client`, `target`, `halted`, `stop`, `error` ... Further calls do nothing. */
  close(reason: string, error?: GatewayError): Promise<void>;
}

export interface RequestRelation {
  /** Sequence number of the streaming request (COPY data) that was allowed and that these bytes continue. */
  readonly partOf?: number;
  /** True if these bytes are a request of their own although they belong to another one: a message over WebSocket. It counts for limits, and has its alerts. */
  readonly isMessage?: boolean;
  readonly continues?: boolean;
  /** True if the channel is for this request alone: its answer may go on for as long as the channel is open. */
  readonly isAlone?: boolean;
  /** True if the bytes repeat most of earlier requests of the session with this mark. The repeated part is stored only once. */
  readonly repeats?: boolean;
  /**
   * True if the protocol itself made the request to carry out a decision (for instance to fail a transaction after a refusal). It is recorded, and policy is
   * not asked.
   */
  readonly byGateway?: boolean;
  /** The change that the texts of the request have gone through. Null or absent: none. */
  readonly change?: RequestChange | null;
  /**
   * Returns the signal that aborts when the client no longer waits for this request: then it is held no longer. Absent: the client waits as long as the channel is
   * open.
   */
  readonly leaving?: () => AbortSignal;
  /** Called before `request` returns if the request is held and its client waits for people: the protocol may tell the client. */
  readonly onHeld?: (notice: HeldNotice) => void;
}

/** The words for a client that waits for its held request. */
export interface HeldNotice {
  readonly approval: string;
  /** One sentence that says why the request waits, and how it is approved. */
  readonly words: string;
  /** The sequence number of the request's record. */
  readonly request: number;
  /** The name of the request's record in the log, `LOG/INDEX`. */
  readonly record: string;
  /** Gives up the approval, because the client cancelled its request. The request is then denied. */
  readonly cancel: () => void;
}

/** A change of the texts of a request. */
export interface RequestChange {
  readonly texts: readonly TextChange[];
  /** The obligations that it carries out. */
  readonly obligations: readonly Obligation[];
}

export type RequestOutcome = Authorization & {
  /** The changes to make in the texts of the answer before they are recorded and released, and the looks at them. Absent: none. */
  readonly changes?: readonly TextChange[];
  /** Sequence number of the request's record; of the first one if it takes several. */
  readonly seq: number;
  /** The name of the record in the log, `LOG/INDEX`. */
  readonly record: string;
};
