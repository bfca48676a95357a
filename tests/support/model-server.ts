import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';

const testdata = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', 'llm', 'testdata');
const eventMs = 5;

/** What a model was asked. */
interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The client took the whole answer, or left. */
  ended: 'answered' | 'left' | null;
}

/** By the path of the API: the fixtures of its answers, whole and streamed. */
const apis: readonly { readonly path: RegExp; readonly fixture: string; readonly ending?: 'ndjson' }[] = [
  { path: /\/chat\/completions$/, fixture: 'openai-chat' },
  { path: /\/completions$/, fixture: 'openai-completions' },
  { path: /\/responses$/, fixture: 'openai-responses' },
  { path: /\/embeddings$/, fixture: 'openai-embeddings' },
  { path: /\/messages$|anthropic.*:(stream)?[rR]awPredict$/, fixture: 'anthropic' },
  { path: /\/api\/chat$/, fixture: 'ollama-chat', ending: 'ndjson' },
  { path: /:(stream)?[gG]enerateContent/, fixture: 'gemini' },
];

export interface ModelServer extends SampleServer {
  readonly asked: readonly Asked[];
}

/**
 * A server that answers like models' providers do, from recorded shapes. A prompt that contains `overloaded` gets an error of the provider's, one that contains
 * `endless` a stream that does not end.
 */
export async function startModelServer(): Promise<ModelServer> {
  const asked: Asked[] = [];
  const server = await openServer(async (request, response) => {
    const one: Asked = { path: request.url ?? '', headers: request.headers, body: await text(request), ended: null };
    asked.push(one);
    response.once('close', () => {
      one.ended = response.writableFinished ? 'answered' : 'left';
    });
    await answer(one, response);
  });
  return { ...server, asked };
}

async function answer({ path, body }: Asked, response: ServerResponse): Promise<void> {
  const api = apis.find((each) => each.path.test(path.split('?')[0] ?? ''));
  const streams = { type: 'text/event-stream; charset=utf-8', file: 'txt', end: '\n\n', ...(api?.ending === 'ndjson' ? lines : {}) };
  if (api === undefined) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no such API","type":"invalid_request_error"}}');
  } else if (body.includes('overloaded')) {
    const error = { type: 'overloaded_error', message: 'Overloaded', code: 'rate_limit_exceeded', status: 'RESOURCE_EXHAUSTED' };
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after-ms': '1' }).end(JSON.stringify({ type: 'error', error }));
  } else if (/"stream":\s*true/.test(body) || path.includes('streamGenerateContent')) {
    response.writeHead(200, { 'content-type': streams.type, 'x-request-id': 'req-1' });
    await stream(readFileSync(join(testdata, `${api.fixture}-stream.${streams.file}`), 'utf8').split(streams.end), { response, end: streams.end, body });
  } else {
    response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req-1' }).end(readFileSync(join(testdata, `${api.fixture}-answer.json`)));
  }
}

const lines = { type: 'application/x-ndjson', file: 'ndjson', end: '\n' };

interface Streaming {
  readonly response: ServerResponse;
  /** Of an event. */
  readonly end: string;
  readonly body: string;
}

async function stream(events: readonly string[], { response, end, body }: Streaming): Promise<void> {
  const isEndless = body.includes('endless');
  const all = events.filter((event) => event !== '');
  for (const event of isEndless ? all.slice(0, 3) : all) {
    response.write(`${event}${end}`);
    await delay(eventMs);
  }
  if (!isEndless) {
    response.end();
  }
}
