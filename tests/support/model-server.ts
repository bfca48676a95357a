import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const testdata = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', 'llm', 'testdata');
const eventMs = 5;

/** What a model was asked. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The client took the whole answer, or left. */
  ended: 'answered' | 'left' | null;
}

/** By the path of the API: the fixtures of its answers, whole and streamed. */
const apis: readonly { readonly path: RegExp; readonly fixture: string }[] = [
  { path: /\/chat\/completions$/, fixture: 'openai-chat' },
  { path: /\/responses$/, fixture: 'openai-responses' },
  { path: /\/embeddings$/, fixture: 'openai-embeddings' },
  { path: /\/messages$/, fixture: 'anthropic' },
  { path: /:(stream)?[gG]enerateContent/, fixture: 'gemini' },
];

/**
 * A server that answers like models' providers do, from recorded shapes. A prompt that contains `overloaded` gets an error of the provider's, one that contains
 * `endless` a stream that does not end.
 */
export class ModelServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #server: Server;

  private constructor() {
    // Commands of a test stop this process for longer than a server usually keeps a connection.
    this.#server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const asked: Asked = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(pieces).toString(), ended: null };
        this.asked.push(asked);
        response.once('close', () => {
          asked.ended = response.writableFinished ? 'answered' : 'left';
        });
        void answer(asked, response);
      });
    });
  }

  static async start(): Promise<ModelServer> {
    const model = new ModelServer();
    model.#server.listen(0, '127.0.0.1');
    await once(model.#server, 'listening');
    return model;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function answer({ path, body }: Asked, response: ServerResponse): Promise<void> {
  const fixture = apis.find((api) => api.path.test(path.split('?')[0] ?? ''))?.fixture;
  if (fixture === undefined) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no such API","type":"invalid_request_error"}}');
  } else if (body.includes('overloaded')) {
    const error = { type: 'overloaded_error', message: 'Overloaded', code: 'rate_limit_exceeded', status: 'RESOURCE_EXHAUSTED' };
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after-ms': '1' }).end(JSON.stringify({ type: 'error', error }));
  } else if (/"stream":\s*true/.test(body) || path.includes('streamGenerateContent')) {
    await stream(readFileSync(join(testdata, `${fixture}-stream.txt`), 'utf8'), response, body.includes('endless'));
  } else {
    response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req-1' }).end(readFileSync(join(testdata, `${fixture}-answer.json`)));
  }
}

async function stream(text: string, response: ServerResponse, isEndless: boolean): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'req-1' });
  const events = text.split('\n\n').filter((event) => event !== '');
  for (const event of isEndless ? events.slice(0, 3) : events) {
    response.write(`${event}\n\n`);
    await delay(eventMs);
  }
  if (!isEndless) {
    response.end();
  }
}
