/**
 * A bare proxy: Node's server of HTTP and the gateway's own client, without a token, a decision or a record. `proxy.ts PORT UPSTREAM` listens
 * on PORT and sends each request to UPSTREAM with a credential in the place of the client's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AnsweredHead, CallReceiver } from '../gateway/src/domain/call.ts';
import { Grant } from '../gateway/src/domain/grant.ts';
import { defaultLimits } from '../gateway/src/domain/limits.ts';
import type { Target } from '../gateway/src/domain/target.ts';
import { HttpCalls } from '../gateway/src/exchange/target/http-calls.ts';
import { composeRequestHead } from '../gateway/src/exchange/head.ts';

const [port = '', upstreamPort = ''] = process.argv.slice(2);
const target: Target = {
  name: 'model',
  protocol: 'llm',
  scheme: 'http',
  host: '127.0.0.1',
  port: Number(upstreamPort),
  path: '',
  options: {},
  user: '',
  durability: 'process',
};
const credential = { headers: [['authorization', 'Bearer sk-bench']], secrets: ['sk-bench'] } as const;
const options = { tls: null, credential: () => credential };
const calls = new HttpCalls(defaultLimits);
/** Headers that concern only one of the two connections. */
const hopByHop: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding']);

function forward(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const call = calls.begin(target, options, new Answering(response));
  const headers = pairs(request.rawHeaders).filter(([name]) => !hopByHop.has(name));
  call.forward(new Grant([composeRequestHead({ method: request.method ?? '', path: request.url ?? '', headers }), body]));
  call.end();
}

class Answering implements CallReceiver {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onHead({ status, statusText, rawHeaders }: AnsweredHead): void {
    const headers = pairs(rawHeaders).filter(([name]) => !hopByHop.has(name));
    this.#response.writeHead(status, statusText, headers.flat());
  }

  onBytes(bytes: Buffer): void {
    this.#response.write(bytes);
  }

  onEnd(): void {
    this.#response.end();
  }

  onError(error: Error): void {
    this.#response.destroy(error);
  }

  onInformation(): void {}

  onUpgrade(): void {}

  onDrain(): void {}
}

function pairs(raw: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [(raw[2 * i] ?? '').toLowerCase(), raw[2 * i + 1] ?? '']);
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    forward(request, response, Buffer.concat(pieces));
  });
});
server.listen(Number(port), '127.0.0.1');
