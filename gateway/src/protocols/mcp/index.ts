import type { ExchangeProtocol } from '../../exchange/exchange-protocol.ts';
import { httpFileOptions, httpOptions } from '../../exchange/target/http-options.ts';
import { targetUrl } from '../../exchange/target/target-url.ts';
import { actions } from './actions.ts';
import { builtInPolicies } from './built-in-policies.ts';
import { context } from './policy-context.ts';
import { render } from './render.ts';
import { replay } from './replay.ts';

export const mcp: ExchangeProtocol = {
  id: 'mcp',
  title: 'MCP',
  transport: 'exchange',
  valuePlaces: 'fields',
  schemes: { https: 443, http: 80 },
  takesCommand: true,
  actions,
  context,
  readExample: async (text) => (await import('./read-example.ts')).readExample(text),
  policies: builtInPolicies,
  options: httpOptions({}, 'run'),
  fileOptions: httpFileOptions,
  connection: (door) => ({
    url: targetUrl(door),
    environment: {},
    command: `npx @modelcontextprotocol/inspector --cli ${targetUrl(door)} --transport http --header 'Authorization: Bearer TOKEN' --method tools/list`,
  }),
  create: async (parts) => (await import('./service.ts')).createService(parts),
  bridge: {
    title: 'speak MCP over standard input and output with a target behind the gateway',
    run: async (...given) => (await import('./bridge.ts')).runBridge(...given),
  },
  render,
  replay,
};
