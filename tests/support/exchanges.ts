import type { ExchangeWay } from './contract.ts';
import { exchangeWays, placeOf, targetsOf } from './contracts.ts';
import type { GatewayProcess } from './gateway-process.ts';
import type { StreamServer } from './stream-server.ts';

/** A configuration with targets that all lead to the same server, and with an `agent` that may use them. */
export function exchangeConfig(server: StreamServer, durability: string): string {
  const ways = exchangeWays.map((way) => ({ ...way, place: placeOf(way, server) }));
  return `${targetsOf(ways, durability)}principals:
  agent: { kind: agent, targets: [${exchangeWays.map(({ target }) => target).join(', ')}] }
`;
}

export interface Asker {
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a body as a client of the protocol does. */
export async function ask(gateway: GatewayProcess, way: ExchangeWay, body: string, { token, headers = {} }: Asker): Promise<Response> {
  return fetch(`http://127.0.0.1:${gateway.port('http')}/t/${way.target}${way.path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': way.type, accept: 'application/json, text/event-stream', ...way.headers, ...headers },
    body,
  });
}

export function sessionOf(response: Response): string {
  return response.headers.get('countersign-session') ?? '';
}
