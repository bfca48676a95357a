import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { PlainRequest } from './plain/plain-request.ts';
import type { PlainResponse } from './plain/plain-response.ts';

/** One HTTP request for a target and its answer, as the listener gives it to the target's protocol. */
export interface Exchange {
  /** The name of the target. */
  readonly target: string;
  /** The path at the gateway below which the target is: `/t/TARGET`; empty at a listener where all of the path is the target's. */
  readonly way: string;
  /** The path and query after the way, exactly as the client sent them. */
  readonly path: string;
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly clientAddress: string;
  readonly isLoopback: boolean;
  readonly isEncrypted: boolean;
  /** True if the client waits for `100 Continue` before it sends a body. */
  readonly expectsContinue: boolean;
  /** Present if the client asks to change to WebSocket; null for any other request. */
  readonly upgrade: Upgrade | null;
}

/** A request over HTTP/1.1 or HTTP/2 that Node's servers read. Only one over HTTP/2 has the member `stream`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

export type NodeResponse = ServerResponse | Http2ServerResponse;

export type ClientRequest = NodeRequest | PlainRequest;

export type ClientResponse = NodeResponse | PlainResponse;

export interface Upgrade {
  /** The socket of the connection. The response uses it until it is taken. */
  readonly socket: Socket;
  /** Takes the socket from the response, and returns the bytes that came after the request. From then on the caller owns the socket and reads from it. */
  readonly take: () => Buffer;
}
