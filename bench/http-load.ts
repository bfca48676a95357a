/**
 * Load over HTTP/1.1 on raw sockets, so that the generator costs as little as it can: `http-load.ts PORT CONNECTIONS SECONDS` with the head's text and
 * the body in the environment. One request after the other on each connection. Prints a `LoadResult` as JSON.
 */
import { connect, type Socket } from 'node:net';

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds of each request: to the first byte of the answer, and to its last. */
  readonly first: readonly number[];
  readonly whole: readonly number[];
}

const headEnd = Buffer.from('\r\n\r\n');
const lastChunk = Buffer.from('0\r\n\r\n');
const [port = '', connections = '', seconds = ''] = process.argv.slice(2);
const request = Buffer.from(process.env['LOAD_REQUEST'] ?? '', 'base64');
const until = performance.now() + Number(seconds) * 1000;
const first: number[] = [];
const whole: number[] = [];

function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
    let arrived: Buffer = Buffer.alloc(0);
    let startedMs = 0;
    const ask = (): void => {
      arrived = Buffer.alloc(0);
      startedMs = performance.now();
      socket.write(request);
    };
    socket.once('connect', ask);
    socket.on('error', reject);
    socket.on('data', (piece: Buffer) => {
      if (arrived.length === 0) {
        first.push(performance.now() - startedMs);
      }
      arrived = arrived.length === 0 ? piece : Buffer.concat([arrived, piece]);
      if (!isWhole(arrived)) {
        return;
      }
      whole.push(performance.now() - startedMs);
      finish(socket, arrived, { ask, resolve, reject });
    });
  });
}

function isWhole(answer: Buffer): boolean {
  const at = answer.indexOf(headEnd);
  if (at === -1) {
    return false;
  }
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(answer.toString('latin1', 0, at)) ?? [];
  return length === undefined ? answer.subarray(-lastChunk.length).equals(lastChunk) : answer.length >= at + headEnd.length + Number(length);
}

function finish(socket: Socket, answer: Buffer, next: { ask: () => void; resolve: () => void; reject: (error: Error) => void }): void {
  if (!answer.subarray(0, 15).toString('latin1').startsWith('HTTP/1.1 200')) {
    next.reject(new Error(answer.toString('latin1', 0, 500)));
  } else if (performance.now() < until) {
    next.ask();
  } else {
    socket.destroy();
    next.resolve();
  }
}

const startedMs = performance.now();
await Promise.all(Array.from({ length: Number(connections) }, run));
const result: LoadResult = { requests: whole.length, seconds: (performance.now() - startedMs) / 1000, first, whole };
process.stdout.write(JSON.stringify(result));
