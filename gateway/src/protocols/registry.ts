import type { ExchangeProtocol, Protocol, StreamProtocol } from '../domain/protocol.ts';
import { http } from './http/index.ts';
import { llm } from './llm/index.ts';
import { mcp } from './mcp/index.ts';
import { postgres } from './postgres/index.ts';

/** Every protocol the gateway speaks: one line each. */
export const streamProtocols: readonly StreamProtocol[] = [postgres];
export const exchangeProtocols: readonly [ExchangeProtocol, ...ExchangeProtocol[]] = [http, llm, mcp];

export const protocols: readonly Protocol[] = [...streamProtocols, ...exchangeProtocols];

export function findProtocol(id: string): Protocol | undefined {
  return protocols.find((protocol) => protocol.id === id);
}
