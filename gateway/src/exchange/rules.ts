import type { Action } from '../domain/action.ts';
import type { CallOptions, CallReceiver, UpstreamCall } from '../domain/call.ts';
import type { Problem } from './problem.ts';
import type { Channel } from '../domain/channel.ts';
import type { Target } from '../domain/target.ts';
import type { TakeStep } from './step.ts';
import type { Headers, MessageTexts, RequestHead, RequestReading, ResponseHead, SocketReader } from './reading.ts';

/** The rules that a protocol over HTTP defines for `serveExchange`, which serves the exchanges of all protocols. */
export interface ExchangeRules {
  /** True if the request can be decided on only with its body. Otherwise the head is enough, and the body is forwarded as it comes. */
  readonly isReadWhole: (head: RequestHead, target: Target) => boolean;
  /** Returns the body of a request without what the gateway itself had its client put there. Null: there is nothing of that. Absent: there never is. */
  readonly withoutOwn?: (body: Buffer) => Buffer | null;
  /** Reads a request. `body` is null if it is not read whole. Work that looks at the whole body is a step for `take`. Throws GatewayError `malformed`, `unsupported` or `limit_exceeded`. */
  readonly read: (head: RequestHead, body: Uint8Array | null, target: Target, take: TakeStep) => RequestReading | Promise<RequestReading>;
  /** Reads a request to change to WebSocket. Null if the protocol does not allow it for this request; absent if it never does. Throws GatewayError `malformed`. */
  readonly upgrade?: (head: RequestHead, target: Target) => Upgrading | null;
  /** Returns one spelling for an address that clients of the protocol write in several ways. This spelling is decided on, recorded and sent. */
  readonly path?: (path: string, target: Target) => string;
  /** Returns the headers of a request as they are decided on, recorded and sent. Absent: as the client sent them. */
  readonly headers?: (headers: Headers) => Headers;
  /** Name of a query parameter in which clients may give their token. It is removed from the address before anything else is done. */
  readonly tokenParameter?: string;
  /** Name of the header, in small letters, that names the client's session at the target. A held request is known again in another session. Absent: there is none. */
  readonly sessionHeader?: string;
  readonly call: (target: Target) => TargetCall;
  /** Makes the call, for a protocol whose targets may be reached in other ways than HTTP. */
  readonly begin?: (channel: Channel, call: TargetCall, receiver: CallReceiver) => UpstreamCall;
  /** Writes an error of the gateway in the form that clients of this protocol expect. If the request could not be read, its head is as the client sent it. */
  readonly failure: (failed: Failed) => Failure;
  /** Writes an error of the gateway as the last event of an answer that has begun. It is called only if the answer's reader says that an event may follow. Null: the answer is cut off. */
  readonly lastEvent?: (failed: Failed, answered: ResponseHead) => Uint8Array | null;
}

/** A request to change to WebSocket. What the client says over the WebSocket is a part of this request. */
export interface Upgrading {
  readonly action: Action;
  /** Reads the messages. Null: frames are decided on and recorded as they come, without being read. */
  readonly reader: SocketReader | null;
  /** Begins to find the texts in the messages of the target. Absent: each message is a text, or JSON. */
  readonly messageTexts?: () => MessageTexts;
}

export interface TargetCall extends CallOptions {
  /** Most bytes of a request's body. A longer body is refused. */
  readonly bodyBytesMax: number;
  readonly allowsEncodedSlash: boolean;
  /** True if the gateway adds a credential of its own for the target. */
  readonly givesCredential: boolean;
  /** True if the credential is a signature over the whole body. */
  readonly needsWholeBody: boolean;
}

export interface Failed {
  readonly problem: Problem;
  readonly head: RequestHead;
  /** The body of the request if it is short and was read whole; null otherwise. */
  readonly body: Uint8Array | null;
  /** `answerTo` of the request's reading; null if there is none. */
  readonly answerTo: string | null;
}

export interface Failure {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}
