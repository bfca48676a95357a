import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { AnswerParser } from './answer-parser.ts';
import { portOf } from '../../wire/testdata/sockets.ts';

interface Read {
  status: number;
  headers: readonly string[];
  body: string;
  trailers: readonly string[];
}

const statusLines = fc.constantFrom(
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 204 No',
  'HTTP/1.1 304 No',
  'HTTP/1.1  200 OK',
  'HTTP/2.0 200 OK',
);
const early = fc.constantFrom('', '', 'HTTP/1.1 103 Hints\r\ncontent-length: 3\r\n\r\n', 'HTTP/1.1 102 Wait\r\ntransfer-encoding: chunked\r\n\r\n');
const headerLines = fc.constantFrom(
  'content-length: 5',
  'Content-Length:\t5 ',
  'content-length: 5, 5',
  'content-length: +5',
  'content-length: 0x5',
  'content-length : 5',
  ' content-length: 5',
  'transfer-encoding: chunked',
  'Transfer-Encoding: Chunked',
  'transfer-encoding: gzip, chunked',
  'transfer-encoding:\x0bchunked',
  'transfer-encoding: xchunked',
  'connection: close',
  'connection: keep-alive',
  'x: a\r\n b',
  'x: a\rb',
  'x: a\0b',
  'x: \xe9',
  'x:',
  ': y',
  'x y: z',
  'no name',
);
const bodies = fc.constantFrom(
  'hello',
  'hell',
  'hello and more',
  '',
  '5\r\nhello\r\n0\r\n\r\n',
  '5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n',
  '5;a=b\r\nhello\r\n0\r\n\r\n',
  '05\r\nhello\r\n00\r\n\r\n',
  ' 5\r\nhello\r\n0\r\n\r\n',
  '0x5\r\nhello\r\n0\r\n\r\n',
  '5\nhello\n0\n\n',
  '5\r\nhello0\r\n\r\n',
  '5\r\nhelloXX0\r\n\r\n',
  '5\r\nhello\r\n0\r\nno name\r\n\r\n',
  '5\r\nhello\r\n0\r\n',
);
const lineEnds = fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r');

let said = '';
let server: Server;
before(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(said, 'latin1'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  server.close();
});

function readByUs(bytes: Buffer, isForHead: boolean): Read | null {
  const read: Read = { status: 0, headers: [], body: '', trailers: [] };
  const parser = new AnswerParser(
    {
      onInformation: () => undefined,
      onHead: ({ status, rawHeaders }) => {
        Object.assign(read, { status, headers: rawHeaders });
      },
      onBody: (piece) => {
        read.body += piece.toString('latin1');
      },
      onEnd: (trailers) => {
        read.trailers = trailers;
      },
    },
    isForHead,
  );
  try {
    parser.read(bytes);
    return parser.close() ? read : null;
  } catch {
    return null;
  }
}

async function readByNode(method: string): Promise<Read | null> {
  const port = portOf(server);
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, method, agent: false }, (response) => {
      let body = '';
      response.on('data', (piece: Buffer) => {
        body += piece.toString('latin1');
      });
      response.on('error', () => undefined);
      response.on('close', () => {
        resolve(response.complete ? { status: response.statusCode ?? 0, headers: response.rawHeaders, body, trailers: response.rawTrailers } : null);
      });
    });
    asked.on('error', () => {
      resolve(null);
    });
    asked.end();
  });
}

test('A10: what this reader and the one of Node both take, they take for the same answer', async () => {
  let both = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({ method: fc.constantFrom('GET', 'HEAD'), early, statusLines, headers: fc.array(headerLines, { maxLength: 2 }), lineEnds, bodies }),
      async ({ method, early: told, statusLines: first, headers, lineEnds: end, bodies: body }) => {
        said = `${told}${[first, ...headers].join('\r\n')}\r\n${end}${body}`;
        const [ours, theirs] = [readByUs(Buffer.from(said, 'latin1'), method === 'HEAD'), await readByNode(method)];
        if (ours !== null && theirs !== null) {
          both += 1;
          assert.deepEqual(ours, theirs, JSON.stringify(said));
        }
      },
    ),
    { numRuns: 600 },
  );
  assert.ok(both > 20, `both took ${both}`);
});
