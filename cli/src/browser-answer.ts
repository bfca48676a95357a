import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** A person has so long to sign in. */
const waitMs = 300_000;
const path = '/';

const page = (words: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Countersign</title><p style="font:1.2em system-ui;margin:4em">${words}</p></html>`;

/** Waits on a port of this machine until the issuer sends the browser of a person back to it (RFC 8252, 7.3). */
export class BrowserAnswer implements AsyncDisposable {
  /** The address to which the issuer sends the browser. */
  readonly address: string;
  /** The address with which the browser came. Rejects with an Error if none came in time. */
  readonly received: Promise<URL>;
  readonly #server: Server;

  private constructor(server: Server, state: string) {
    const at = server.address();
    this.address = `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}${path}`;
    this.#server = server;
    const { promise, resolve, reject } = Promise.withResolvers<URL>();
    const timer = setTimeout(() => {
      reject(new Error('nobody signed in there in time: try again'));
    }, waitMs);
    this.received = promise.finally(() => {
      clearTimeout(timer);
    });
    // If the sign-in fails for another reason, nobody waits for this.
    this.received.catch(() => undefined);
    server.on('close', () => {
      reject(new Error('the sign-in was given up'));
    });
    server.on('request', (request, response) => {
      const came = new URL(request.url ?? '', this.address);
      // Any page can send a browser here. Only the issuer was told the state, so nothing else counts, and nothing else ends the wait.
      const isAnswer = request.method === 'GET' && came.pathname === path && came.searchParams.get('state') === state;
      response.writeHead(isAnswer ? 200 : 404, { 'content-type': 'text/html; charset=utf-8', 'referrer-policy': 'no-referrer', connection: 'close' });
      response.end(page(isAnswer ? 'This page can be closed. The command says whether the sign-in succeeded.' : 'There is nothing here.'));
      if (isAnswer) {
        resolve(came);
      }
    });
  }

  /** Listens on a port, 0 for any free one. Rejects with an Error if that is not possible. */
  static async open(port: number, state: string): Promise<BrowserAnswer> {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new BrowserAnswer(server, state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
