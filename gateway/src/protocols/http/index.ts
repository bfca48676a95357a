import type { ExchangeProtocol } from '../../exchange/exchange-protocol.ts';
import { httpFileOptions, httpOptions } from '../../exchange/target/http-options.ts';
import { replayExchange } from '../../exchange/recorded/recorded-call.ts';
import { targetUrl } from '../../exchange/target/target-url.ts';
import { actions, context, readExample } from './actions.ts';
import { bodyOption } from './body-facts.ts';
import { renderMessages } from '../../exchange/recorded/render-messages.ts';
import { routesOption } from './routes.ts';

export const http: ExchangeProtocol = {
  id: 'http',
  title: 'HTTP',
  transport: 'exchange',
  valuePlaces: 'fields',
  schemes: { https: 443, http: 80 },
  actions,
  context,
  readExample: async (text, target) => readExample(text, target),
  options: httpOptions({ routes: routesOption, body: bodyOption }),
  fileOptions: httpFileOptions,
  connection: (door) => ({
    url: targetUrl(door),
    environment: {},
    command: `curl -H 'Authorization: Bearer TOKEN' ${targetUrl(door)}/`,
  }),
  create: async (parts) => (await import('./service.ts')).createService(parts),
  render: renderMessages,
  replay: replayExchange({}),
};
