import type { GatewayProcess } from './gateway-process.ts';
import type { StreamServer } from './stream-server.ts';

/** One protocol over HTTP, as its clients use it. */
export interface ExchangeWay {
  readonly protocol: string;
  readonly path: string;
  readonly type: string;
  /** A request that says this. */
  body(words: string): string;
}

export const exchangeWays: readonly ExchangeWay[] = [
  { protocol: 'http', path: '/things', type: 'text/plain', body: (words) => words },
  {
    protocol: 'llm',
    path: '/v1/chat/completions',
    type: 'application/json',
    body: (words) => JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: words }] }),
  },
  {
    protocol: 'mcp',
    path: '',
    type: 'application/json',
    body: (words) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'tell', arguments: { words } } }),
  },
];

/** Targets named by their protocol, all of them the same server; `agent` was granted them. */
export function exchangeConfig(server: StreamServer, durability: string): string {
  const targets = exchangeWays.map(
    ({ protocol }) => `  ${protocol}: { protocol: ${protocol}, url: "${server.url}", password: { env: TARGET_SECRET }, durability: ${durability} }`,
  );
  return `targets:
${targets.join('\n')}
principals:
  agent: { kind: agent, targets: [${exchangeWays.map(({ protocol }) => protocol).join(', ')}] }
  stranger: { kind: agent, targets: [] }
`;
}

export interface Asking {
  readonly token: string;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a body as a client of the protocol does. */
export async function ask(gateway: GatewayProcess, way: ExchangeWay, body: string, { token, signal, headers = {} }: Asking): Promise<Response> {
  return fetch(`http://127.0.0.1:${gateway.port('http')}/t/${way.protocol}${way.path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': way.type, accept: 'application/json, text/event-stream', ...headers },
    body,
    ...(signal === undefined ? {} : { signal }),
  });
}

export function sessionOf(response: Response): string {
  return response.headers.get('countersign-session') ?? '';
}
