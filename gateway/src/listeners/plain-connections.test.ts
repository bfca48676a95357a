import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { endBody, endEarly, flushHead, onceClosed, writeBody, writeHead, writeInformation, writeTrailers } from '../exchange/client-response.ts';
import type { ClientRequest, ClientResponse } from '../exchange/exchange.ts';
import { RequestBody } from '../exchange/request-body.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { PlainResponse } from '../exchange/plain/plain-response.ts';
import { PlainConnections } from './plain-connections.ts';

const bodyBytesMax = 1024 * 1024;
const piece = Buffer.from('a piece. ');
const long = Buffer.alloc(40_000, 'long ');

/** Answers in the form that the path names, through the code that an exchange answers with. */
async function answer(request: ClientRequest, response: ClientResponse): Promise<void> {
  const [, , form = ''] = (request.url ?? '').split('/');
  response.sendDate = false;
  const head = { status: 200, statusText: 'Fine', headers: [['x-method', request.method ?? '']] as const };
  if (form === 'early') {
    writeHead(response, { ...head, headers: [['content-length', String(piece.length)]] });
    endBody(response, piece);
    return;
  }
  if (form === 'refused') {
    endEarly(response, { ...head, status: 403 }, 'refused');
    return;
  }
  const body = await new RequestBody(request, bodyBytesMax).whole();
  if (form === 'chunks' || form === 'trailers') {
    writeInformation(response, { status: 103, statusText: 'Early Hints', headers: [['link', '</x>']] });
    writeHead(response, head);
    flushHead(response);
    writeBody(response, piece);
    await turn();
    writeBody(response, long);
    await turn();
    if (form === 'trailers') {
      writeTrailers(response, [['x-sum', '1']]);
    }
    endBody(response, body);
  } else if (form === 'none' || form === 'unchanged') {
    writeHead(response, { ...head, status: form === 'none' ? 204 : 304 });
    endBody(response, Buffer.alloc(0));
  } else {
    writeHead(response, { ...head, headers: [...head.headers, ['content-length', String(body.length)]] });
    endBody(response, body);
  }
}

interface Served {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly socket: Socket;
}

function portOf(server: Server | TcpServer): number {
  const address = server.address();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  return (address as AddressInfo).port;
}

/** The requests, without those that end the connection. Node's server serves the ones that are not plain. */
const requests: readonly string[] = [
  'GET /t/echo HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET /t/chunks HTTP/1.1\r\nhost: a\r\nconnection: keep-alive\r\n\r\n',
  'HEAD /t/echo HTTP/1.1\r\nhost: a\r\n\r\n',
  'HEAD /t/chunks HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET /t/none HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET /t/unchanged HTTP/1.1\r\nhost: a\r\n\r\n',
  'POST /t/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello',
  'POST /t/trailers HTTP/1.1\r\nhost: a\r\ncontent-length: 26\r\n\r\nGET /t/none HTTP/1.1\r\n\r\n\r\n\r\n',
  `PUT /t/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 30000\r\n\r\n${'body '.repeat(6_000)}`,
  'PUT /t/early HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\r\nnobody reads',
  'GET /api/echo HTTP/1.1\r\nhost: a\r\n\r\n',
  'POST /t/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
];
const asking = 'GET /t/echo HTTP/1.1\r\nhost: a\r\n\r\n';
const last = 'GET /t/echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';

