import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';

/** One HTTP request for a target and its answer, as the listener gives it to the target's protocol. */
export interface Exchange {
  /** The name of the target in the path, decoded. */
  readonly target: string;
  /** The path and query after `/t/TARGET`, exactly as the client sent them. */
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

/** A request over HTTP/1.1 or HTTP/2. Only one over HTTP/2 has the member `stream`. */
export type ClientRequest = IncomingMessage | Http2ServerRequest;

export type ClientResponse = ServerResponse | Http2ServerResponse;

export interface Upgrade {
  /** The socket of the connection. The response uses it until it is detached. */
  readonly socket: Socket;
  /** Returns the bytes that came after the request. From then on the caller owns the socket and reads from it. */
  readonly take: () => Buffer;
}
