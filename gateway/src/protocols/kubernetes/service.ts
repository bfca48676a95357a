import type { ServiceParts } from '../../domain/service.ts';
import type { ExchangeService } from '../../exchange/exchange-protocol.ts';
import { serveExchange } from '../../exchange/serve-exchange.ts';
import { makeListener } from './listener.ts';
import { rules } from './rules.ts';

/** Makes the service for one gateway. */
export function createService({ steps, seedOf }: ServiceParts): ExchangeService {
  return { serve: (exchange, door) => serveExchange(exchange, door, rules, steps), listener: makeListener(seedOf('kubernetes')) };
}
