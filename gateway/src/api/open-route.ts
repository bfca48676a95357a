import type { NodeRequest } from '../exchange/exchange.ts';
import type { ApiParts } from './parts.ts';

/** A request of which nothing is believed yet. */
export interface OpenCall {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  /** The address of the client. */
  readonly address: string;
  readonly incoming: NodeRequest;
}

/**
 * An address whose form another standard states (SCIM, OpenID Connect), or of a page of the gateway and what the page asks. It is no endpoint with a token of the
 * gateway, and finds out itself who asks.
 */
export interface OpenRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Rejects with GatewayErrors, which are answered as those of the API. */
  readonly handle: (parts: ApiParts, call: OpenCall) => Promise<Response>;
}
