import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';

const eventMs = 5;

interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** True if the connection was closed before the answer ended. */
  isCut: boolean;
}

export interface StreamServer extends SampleServer {
  readonly heard: readonly Heard[];
  /** Called with each request, before it is answered. */
  onRequest: (heard: Heard) => void;
  heardOf(marker: string): Heard | undefined;
}

/**
 * Starts an upstream for every protocol over HTTP. It answers each request with a stream of numbered events. The stream does not end if the request contains
 * `endless`, and is some megabytes long if it contains `megabytes`. A word of the request that begins with `secret-` is in each event.
 */
export async function startStreamServer(): Promise<StreamServer> {
  const heard: Heard[] = [];
  const server = await openServer(async (request, response) => {
    const one: Heard = { path: request.url ?? '', headers: request.headers, body: await text(request), isCut: false };
    heard.push(one);
    response.once('close', () => {
      one.isCut = !response.writableFinished;
    });
    streams.onRequest(one);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const { length = '0' } = /megabytes (?<length>\d+)/.exec(one.body)?.groups ?? {};
    const [told = ''] = /secret-\w+/.exec(one.body) ?? [];
    stream(response, one.body.includes('endless') ? Number.POSITIVE_INFINITY : 3 + Number(length) * 16, length === '0' ? told : null);
  });
  const streams: StreamServer = {
    ...server,
    heard,
    onRequest: () => undefined,
    heardOf: (marker) => heard.find(({ body }) => body.includes(marker)),
  };
  return streams;
}

/** Sends a stream. `told` is the text in each event. Null: the events are long, cannot be compressed, and are sent as fast as the client takes them. */
function stream(response: ServerResponse, events: number, told: string | null): void {
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
