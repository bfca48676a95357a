import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { within } from './wait-until.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

/** The bytes that passed on one connection. */
export interface Tapped {
  readonly sent: Buffer[];
  readonly received: Buffer[];
}

/** A loopback port that leads to another port. It keeps all bytes that pass, by connection. */
export class Tap implements AsyncDisposable {
  readonly port: number;
  readonly connections: Tapped[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = portOf(server);
    server.on('connection', (near: Socket) => {
      const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
      const tapped: Tapped = { sent: [], received: [] };
      this.connections.push(tapped);
      this.#pass(near, far, tapped.sent);
      this.#pass(far, near, tapped.received);
    });
  }

  static async open(target: number): Promise<Tap> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Tap(server, target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#server.close();
    await within(once(this.#server, 'close'), 'the end of a tap');
  }

  #pass(from: Socket, to: Socket, kept: Buffer[]): void {
    this.#sockets.add(from);
    from.on('error', () => to.destroy());
    from.on('data', (bytes: Buffer) => kept.push(bytes));
    from.pipe(to);
  }
}
