import { join } from 'node:path';
import { compileCache } from './compile-cache.ts';
import type { GatewayProcess } from './gateway-process.ts';
import type { StreamServer } from './stream-server.ts';

/** One protocol over HTTP, as its clients use it. */
export interface ExchangeWay {
  readonly protocol: string;
  readonly target: string;
  readonly path: string;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A request that says this. */
  body(words: string): string;
}

export const exchangeWays: readonly ExchangeWay[] = [
  { protocol: 'http', target: 'http', path: '/things', type: 'text/plain', body: (words) => words },
  {
    protocol: 'llm',
    target: 'llm',
    path: '/v1/chat/completions',
    type: 'application/json',
    body: (words) => JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: words }] }),
  },
  {
    protocol: 'mcp',
    target: 'mcp',
    path: '',
    type: 'application/json',
    body: (words) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'tell', arguments: { words } } }),
  },
  {
    protocol: 'mcp',
    target: 'program',
    path: '',
    type: 'application/json',
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'tell' },
    body: (words) => {
      const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
      return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'tell', arguments: { words }, _meta: meta } });
    },
  },
];

/** Of the last one, which asks the server. */
const program = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', 'mcp', 'testdata', 'http-relay.ts');

/** Targets that all lead to the same server; `agent` was granted them. */
export function exchangeConfig(server: StreamServer, durability: string): string {
  const targets = exchangeWays.map(({ protocol, target }) => {
    const place =
      target === 'program'
        ? `command: ["${process.execPath}", "${program}", "${server.url}"], environment: { KEY: { env: TARGET_SECRET }, ${compileCache()} }`
        : `url: "${server.url}", password: { env: TARGET_SECRET }`;
    return `  ${target}: { protocol: ${protocol}, ${place}, durability: ${durability} }`;
  });
  return `targets:
${targets.join('\n')}
principals:
  agent: { kind: agent, targets: [${exchangeWays.map(({ target }) => target).join(', ')}] }
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
  return fetch(`http://127.0.0.1:${gateway.port('http')}/t/${way.target}${way.path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': way.type, accept: 'application/json, text/event-stream', ...way.headers, ...headers },
    body,
    ...(signal === undefined ? {} : { signal }),
  });
}

export function sessionOf(response: Response): string {
  return response.headers.get('countersign-session') ?? '';
}
