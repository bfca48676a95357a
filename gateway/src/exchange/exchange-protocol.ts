import type { Door } from '../domain/door.ts';
import type { ExchangeFacts } from '../domain/protocol.ts';
import type { Service, ServiceParts } from '../domain/service.ts';
import type { ServerTls } from '../wire/server-tls.ts';
import type { Exchange } from './exchange.ts';

/** A protocol over HTTP. Its targets are below `/t/TARGET` of the HTTP listener, and at one of its own if it has that. */
export interface ExchangeProtocol extends ExchangeFacts {
  /** Makes the service for the clients of one gateway. What it needs is loaded then: who reads the configuration or a recording needs none of it. */
  create(parts: ServiceParts): Promise<ExchangeService>;
}

export interface ExchangeService extends Service {
  /** Serves one request. Resolves when its answer has ended. Never rejects with a GatewayError. */
  serve(exchange: Exchange, door: Door): Promise<void>;
  /** Present where the protocol has a listener of its own (`hasListener`). */
  readonly listener?: ExchangeListener;
}

/** A listener for the targets of one protocol. All of a path is the target's own: the server name of TLS names the target. */
export interface ExchangeListener {
  readonly tls: ServerTls;
  /** The key or the authority by which clients know the listener, as they write it down. */
  readonly shownKey: string;
  /** Returns the name of the target that a server name stands for. Null: it stands for none. */
  readonly targetOf: (serverName: string) => string | null;
}
