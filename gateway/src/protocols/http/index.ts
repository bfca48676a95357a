import type { ExchangeProtocol } from '../../domain/protocol.ts';
import { httpOptions } from '../../wire/http/target-options.ts';
import { replayExchange } from '../../wire/http/recorded-call.ts';
import { serveExchange } from '../../wire/http/serve-exchange.ts';
import { targetUrl } from '../../wire/http/target-url.ts';
import { actions } from './actions.ts';
import { render } from './render.ts';
import { rules } from './rules.ts';

export const http: ExchangeProtocol = {
  id: 'http',
  title: 'HTTP',
  transport: 'exchange',
  schemes: { https: 443, http: 80 },
  actions,
  options: httpOptions({}),
  connection: (door) => ({
    url: targetUrl(door),
    environment: {},
    command: `curl -H 'Authorization: Bearer TOKEN' ${targetUrl(door)}/`,
  }),
  serve: (exchange, door) => serveExchange(exchange, door, rules),
  render,
  replay: replayExchange({}),
};
