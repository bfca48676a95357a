import type { ServiceParts } from '../../domain/service.ts';
import type { ExchangeProtocol, ExchangeService } from '../../exchange/exchange-protocol.ts';
import { serveExchange } from '../../exchange/serve-exchange.ts';
import { httpOptions } from '../../exchange/target/http-options.ts';
import { targetUrl } from '../../exchange/target/target-url.ts';
import { actions } from './actions.ts';
import { runBridge } from './bridge.ts';
import { builtInPolicies } from './built-in-policies.ts';
import { ToolsOfTargets } from './tools-of-targets.ts';
import { context } from './policy-context.ts';
import { readExample } from './read-example.ts';
import { render } from './render.ts';
import { replay } from './replay.ts';
import { makeRules } from './rules.ts';
import { ServersOfSessions } from './stdio-servers.ts';

export const mcp: ExchangeProtocol = {
  id: 'mcp',
  title: 'MCP',
  transport: 'exchange',
  schemes: { https: 443, http: 80 },
  takesCommand: true,
  actions,
  context,
  readExample,
  policies: builtInPolicies,
  options: httpOptions({}, 'run'),
  connection: (door) => ({
    url: targetUrl(door),
    environment: {},
    command: `npx @modelcontextprotocol/inspector --cli ${targetUrl(door)} --transport http --header 'Authorization: Bearer TOKEN' --method tools/list`,
  }),
  create: createMcp,
  bridge: { title: 'speak MCP over standard input and output with a target behind the gateway', run: runBridge },
  render,
  replay,
};

/** Makes the service for one gateway. It remembers the tools that targets listed, and runs the servers of sessions. */
function createMcp({ steps }: ServiceParts): ExchangeService {
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
