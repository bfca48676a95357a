import type { GatewayError } from './errors.ts';
import type { Grant } from './grant.ts';
import type { Upstream } from './upstream.ts';

/** The way in which a target is called over HTTP. */
export interface CallOptions {
  /** Null: in the clear. */
  readonly tls: CallTls | null;
  /** The target's credential, for this request. Asked for once, just before the head is sent; what it gives is never recorded. */
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
  /** Path and query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface CallCredential {
  /** Headers that replace any of the same name. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The path with the credential in its query, for a target that wants it there. */
  readonly path?: string;
  /** The spellings of the credential. They are removed from the head of an answer, so that a target that repeats them does not tell the client. */
  readonly secrets: readonly string[];
}

/** One call to a target over HTTP. */
export interface UpstreamCall {
  /** The first grant holds the head and the body as far as it is known; each further grant continues the body. */
  forward(grant: Grant): void;
  /** The request is whole. A last grant holds its trailers. */
  end(trailers?: Grant): void;
  /** Bytes of the request that the target is too slow to take: 0 while it keeps up, else `onDrain` follows. */
  readonly queuedBytes: number;
  pause(): void;
  resume(): void;
  /** Gives the call up; nothing is called back any more. */
  destroy(): void;
}

/** Receives the answer of a call. Bytes that arrive in one piece are delivered in one turn. */
export interface CallReceiver {
  /** An answer of status 1xx, before the one that ends the request. */
  onInformation(head: AnsweredHead): void;
  onHead(head: AnsweredHead): void;
  /** The target goes on in another protocol. Nothing else is called back. */
  onUpgrade(head: AnsweredHead, upstream: Upstream): void;
  onBytes(bytes: Buffer): void;
  /** The answer is whole, with its trailers. */
  onEnd(trailers: readonly string[]): void;
  /** There is no answer, or no more of it: `target_unreachable`, `target_tls_failed`. Nothing follows. */
  onError(error: GatewayError): void;
  onDrain(): void;
}

export interface AnsweredHead {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** For a recorded answer whose addresses led through the gateway: the beginning of these addresses. */
  readonly way?: string;
}
