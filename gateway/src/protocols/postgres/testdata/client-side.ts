import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Limits } from '../../../domain/limits.ts';
import type { TunnelIdentity } from '../../../domain/client.ts';
import { Connection } from '../../../wire/connection.ts';
import { readServerTls, type ServerTls } from '../../../wire/server-tls.ts';
import { makeCertificate } from '../../../wire/testdata/certificates.ts';
import { connectTo, Inbox, TestServer } from '../../../wire/testdata/sockets.ts';
import { startupMessage } from '../compose.ts';
import { StatementGuards } from '../statement-guards.ts';
import { serve } from '../serve.ts';
import type { OpenDoor } from './open-door.ts';

export interface ServedOptions {
  readonly certificate?: ServerTls;
  readonly tunnel?: TunnelIdentity;
  readonly limits?: Partial<Limits>;
  /** True: the client counts as one from another machine. */
  readonly isRemote?: boolean;
}

/** `faults` holds the errors that `serve` threw. Only broken invariants may be among them. */
export interface Served extends AsyncDisposable {
  readonly port: number;
  readonly faults: unknown[];
}

/** Serves this protocol on a real socket, without the gateway's listener and sessions. */
export async function serveOn(door: OpenDoor, options: ServedOptions = {}): Promise<Served> {
  const faults: unknown[] = [];
  const guards = new StatementGuards();
  const server = await TestServer.open((socket) => {
    const client = new Connection(socket, {
      certificate: options.certificate ?? null,
      loginMs: door.limits.loginMs,
      ...(options.tunnel === undefined ? {} : { tunnel: options.tunnel }),
    });
    if (options.isRemote === true) {
      Object.defineProperty(client, 'isLoopback', { value: false });
    }
    serve(client, door, guards).catch((error: unknown) => faults.push(error));
  });
  return { port: server.port, faults, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** A client that sends raw bytes. */
export class RawClient {
  readonly socket: Socket;
  readonly inbox: Inbox;

  constructor(socket: Socket) {
    this.socket = socket;
    this.inbox = new Inbox(socket);
  }

  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await connectTo(port));
  }

  say(...pieces: readonly (Uint8Array | string)[]): this {
    this.socket.write(Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece))));
    return this;
  }
}

export function startup(parameters: Readonly<Record<string, string>>): Buffer {
  return startupMessage(new Map(Object.entries({ user: 'bot', ...parameters })));
}

export const certificate = makeCertificate();
export const serverTls = readServerTls({ certFile: certificate.certificateFile, keyFile: certificate.keyFile, clientsFile: null });

export async function secure(socket: Socket, alpn: readonly string[] = ['postgresql']): Promise<TLSSocket> {
  const secured = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: [...alpn] });
  secured.on('error', () => undefined);
  await once(secured, 'secureConnect');
  return secured;
}
