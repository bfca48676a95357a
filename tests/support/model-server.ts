import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { samples } from '../../gateway/src/protocols/llm/testdata/fixtures.ts';

const testdata = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', 'llm', 'testdata');
const eventMs = 5;
/** A compressed stream is sent in pieces of this many bytes. */
const compressedPieceBytes = 64;

/** A request that a model got. */
interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** `answered`: the client took the whole answer. `left`: the client left before. Null: the answer goes on. */
  ended: 'answered' | 'left' | null;
}

interface Streamed {
  readonly type: string;
  readonly events: readonly Uint8Array[];
}

interface Api {
  readonly path: RegExp;
  readonly whole: string;
  readonly stream?: () => Streamed;
}

/** The fixtures of each API's answers, whole and streamed. */
const apis: readonly Api[] = [
  { path: /\/chat\/completions$/, whole: 'openai-chat-answer.json', stream: () => events('openai-chat-stream.txt') },
  { path: /\/completions$/, whole: 'openai-completions-answer.json', stream: () => events('openai-completions-stream.txt') },
  { path: /\/responses$/, whole: 'openai-responses-answer.json', stream: () => events('openai-responses-stream.txt') },
  { path: /\/embeddings$/, whole: 'openai-embeddings-answer.json' },
  { path: /\/v1\/models$/, whole: 'openai-models-answer.json' },
  { path: /\/messages\/count_tokens$/, whole: 'anthropic-count-answer.json' },
  { path: /\/messages$|anthropic.*:(stream)?[rR]awPredict$/, whole: 'anthropic-answer.json', stream: () => events('anthropic-stream.txt') },
  { path: /\/api\/chat$/, whole: 'ollama-chat-answer.json', stream: lines },
  { path: /:(stream)?[gG]enerateContent/, whole: 'gemini-answer.json', stream: () => events('gemini-stream.txt') },
  { path: /\/converse(-stream)?$/, whole: 'bedrock-converse-answer.json', stream: frames },
];

export interface ModelServer extends SampleServer {
  readonly asked: readonly Asked[];
  /** Called before each further event with the number of events sent. The stream continues when the promise resolves, by default after a short time. */
  goesOn: ((sent: number) => Promise<unknown>) | null;
}

/**
 * Starts a server that answers like the providers of models, from recorded answers. A prompt with `overloaded` gets an error of the provider. One with
 * `endless` gets a stream that does not end, or that stops inside an event if the prompt also has `halfway`. One with `compressed` gets an answer in gzip.
 */
export async function startModelServer(): Promise<ModelServer> {
  const asked: Asked[] = [];
  const server = await openServer(async (request, response) => {
    const one: Asked = { path: request.url ?? '', headers: request.headers, body: await text(request), ended: null };
    asked.push(one);
    response.once('close', () => {
      one.ended = response.writableFinished ? 'answered' : 'left';
    });
    await answer(one, response, async (sent) => models.goesOn?.(sent) ?? delay(eventMs));
  });
  const models: ModelServer = { ...server, asked, goesOn: null };
  return models;
}

async function answer({ path, body }: Asked, response: ServerResponse, goesOn: (sent: number) => Promise<unknown>): Promise<void> {
  const api = apis.find((each) => each.path.test(path.split('?')[0] ?? ''));
  const isStream = /"stream":\s*true/.test(body) || /stream(Generate|Raw)|-stream$/.test(path);
  const coding: OutgoingHttpHeaders = body.includes('compressed') ? { 'content-encoding': 'gzip' } : {};
  const headers: OutgoingHttpHeaders = { 'content-type': 'application/json', 'x-request-id': 'req-1', ...coding };
  if (api === undefined) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no such API","type":"invalid_request_error"}}');
  } else if (body.includes('overloaded')) {
    const error = { type: 'overloaded_error', message: 'Overloaded', code: 'rate_limit_exceeded', status: 'RESOURCE_EXHAUSTED' };
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after-ms': '1' }).end(JSON.stringify({ type: 'error', error }));
  } else if (isStream && api.stream !== undefined) {
    const streamed = api.stream();
    response.writeHead(200, { ...headers, 'content-type': streamed.type });
    const all = body.includes('compressed') ? compress(streamed.events) : streamed.events;
    const isEndless = body.includes('endless');
    const begun = all.slice(0, 3).map((event, i) => (i === 2 && body.includes('halfway') ? event.subarray(0, event.length / 2) : event));
    for (const [sent, piece] of (isEndless ? begun : all).entries()) {
      await (sent === 0 ? null : goesOn(sent));
      response.write(piece);
    }
    if (!isEndless) {
      response.end();
    }
  } else {
    const whole = readFileSync(join(testdata, api.whole));
    response.writeHead(200, headers).end(body.includes('compressed') ? gzipSync(whole) : whole);
  }
}

function events(file: string): Streamed {
  return { type: 'text/event-stream; charset=utf-8', events: cutBehind(file, /(?<=\n\n)/) };
}

function lines(): Streamed {
  return { type: 'application/x-ndjson', events: cutBehind('ollama-chat-stream.ndjson', /(?<=\n)/) };
}

function frames(): Streamed {
  const [{ type, bytes } = { type: '', bytes: Buffer.alloc(0) }] = samples.find(({ name }) => name === 'bedrock-converse')?.streams ?? [];
  const cut: Buffer[] = [];
  // Each message begins with its length.
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    cut.push(bytes.subarray(at, at + bytes.readUInt32BE(at)));
  }
  return { type, events: cut };
}

function cutBehind(file: string, end: RegExp): Uint8Array[] {
  const all = readFileSync(join(testdata, file), 'utf8').split(end);
  return all.filter((each) => each !== '').map((each) => Buffer.from(each));
}

function compress(pieces: readonly Uint8Array[]): Uint8Array[] {
  const bytes = gzipSync(Buffer.concat(pieces));
  return Array.from({ length: Math.ceil(bytes.length / compressedPieceBytes) }, (_, i) =>
    bytes.subarray(i * compressedPieceBytes, (i + 1) * compressedPieceBytes),
  );
}
