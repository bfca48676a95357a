import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';
import { within } from './wait-until.ts';

/** Bytes that go from who has connected to the other side, or back. */
export type Direction = 'there' | 'back';

/**
 * Changes the bytes of one direction, of which the first is the `at`th of its connection. Returns those that go on, and whether the connection is broken off after
 * them.
 */
export type Meddling = (bytes: Buffer, at: number) => readonly [goOn: readonly Buffer[], isOver: boolean];

/** Bytes go on as they come. */
const untouched: Meddling = (bytes) => [[bytes], false];

/** Each byte goes on by itself. */
export const byteByByte: Meddling = (bytes) => [Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)), false];

/** The connection is broken off after so many bytes. */
export function cutAfter(count: number): Meddling {
  return (bytes, at) => (at + bytes.length < count ? [[bytes], false] : [[bytes.subarray(0, Math.max(0, count - at))], true]);
}

/** Other bytes stand at a place of what passes. */
export function overwrite(place: number, other: Uint8Array): Meddling {
  return (bytes, at) => {
    const changed = Buffer.from(bytes);
    for (const [i, byte] of other.entries()) {
      if (place + i >= at && place + i < at + bytes.length) {
        changed[place + i - at] = byte;
      }
    }
    return [[changed], false];
  };
}

/** A loopback port that leads to another port, and does something to the bytes on the way. */
export class Meddler implements AsyncDisposable {
  readonly port: number;
  /** Number of bytes that came in each direction, of all connections. */
  readonly passed: Record<Direction, number> = { there: 0, back: 0 };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: number, { there = untouched, back = untouched }: Partial<Record<Direction, Meddling>>) {
    this.#server = server;
    this.port = portOf(server);
    server.on('connection', (near: Socket) => {
      const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      near.setNoDelay();
      void this.#pass(near, far, 'there', there);
      void this.#pass(far, near, 'back', back);
    });
  }

  /** Opens a port that leads to the port `target`. */
  static async open(target: number, meddling: Partial<Record<Direction, Meddling>> = {}): Promise<Meddler> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Meddler(server, target, meddling);
  }

  /** Breaks off all connections. */
  cut(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await within(once(this.#server, 'close'), 'the end of a meddler');
  }

  async #pass(from: Socket, to: Socket, direction: Direction, meddling: Meddling): Promise<void> {
    this.#sockets.add(from);
    from.on('error', () => to.destroy());
    from.once('close', () => this.#sockets.delete(from));
    let at = 0;
    try {
      for await (const bytes of from as AsyncIterable<Buffer>) {
        const [goOn, isOver] = meddling(bytes, at);
        at += bytes.length;
        this.passed[direction] += bytes.length;
        for (const piece of goOn) {
          to.write(piece);
          await setImmediate();
        }
        if (isOver) {
          from.destroy();
          to.destroySoon();
          return;
        }
      }
      to.end();
    } catch {
      to.destroy();
    }
  }
}
