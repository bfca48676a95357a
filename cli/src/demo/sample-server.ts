import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** The time in ms that idle connections stay open, long enough for a client whose process is stopped for a while. */
const keepAliveMs = 120_000;

export interface SampleServer extends AsyncDisposable {
  readonly url: string;
  readonly server: Server;
}

/** Starts a real HTTP server on a free loopback port. */
export async function openServer(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<SampleServer> {
  const server = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    server,
    url: `http://127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
