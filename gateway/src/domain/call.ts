import type { GatewayError } from './errors.ts';
import type { Grant } from './grant.ts';
import type { Upstream } from './upstream.ts';

/** How a target is called over HTTP. */
export interface CallOptions {
  /** Null: the connection is not encrypted. */
  readonly tls: CallTls | null;
  /** Returns the target's credential for this request. Called once, just before the head is sent. The credential is never recorded. */
  readonly credential: (head: CallHead, body: readonly Uint8Array[]) => CallCredential;
}

export interface CallTls {
  readonly verify: boolean;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface CallHead {
  readonly method: string;
  /** The path with the query. */
  readonly path: string;
  /** The header fields. Names are in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface CallCredential {
  /** Header fields that replace all of the same name. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The path with the credential in its query, if the target wants it there. */
  readonly path?: string;
  /** All spellings of the credential. They are removed from the head of an answer, so that a target that repeats them does not reveal them to the client. */
  readonly secrets: readonly string[];
}

/** One call to a target over HTTP. */
export interface UpstreamCall {
  /** Forwards bytes. The first grant holds the head and the known part of the body; each further grant continues the body. */
  forward(grant: Grant): void;
  /** Ends the request. A last grant may hold its trailers. */
  end(trailers?: Grant): void;
  /** Number of bytes of the request that the target has not taken. If it is above 0, `onDrain` follows. */
  readonly queuedBytes: number;
  pause(): void;
  resume(): void;
  /** Gives the call up. Nothing is called back after that. */
  destroy(): void;
}

/** Receives the answer of a call. Bytes that arrive in one piece are delivered in one turn. */
export interface CallReceiver {
  /** Called with each answer of status 1xx before the final answer. */
  onInformation(head: AnsweredHead): void;
  onHead(head: AnsweredHead): void;
  /** Called when the target changes to another protocol. Nothing else is called back after that. */
  onUpgrade(head: AnsweredHead, upstream: Upstream): void;
  onBytes(bytes: Buffer): void;
  /** Called when the answer is complete, with its trailers. */
  onEnd(trailers: readonly string[]): void;
  /** Called when there is no answer, or no more of it: `target_unreachable`, `target_tls_failed`. Nothing follows. */
  onError(error: GatewayError): void;
  onDrain(): void;
}

export interface AnsweredHead {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, in the order in which they came. */
  readonly rawHeaders: readonly string[];
  /** The beginning of the addresses that led through the gateway, for a recorded answer that contains such addresses. */
  readonly way?: string;
}
