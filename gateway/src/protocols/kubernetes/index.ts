import { z } from 'zod';
import type { ExchangeProtocol } from '../../exchange/exchange-protocol.ts';
import { replayExchange } from '../../exchange/recorded/recorded-call.ts';
import { httpFileOptions, httpOptions } from '../../exchange/target/http-options.ts';
import { actions, context, readExample } from './actions.ts';
import { connection } from './connection.ts';
import { render } from './render.ts';

const impersonate = z
  .stringbool()
  .or(z.boolean())
  .default(false)
  .describe(
    "`true`: the API is told the principal as the user (`Impersonate-User`), so that its own rules count too. The gateway's credential needs the right to do so.",
  );

export const kubernetes: ExchangeProtocol = {
  id: 'kubernetes',
  title: 'Kubernetes',
  transport: 'exchange',
  hasListener: true,
  valuePlaces: 'fields',
  isEncrypted: true,
  schemes: { https: 443, http: 80 },
  actions,
  context,
  readExample: async (text) => readExample(text),
  options: httpOptions({ impersonate }),
  fileOptions: httpFileOptions,
  connection,
  create: async (parts) => (await import('./service.ts')).createService(parts),
  render,
  replay: replayExchange({}),
};
