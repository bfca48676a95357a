import type { Action } from '../domain/action.ts';
import type { CallOptions, CallReceiver, UpstreamCall } from '../domain/exchange.ts';
import type { Problem } from '../domain/problem.ts';
import type { Session } from '../domain/protocol.ts';
import type { Target } from '../domain/target.ts';
import type { TakeStep } from './step.ts';
import type { Headers, RequestHead, RequestReading, ResponseHead, SocketReader } from './reading.ts';

/** What a protocol over HTTP adds to the one way that exchanges go. */
export interface ExchangeRules {
  /** The body must be known before it is decided; otherwise the head is enough, and the body is forwarded as it comes. */
  readonly isReadWhole: (head: RequestHead, target: Target) => boolean;
  /** `body` is null for one that is not read whole; what looks at all of it is a step to `take`. Errors: `malformed`, `unsupported`, `limit_exceeded`. */
  readonly read: (head: RequestHead, body: Uint8Array | null, target: Target, take: TakeStep) => RequestReading | Promise<RequestReading>;
  /** What a request to go on in WebSocket is, where the protocol lets one through, null where it does not let this one. Throws GatewayError `malformed`. */
  readonly upgrade?: (head: RequestHead, target: Target) => Upgrading | null;
  /** The one spelling of an address that clients of the protocol write in several: it is what is decided on, recorded and sent. */
  readonly path?: (path: string, target: Target) => string;
  /** A parameter of the query in which clients may give their token. It is taken out before anything else is done. */
  readonly tokenParameter?: string;
  readonly call: (target: Target) => TargetCall;
  /** Makes the call, where targets of the protocol may be reached otherwise than over HTTP. */
  readonly begin?: (session: Session, call: TargetCall, receiver: CallReceiver) => UpstreamCall;
  /** An error of ours as this protocol's clients expect one. The head is as the client sent it when that was not even read. */
  readonly failure: (failed: Failed) => Failure;
  /** The same as a last event of an answer that has begun, where its reader says that one may follow. Null: it is cut. */
  readonly lastEvent?: (failed: Failed, answered: ResponseHead) => Uint8Array | null;
}

/** A request to go on in WebSocket: what the client says there is a part of it. */
export interface Upgrading {
  readonly action: Action;
  /** Null: frames are decided on and recorded as they come, and not read. */
  readonly reader: SocketReader | null;
}

export interface TargetCall extends CallOptions {
  /** Longer bodies of requests are refused. */
  readonly bodyBytesMax: number;
  readonly allowsEncodedSlash: boolean;
  /** The target gets a credential of the gateway's. */
  readonly givesCredential: boolean;
  /** The credential is over all of the body. */
  readonly needsWholeBody: boolean;
}

export interface Failed {
  readonly problem: Problem;
  readonly head: RequestHead;
  /** Of a short one that was read whole; null otherwise. */
  readonly body: Uint8Array | null;
  /** As its reading has it; null where there is none. */
  readonly answerTo: string | null;
}

export interface Failure {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}
