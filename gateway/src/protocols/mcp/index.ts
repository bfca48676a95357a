import type { ExchangeProtocol } from '../../domain/protocol.ts';
import { serveExchange } from '../../exchange/serve-exchange.ts';
import { httpOptions } from '../../exchange/target/target-options.ts';
import { targetUrl } from '../../exchange/target/target-url.ts';
import { actions } from './actions.ts';
import { runBridge } from './bridge.ts';
import { render } from './render.ts';
import { replay } from './replay.ts';
import { recallTools, rules } from './rules.ts';

export const mcp: ExchangeProtocol = {
  id: 'mcp',
  title: 'MCP',
  transport: 'exchange',
  schemes: { https: 443, http: 80 },
  takesCommand: true,
  actions,
  options: httpOptions({}, 'run'),
  connection: (door) => ({
    url: targetUrl(door),
    environment: {},
    command: `npx @modelcontextprotocol/inspector --cli ${targetUrl(door)} --transport http --header 'Authorization: Bearer TOKEN' --method tools/list`,
  }),
  serve: (exchange, door) => serveExchange(exchange, door, rules),
  bridge: { title: 'speak MCP over standard input and output with a target behind the gateway', run: runBridge },
  recall: recallTools,
  render,
  replay,
};
