import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP server on a free loopback port, with the connections that it accepted, in order. */
export class TestServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor(onSocket: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.#sockets.push(socket);
      socket.on('error', () => undefined);
      onSocket(socket);
    });
  }

  static async open(onSocket: (socket: Socket) => void): Promise<TestServer> {
    const server = new TestServer(onSocket);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return portOf(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#server.close();
    await Promise.resolve();
  }
}

export function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address();
  return address === null || typeof address === 'string' ? 0 : address.port;
}

/** Makes both ends of one TCP connection. `near` is the end that a listener accepts. */
export async function socketPair(): Promise<{ readonly near: Socket; readonly far: Socket } & AsyncDisposable> {
  const accepted = Promise.withResolvers<Socket>();
  const server = await TestServer.open(accepted.resolve);
  const far = await connectTo(server.port);
  const near = await accepted.promise;
  return {
    near,
    far,
    [Symbol.asyncDispose]: async () => {
      far.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

export async function connectTo(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Collects all bytes that arrive as text, with a way to wait for it. */
export class Inbox {
  #text = '';
  #isEnded = false;
  readonly #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    const wake = (): void => {
      for (const check of this.#waiting.splice(0)) {
        check();
      }
    };
    socket.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString('latin1');
      wake();
    });
    const end = (): void => {
      this.#isEnded = true;
      wake();
    };
    socket.on('end', end);
    socket.on('close', end);
    socket.resume();
  }

  get text(): string {
    return this.#text;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  async until(holds: (inbox: this) => boolean): Promise<string> {
    while (!holds(this)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    return this.#text;
  }

  /** Waits until exactly this text has arrived. */
  async untilText(text: string): Promise<void> {
    await this.until(() => this.#text.length >= text.length || this.#isEnded);
    if (this.#text !== text) {
      throw new Error(`expected ${JSON.stringify(text)}, got ${JSON.stringify(this.#text)}`);
    }
  }

  async untilEnd(): Promise<string> {
    return this.until(() => this.#isEnded);
  }
}
