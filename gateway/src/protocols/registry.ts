import type { Counting } from '../domain/counting.ts';
import type { Pins } from '../domain/pins.ts';
import type { Protocol } from '../domain/protocol.ts';
import type { Served, ServiceParts, TargetNote } from '../domain/service.ts';
import type { StreamProtocol } from '../domain/stream-protocol.ts';
import type { ExchangeProtocol } from '../exchange/exchange-protocol.ts';
import { http } from './http/index.ts';
import { kubernetes } from './kubernetes/index.ts';
import { llm } from './llm/index.ts';
import { mcp } from './mcp/index.ts';
import { mysql } from './mysql/index.ts';
import { postgres } from './postgres/index.ts';
import { redis } from './redis/index.ts';
import { ssh } from './ssh/index.ts';

/** Every protocol the gateway speaks: one line each. */
export const streamProtocols: readonly StreamProtocol[] = [mysql, postgres, redis, ssh];
const exchangeProtocols: readonly [ExchangeProtocol, ...ExchangeProtocol[]] = [http, kubernetes, llm, mcp];

export const protocols: readonly Protocol[] = [...streamProtocols, ...exchangeProtocols];

export function findProtocol(id: string): Protocol | undefined {
  return protocols.find((protocol) => protocol.id === id);
}

/** The protocols as one gateway serves them. It owns their state, such as running processes, and shares none of it with another gateway. */
export interface ServedProtocols extends AsyncDisposable {
  readonly streams: readonly Served<StreamProtocol>[];
  readonly exchanges: readonly Served<ExchangeProtocol>[];
  /** The protocol over HTTP with this id. If there is none, any protocol is returned, which refuses the request. */
  exchange(id: string | undefined): Served<ExchangeProtocol>;
  /** The functions that give protocols the notes about their targets, by the id of the protocol. */
  readonly recalling: ReadonlyMap<string, (told: readonly TargetNote[]) => void>;
  /** How what targets count is compared with the record, by the id of the protocol. */
  readonly countings: ReadonlyMap<string, Counting>;
  /** The tools of targets, by the id of the protocol. */
  readonly pins: ReadonlyMap<string, Pins>;
}

/** Makes the protocols' services, once for each gateway. Programs that only read recordings do not need them. */
export async function createProtocols(parts: ServiceParts): Promise<ServedProtocols> {
  const streams = await Promise.all(streamProtocols.map(async (protocol) => ({ protocol, service: await protocol.create(parts) })));
  const serveExchanges = async (protocol: ExchangeProtocol): Promise<Served<ExchangeProtocol>> => ({ protocol, service: await protocol.create(parts) });
  const [first, ...others] = exchangeProtocols;
  const any = await serveExchanges(first);
  const exchanges = [any, ...(await Promise.all(others.map(serveExchanges)))];
  const all = [...streams, ...exchanges];
  return {
    streams,
    exchanges,
    exchange: (id) => exchanges.find(({ protocol }) => protocol.id === id) ?? any,
    recalling: new Map(all.flatMap(({ protocol, service }) => (service.recall === undefined ? [] : [[protocol.id, service.recall]]))),
    countings: new Map(all.flatMap(({ protocol, service }) => (service.counting === undefined ? [] : [[protocol.id, service.counting]]))),
    pins: new Map(all.flatMap(({ protocol, service }) => (service.pins === undefined ? [] : [[protocol.id, service.pins]]))),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map(async ({ service }) => service[Symbol.asyncDispose]?.()));
    },
  };
}
