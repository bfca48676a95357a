import type { ServiceParts } from '../../domain/service.ts';
import type { ExchangeService } from '../../exchange/exchange-protocol.ts';
import { serveExchange } from '../../exchange/serve-exchange.ts';
import { makeRules } from './rules.ts';
import { ServersOfSessions } from './stdio-servers.ts';
import { ToolsOfTargets } from './tools-of-targets.ts';

/** Makes the service for one gateway. It remembers the tools that targets listed, and runs the servers of sessions. */
export function createService({ steps }: ServiceParts): ExchangeService {
  const tools = new ToolsOfTargets();
  const servers = new ServersOfSessions();
  const rules = makeRules(tools, servers);
  return {
    serve: (exchange, door) => serveExchange(exchange, door, rules, steps),
    pins: tools,
    recall: (told) => {
      tools.recall(told);
    },
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  };
}