describe('connections with plain requests', () => {
  const plain = new PlainConnections();
  let node: Server;
  let server: TcpServer;
  let servedHere = 0;
  let onServed: (served: Served) => void = () => undefined;
  /** Set while a request must wait for its answer. */
  let held: Promise<void> | null = null;
  before(async () => {
    node = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
      void answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(node, 'listening');
    server = createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      plain.accept(socket, {
        takes: (url) => url.startsWith('/t/'),
        serve: (request, response) => {
          servedHere += 1;
          onServed({ request, response, socket });
          void (held ?? Promise.resolve()).then(async () => answer(request, response)).catch(() => socket.destroy());
        },
        handOver: () => {
          node.emit('connection', socket);
        },
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    node.close();
  });

  const dial = (): Socket => connect({ port: portOf(server), host: '127.0.0.1', noDelay: true }).on('error', () => undefined);

  /** Sends the pieces, each in a turn of its own, and returns all that was answered. */
  async function say(to: Server | TcpServer, pieces: readonly Buffer[]): Promise<string> {
    const socket = connect({ port: portOf(to), host: '127.0.0.1', noDelay: true });
    let text = '';
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
    });
    for (const bytes of pieces) {
      socket.write(bytes);
      await turn();
    }
    await closed;
    return text;
  }

  /** Resolves with the next request that is served here. */
  const nextServed = async (): Promise<Served> =>
    new Promise((resolve) => {
      onServed = resolve;
    });

  /** Names of headers may have any case. The long bodies are the same for both, so that the case of their bytes does not matter. */
  const sameCase = (text: string): string => text.toLowerCase();

  test('A9: however their bytes are cut, requests get the answers that Node gives', async () => {
    servedHere = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...requests), { maxLength: 4 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
        async (asked, cuts) => {
          const bytes = Buffer.from([...asked, last].join(''), 'latin1');
          const ends = [...new Set(cuts.map((cut) => Math.floor(cut * bytes.length)))].toSorted((a, b) => a - b);
          const pieces = [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
          assert.equal(sameCase(await say(server, pieces)), sameCase(await say(node, [bytes])), JSON.stringify(asked));
        },
      ),
      { numRuns: 300 },
    );
    assert.ok(servedHere > 300, `${servedHere} requests were plain`);
  });

  test('a body that is not read before its answer is discarded', async () => {
    const request = `PUT /t/early HTTP/1.1\r\nhost: a\r\ncontent-length: 300000\r\n\r\n${'body '.repeat(60_000)}`;
    assert.equal(sameCase(await say(server, [Buffer.from(request), Buffer.from(last)])), sameCase(await say(node, [Buffer.from(request), Buffer.from(last)])));
  });

  test('a request that is refused early gets its answer, and the connection ends', async () => {
    const request = 'POST /t/refused HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello';
    assert.equal(sameCase(await say(server, [Buffer.from(request)])), sameCase(await say(node, [Buffer.from(request)])));
  });

  test('after an answer that ends the connection no other request is begun', async () => {
    servedHere = 0;
    await say(server, [Buffer.from(`GET /t/refused HTTP/1.1\r\nhost: a\r\n\r\n${asking}`), Buffer.from(asking)]);
    assert.equal(servedHere, 1);
  });

  test('a client that sends nothing for too long is noticed', async () => {
    held = new Promise(() => undefined);
    const serving = nextServed();
    const answered = say(server, [Buffer.from('POST /t/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhell')]);
    const { request } = await serving;
    request.setTimeout(10, () => request.destroy());
    assert.equal(await answered, '');
    held = null;
  });

  test('D33: a client that sends more before it has its answer is cut off', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    const flood = Buffer.from(asking.repeat(4_000));
    assert.equal(await say(server, [flood]), '');
    held = null;
    resolve();
  });

  test('a body that nobody reads is not read from the client, and a client that leaves ends it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    const serving = nextServed();
    const client = dial();
    client.write('POST /t/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n');
    const { socket, response } = await serving;
    const sent = Buffer.alloc(300_000);
    client.write(sent);
    await waitUntil(() => socket.isPaused());
    assert.ok(socket.bytesRead < sent.length);
    held = null;
    resolve();
    // All that came is read now, and then the end.
    client.end();
    await waitUntil(() => socket.destroyed);
    assert.equal(response.headersSent, false);
  });

  test('a body that comes at once, after somebody waits for it, is read', async () => {
    const serving = nextServed();
    const client = dial();
    client.write('POST /t/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n');
    const { request } = await serving;
    await waitUntil(() => request.listenerCount('readable') > 0);
    const answered = once(client, 'data');
    client.write('hello');
    assert.match(String((await answered)[0]), /\r\n\r\nhello$/);
    client.destroy();
  });

  test('the response is closed when the client leaves, and is not finished', async () => {
    held = new Promise(() => undefined);
    const serving = nextServed();
    const client = dial();
    client.write(asking);
    const { response } = await serving;
    const closed = new Promise<void>((resolve) => {
      onceClosed(response, resolve);
    });
    client.end();
    await closed;
    assert.equal(response.writableFinished, false);
    held = null;
  });

  test('a body that is not as long as was announced ends the connection', async () => {
    held = new Promise(() => undefined);
    for (const bytes of [piece.subarray(1), Buffer.concat([piece, piece])]) {
      const serving = nextServed();
      const answered = say(server, [Buffer.from(asking)]);
      const { response } = await serving;
      writeHead(response, { status: 200, statusText: '', headers: [['content-length', String(piece.length)]] });
      endBody(response, bytes);
      await answered;
      assert.equal(response.writableFinished, false);
    }
    held = null;
  });

  test('an answer that has ended sends nothing more, and does not end the next one', async () => {
    held = new Promise(() => undefined);
    const serving = nextServed();
    const client = dial();
    client.write(asking);
    const { response, socket } = await serving;
    assert.ok(response instanceof PlainResponse);
    writeHead(response, { status: 204, statusText: '', headers: [] });
    response.end();
    response.end(piece);
    await once(client, 'data');
    const next = nextServed();
    client.write(asking);
    await next;
    const written = socket.bytesWritten;
    assert.throws(() => {
      response.write(piece);
    });
    assert.throws(() => {
      response.writeInformation(103, '', []);
    });
    response.end(piece);
    response.destroy();
    assert.deepEqual([socket.bytesWritten, socket.destroyed, response.destroyed], [written, false, true]);
    client.destroy();
    held = null;
  });

  test('no head with a character that could end its line is sent', async () => {
    held = new Promise(() => undefined);
    for (const value of ['a\r\nb', 'a\nb', 'a\0b', 'a\u010ab']) {
      const serving = nextServed();
      const answered = say(server, [Buffer.from(asking)]);
      const { response } = await serving;
      assert.throws(() => {
        writeHead(response, { status: 200, statusText: '', headers: [['x', value]] });
      });
      response.destroy();
      assert.equal(await answered, '');
    }
    held = null;
  });

  test('a connection without a request is closed, one with a request is not', async () => {
    held = new Promise(() => undefined);
    const serving = nextServed();
    const client = dial();
    client.write(asking);
    const { response, socket } = await serving;
    plain.closeIdle(performance.now() + 66_000);
    assert.equal(socket.destroyed, false);
    writeHead(response, { status: 200, statusText: '', headers: [['content-length', '0']] });
    endBody(response, Buffer.alloc(0));
    await once(client, 'data');
    plain.closeIdle(performance.now() + 60_000);
    assert.equal(socket.destroyed, false);
    plain.closeIdle(performance.now() + 66_000);
    assert.equal(socket.destroyed, true);
    held = null;
  });
});
