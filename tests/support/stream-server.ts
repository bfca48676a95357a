import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';

export interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Its connection was closed before the answer had ended. */
  isCut: boolean;
}

/**
 * An upstream of any protocol over HTTP: it answers everything with a stream of numbered events; with one that does not end where the request says `endless`, and
 * with one of `megabytes` where it says so.
 */
export class StreamServer implements AsyncDisposable {
  readonly heard: Heard[] = [];
  /** Called with each request, before it is answered. */
  onRequest: (heard: Heard) => void = () => undefined;
  readonly #server: Server;

  private constructor() {
    // Commands of a test stop this process for longer than a server usually keeps a connection.
    this.#server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const heard: Heard = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(pieces).toString(), isCut: false };
        this.heard.push(heard);
        let event = 0;
        const { length = '0' } = /megabytes (?<length>\d+)/.exec(heard.body)?.groups ?? {};
        const events = heard.body.includes('endless') ? Number.POSITIVE_INFINITY : 3 + Number(length) * 16;
        // Nothing that could be compressed.
        const filler = length === '0' ? '' : randomBytes(49_152).toString('base64');
        const next = (): void => {
          while (event < events) {
            event += 1;
            if (!response.write(`data: {"event":${event},"filler":"${filler}"}\n\n`)) {
              response.once('drain', next);
              return;
            }
            if (filler === '') {
              timer = setTimeout(next, 5);
              return;
            }
          }
          response.end();
        };
        let timer: NodeJS.Timeout | undefined;
        response.once('close', () => {
          clearTimeout(timer);
          heard.isCut = !response.writableFinished;
        });
        this.onRequest(heard);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        next();
      });
    });
  }

  static async start(): Promise<StreamServer> {
    const server = new StreamServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}`;
  }

  heardOf(marker: string): Heard | undefined {
    return this.heard.find(({ body }) => body.includes(marker));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
