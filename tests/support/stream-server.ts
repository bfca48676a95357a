import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, constants, createGzip, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Served } from './contract.ts';
import { textOf } from './live-models.ts';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';

const eventMs = 5;
/** Fewer bytes than most values have. A long body comes in longer pieces. */
const pieceBytesMin = 11;
const piecesMax = 300;

interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** True if the connection was closed before the answer ended. */
  isCut: boolean;
}

export interface StreamServer extends SampleServer {
  readonly heard: readonly Heard[];
  /** Called with each request. The request is answered when this has resolved. */
  onRequest: () => Promise<void>;
  heardOf(marker: string): Heard | undefined;
  /** The answers to requests, and to messages over WebSocket, that contain these words. */
  readonly prepared: Map<string, Served>;
}

/**
 * Starts an upstream for every protocol over HTTP. It answers each request with a stream of numbered events. The stream does not end if the request contains
 * `endless`, and is some megabytes long if it contains `megabytes`. It is gzipped, although nobody asked for it, if the request contains `encoded`. A word of the request that
 * begins with `secret-` is in each event. If the request contains `in pieces`, the answer is a stream of Chat Completions that says that word letter by letter. The answer to one that begins with
 * `failing` is an error that says the word. An answer to `asking` is one of MCP, in which the server asks its client something first. Over WebSocket it answers each message with the word, and closes.
 */
export async function startStreamServer(): Promise<StreamServer> {
  const heard: Heard[] = [];
  const prepared = new Map<string, Served>();
  const preparedFor = (body: string): Served | undefined => [...prepared].find(([words]) => body.includes(words))?.[1];
  const server = await openServer(async (request, response) => {
    const one: Heard = { path: request.url ?? '', headers: request.headers, body: await text(request), isCut: false };
    heard.push(one);
    response.once('close', () => {
      one.isCut = !response.writableFinished;
    });
    await streams.onRequest();
    const served = preparedFor(one.body);
    if (served !== undefined) {
      await serve(response, served);
      return;
    }
    if (one.body.includes('in pieces')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const pieces = (/secret-\w+/.exec(one.body)?.[0] ?? '').split('').map((content) => ({ index: 0, delta: { content } }));
      const choices = [...pieces, { index: 0, delta: {}, finish_reason: 'stop' }];
      response.end(choices.map((choice) => `data: ${JSON.stringify({ id: 'c', choices: [choice] })}\n\n`).join(''));
      return;
    }
    if (one.body.startsWith('failing') || one.body.includes('"failing')) {
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message: `not ${/secret-\w+/.exec(one.body)?.[0]}` } }));
      return;
    }
    if (one.body.includes('"asking')) {
      const [word = ''] = /secret-\w+/.exec(one.body) ?? [];
      const asked = { id: 'ask', method: 'elicitation/create', params: { message: word, requestedSchema: { type: 'object', properties: {} } } };
      const messages = [asked, { id: 1, result: { content: [{ type: 'text', text: word }] } }];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(messages.map((message) => `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`).join(''));
      return;
    }
    const isEncoded = one.body.includes('encoded');
    response.writeHead(200, { 'content-type': 'text/event-stream', ...(isEncoded ? { 'content-encoding': 'gzip' } : {}) });
    const { length = '0' } = /megabytes (?<length>\d+)/.exec(one.body)?.groups ?? {};
    const [told = ''] = /secret-\w+/.exec(one.body) ?? [];
    const out = isEncoded ? createGzip({ flush: constants.Z_SYNC_FLUSH }) : response;
    if (out !== response) {
      out.pipe(response);
    }
    stream(out, one.body.includes('endless') ? Number.POSITIVE_INFINITY : 3 + Number(length) * 16, length === '0' ? told : null);
  });
  const sockets = new WebSocketServer({ server: server.server });
  sockets.on('connection', (socket, { url = '', headers }) => {
    socket.on('error', () => undefined);
    socket.on('message', (message) => {
      const body = textOf(message);
      heard.push({ path: url, headers, body, isCut: false });
      const served = preparedFor(body);
      if (served !== undefined) {
        for (const each of served.messages ?? []) {
          socket.send(each);
        }
        socket.close(1000);
        return;
      }
      answerMessage(socket, url, body);
    });
  });
  const streams: StreamServer = {
    ...server,
    heard,
    prepared,
    onRequest: async () => Promise.resolve(),
    heardOf: (marker) => heard.find(({ body }) => body.includes(marker)),
  };
  return streams;
}

/** Sends a body in short pieces. */
async function serve(response: ServerResponse, { status = 200, headers = {}, body, coding, trailers }: Served): Promise<void> {
  const bytes = encode(body, coding);
  const named = trailers === undefined ? {} : { trailer: Object.keys(trailers).join(', ') };
  response.writeHead(status, { ...(coding === undefined ? {} : { 'content-encoding': coding }), ...named, ...headers });
  const pieceBytes = Math.max(pieceBytesMin, Math.ceil(bytes.length / piecesMax));
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    response.write(bytes.subarray(at, at + pieceBytes));
    await setImmediate();
  }
  response.addTrailers(trailers ?? {});
  response.end();
}

export function encode(body: Buffer, coding: Served['coding']): Buffer {
  switch (coding) {
    case 'gzip':
      return gzipSync(body);
    case 'br':
      return brotliCompressSync(body);
    case 'zstd':
      return zstdCompressSync(body);
    case 'deflate':
      return deflateSync(body);
    default:
      return body;
  }
}

/** Says the word that begins with `secret-` in messages, and in the reason for the close. In answers of models it comes letter by letter first. */
function answerMessage(socket: WebSocket, path: string, message: string): void {
  const [word = ''] = /secret-\w+/.exec(message) ?? [];
  const said = { item_id: 'msg', content_index: 0 };
  const letters = word.split('').map((delta) => ({ type: 'response.output_text.delta', ...said, delta }));
  for (const event of path.includes('responses') ? [...letters, { type: 'response.output_text.done', ...said, text: word }] : [{ said: word }]) {
    socket.send(JSON.stringify(event));
  }
  socket.send(`${word}, as text`);
  socket.send(Buffer.from(`${word}, as bytes`));
  socket.close(1000, `no more of ${word}`);
}

/** Sends a stream. `told` is the text in each event. Null: the events are long, cannot be compressed, and are sent as fast as the client takes them. */
function stream(response: Writable, events: number, told: string | null): void {
  const filler = told ?? randomBytes(49_152).toString('base64');
  let event = 0;
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    while (event < events) {
      event += 1;
      if (!response.write(`data: {"event":${event},"filler":"${filler}"}\n\n`)) {
        response.once('drain', next);
        return;
      }
      if (told !== null) {
        timer = setTimeout(next, eventMs);
        return;
      }
    }
    response.end();
  };
  response.once('close', () => {
    clearTimeout(timer);
  });
  next();
}
