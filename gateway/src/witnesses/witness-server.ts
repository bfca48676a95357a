import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { formatAddress } from '../domain/address.ts';
import { exchangeBytesMax } from './add-checkpoint.ts';
import type { Witness } from './witness.ts';

/** Most connections. More than that, and of those that wait for their client the one ends that has waited for longest. */
const connectionsMax = 128;
const requestMs = 10_000;
const idleMs = 60_000;
/** It is looked this often whether a request takes too long. */
const lookMs = 1000;
const headBytesMax = 8 * 1024;

interface WitnessServerOptions {
  readonly host: string;
  readonly port: number;
  readonly witness: Witness;
  /** Called with a failure after which a request was answered with 500 and no cosignature. */
  readonly onTrouble: (error: unknown) => void;
}

/** Serves a witness over HTTP: `POST /add-checkpoint`, its anchor log below `/anchor/` as c2sp.org/tlog-tiles has it, and nothing else. */
export class WitnessServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Rejects with errors of the system if the address cannot be listened on. */
  static async open({ host, port, witness, onTrouble }: WitnessServerOptions): Promise<WitnessServer> {
    const waiting = new WaitingConnections();
    const server = createServer(
      { headersTimeout: requestMs, requestTimeout: requestMs, keepAliveTimeout: idleMs, maxHeaderSize: headBytesMax, connectionsCheckingInterval: lookMs },
      (request, response) => {
        waiting.follow(request, response);
        void serve(witness, request, response).catch((error: unknown) => {
          if (request.errored === null) {
            onTrouble(error);
          }
          send(response, { status: 500, mediaType: 'text/plain; charset=utf-8', body: 'the witness failed\n' });
        });
      },
    );
    server.on('connection', (socket) => {
      waiting.add(socket);
    });
    server.listen(port, host);
    await once(server, 'listening');
    return new WitnessServer(server);
  }

  /** The submission prefix. */
  get url(): string {
    return `http://${formatAddress(this.#server.address())}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.resolve();
  }
}

/** The connections that wait for their client, also for the rest of a request: who is silent or slow gives way to who comes. */
class WaitingConnections {
  /** All that are open, and of these, in the order in which they began to wait, those that wait. */
  readonly #open = new Set<Socket>();
  readonly #waiting = new Set<Socket>();

  add(socket: Socket): void {
    this.#open.add(socket);
    this.#waiting.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#waiting.delete(socket);
    });
    if (this.#open.size > connectionsMax) {
      const [longest = socket] = this.#waiting;
      longest.destroy();
    }
  }

  /** From the end of a request until it is answered, its connection does not wait. */
  follow(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (request.method === 'GET') {
      this.#waiting.delete(socket);
    }
    request.once('end', () => {
      // The rest of a request may come after its answer, and then nothing is done for the client any more.
      if (!response.writableEnded) {
        this.#waiting.delete(socket);
      }
    });
    response.once('close', () => {
      if (this.#open.has(socket)) {
        this.#waiting.add(socket);
      }
    });
  }
}

async function serve(witness: Witness, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, anchorPath] = /^\/anchor\/(.{1,200})$/.exec(request.url ?? '') ?? [];
  if (anchorPath !== undefined && request.method === 'GET') {
    const bytes = await witness.anchorFile(anchorPath);
    send(
      response,
      bytes === null
        ? { status: 404, mediaType: 'text/plain; charset=utf-8', body: 'the anchor log has no such file\n' }
        : { status: 200, mediaType: anchorPath.startsWith('tile/') ? 'application/octet-stream' : 'text/plain; charset=utf-8', body: bytes },
    );
    return;
  }
  if (request.method !== 'POST' || request.url !== '/add-checkpoint') {
    send(response, {
      status: request.url === '/add-checkpoint' ? 405 : 404,
      mediaType: 'text/plain; charset=utf-8',
      body: 'POST /add-checkpoint and GET /anchor/checkpoint, /anchor/key and /anchor/tile/... are all there is\n',
    });
    return;
  }
  const body = await readBody(request);
  send(
    response,
    body === null ? { status: 413, mediaType: 'text/plain; charset=utf-8', body: `more than ${exchangeBytesMax} bytes\n` } : await witness.addCheckpoint(body),
  );
}

/** Null: the body is longer than is read. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of request) {
    const chunk: Uint8Array = piece;
    bytes += chunk.length;
    if (bytes > exchangeBytesMax) {
      return null;
    }
    pieces.push(chunk);
  }
  return Buffer.concat(pieces);
}

interface Sent {
  readonly status: number;
  readonly mediaType: string;
  readonly body: string | Uint8Array;
}

function send(response: ServerResponse, { status, mediaType, body }: Sent): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'content-type': mediaType,
    'content-length': Buffer.byteLength(body),
    ...(status >= 500 || status === 413 ? { connection: 'close' } : {}),
  });
  response.end(body);
}
