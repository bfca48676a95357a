import type { Door } from '../domain/door.ts';
import type { ExchangeFacts } from '../domain/protocol.ts';
import type { Service, ServiceParts } from '../domain/service.ts';
import type { Exchange } from './exchange.ts';

/** A protocol over HTTP. Its targets are below `/t/TARGET` of the HTTP listener. */
export interface ExchangeProtocol extends ExchangeFacts {
  /** Makes the service for the clients of one gateway. What it needs is loaded then: who reads the configuration or a recording needs none of it. */
  create(parts: ServiceParts): Promise<ExchangeService>;
}

export interface ExchangeService extends Service {
  /** Serves one request. Resolves when its answer has ended. Never rejects with a GatewayError. */
  serve(exchange: Exchange, door: Door): Promise<void>;
}
