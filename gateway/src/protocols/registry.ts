import type { ExchangeProtocol, Protocol, Served, ServiceParts, StreamProtocol, Told } from '../domain/protocol.ts';
import { http } from './http/index.ts';
import { llm } from './llm/index.ts';
import { mcp } from './mcp/index.ts';
import { postgres } from './postgres/index.ts';

/** Every protocol the gateway speaks: one line each. */
export const streamProtocols: readonly StreamProtocol[] = [postgres];
const exchangeProtocols: readonly [ExchangeProtocol, ...ExchangeProtocol[]] = [http, llm, mcp];

export const protocols: readonly Protocol[] = [...streamProtocols, ...exchangeProtocols];

export function findProtocol(id: string): Protocol | undefined {
  return protocols.find((protocol) => protocol.id === id);
}

/** The protocols as one gateway serves them: it shares nothing of them that changes with another gateway. Owns what they hold, processes for one. */
export interface ServedProtocols extends AsyncDisposable {
  readonly streams: readonly Served<StreamProtocol>[];
  /** The protocol over HTTP with this id. Where there is none, any: the request is refused there. */
  exchange(id: string | undefined): Served<ExchangeProtocol>;
  /** Those that take over what was recorded of their targets, by their ids. */
  readonly recalling: ReadonlyMap<string, (told: readonly Told[]) => void>;
}

/** Called once for each gateway. Who only reads what was recorded needs none of it. */
export function createProtocols(parts: ServiceParts): ServedProtocols {
  const streams = streamProtocols.map((protocol) => ({ protocol, service: protocol.create(parts) }));
  const serveExchanges = (protocol: ExchangeProtocol): Served<ExchangeProtocol> => ({ protocol, service: protocol.create(parts) });
  const [first, ...others] = exchangeProtocols;
  const any = serveExchanges(first);
  const exchanges = [any, ...others.map(serveExchanges)];
  const all = [...streams, ...exchanges];
  return {
    streams,
    exchange: (id) => exchanges.find(({ protocol }) => protocol.id === id) ?? any,
    recalling: new Map(all.flatMap(({ protocol, service }) => (service.recall === undefined ? [] : [[protocol.id, service.recall]]))),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map(async ({ service }) => service[Symbol.asyncDispose]?.()));
    },
  };
}
