import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { formatAddress } from '../domain/address.ts';
import { exchangeBytesMax } from './add-checkpoint.ts';
import type { Witness } from './witness.ts';

const connectionsMax = 128;
const requestMs = 10_000;
const idleMs = 60_000;
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
    const server = createServer(
      { headersTimeout: requestMs, requestTimeout: requestMs, keepAliveTimeout: idleMs, maxHeaderSize: headBytesMax },
      (request, response) => {
        void serve(witness, request, response).catch((error: unknown) => {
          if (request.errored === null) {
            onTrouble(error);
          }
          send(response, { status: 500, mediaType: 'text/plain; charset=utf-8', body: 'the witness failed\n' });
        });
      },
    );
    server.maxConnections = connectionsMax;
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
