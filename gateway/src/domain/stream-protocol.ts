import type { Client } from './client.ts';
import type { Door } from './door.ts';
import type { StreamFacts } from './protocol.ts';
import type { Service, ServiceParts } from './service.ts';

/** A protocol with a listener and a wire of its own. */
export interface StreamProtocol extends StreamFacts {
  /** Makes the service for the clients of one gateway. What it needs is loaded then: who reads the configuration or a recording needs none of it. */
  create(parts: ServiceParts): Promise<StreamService>;
}

export interface StreamService extends Service {
  /**
   * Says what clients wait for before they send their first byte. Called before `serve`, unless the client is turned away or comes through a tunnel: `serve` says it then. Absent: clients
   * speak first.
   */
  readonly greet?: (client: Client) => void;
  /** Serves one client from its first byte to its last. Resolves when the connection is over. Never rejects with a GatewayError. */
  serve(client: Client, door: Door): Promise<void>;
  /** Returns the public key by which clients know the gateway, as they write it down. Absent: the protocol has none. */
  readonly shownKey?: () => string;
}
