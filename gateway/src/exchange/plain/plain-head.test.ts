import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { readPlainHead } from './plain-head.ts';
import { portOf } from '../../wire/testdata/sockets.ts';

const host = 'host: gateway';

/** Heads that are plain. Node's server must read the same request from them. */
const plain: readonly string[] = [
  `GET /t/api/x HTTP/1.1\r\n${host}\r\n\r\n`,
  `GET / HTTP/1.1\r\n${host}\r\n\r\n`,
  `DELETE /t/api/x?q=%41&r=(a)*+,;=:@!$'~/? HTTP/1.1\r\nHOST:gateway\r\n\r\n`,
  `POST /t/api//x/../y HTTP/1.1\r\n${host}\r\ncontent-length: 5\r\n\r\n`,
  `PUT /t/api/x HTTP/1.1\r\n${host}\r\nContent-Length:\t5 \t\r\n\r\n`,
  `PATCH /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 0\r\n\r\n`,
  `HEAD /t/api/x HTTP/1.1\r\n${host}\r\nConnection: Keep-Alive\r\nKeep-Alive: timeout=5\r\n\r\n`,
  `OPTIONS /t/api/x HTTP/1.1\r\n${host}\r\nx:\r\nx: \xe9\t\xff \r\n!#$%&'*+-.^_\`|~9z: y\r\n\r\n`,
  `GET /t/api/x HTTP/1.1\r\n${host}\r\ncookie: a=1\r\ncookie: b=2\r\nte: trailers\r\ntrailer: x\r\n\r\n`,
];

/** Heads that are not plain. The comment says which ambiguity or which feature each has. */
const others: readonly (readonly [why: string, head: string])[] = [
  ['no host', 'GET /t/api/x HTTP/1.1\r\n\r\n'],
  ['no host, another header', 'GET /t/api/x HTTP/1.1\r\nx: y\r\n\r\n'],
  ['two hosts', `GET /t/api/x HTTP/1.1\r\n${host}\r\nHost: evil\r\n\r\n`],
  ['two lengths', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n`],
  ['two equal lengths', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n`],
  ['a list of lengths', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 5, 5\r\n\r\n`],
  ['a length with a sign', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: +5\r\n\r\n`],
  ['a negative length', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: -5\r\n\r\n`],
  ['a hexadecimal length', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 0x5\r\n\r\n`],
  ['a length with a leading zero', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 010\r\n\r\n`],
  ['an empty length', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length:\r\n\r\n`],
  ['a length with a space in it', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 1 0\r\n\r\n`],
  ['a length that no double holds', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 1000000000000000\r\n\r\n`],
  ['a length that overflows 64 bits', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 18446744073709551621\r\n\r\n`],
  ['a length and a coding', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`],
  ['a coding', `POST /t/api/x HTTP/1.1\r\n${host}\r\ntransfer-encoding: chunked\r\n\r\n`],
  ['a coding with another case', `POST /t/api/x HTTP/1.1\r\n${host}\r\nTRANSFER-ENCODING: Chunked\r\n\r\n`],
  ['a coding that is not known', `POST /t/api/x HTTP/1.1\r\n${host}\r\ntransfer-encoding: xchunked\r\n\r\n`],
  ['a coding after a vertical tab', `POST /t/api/x HTTP/1.1\r\n${host}\r\ntransfer-encoding:\x0bchunked\r\n\r\n`],
  ['a space before the colon', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length : 5\r\n\r\n`],
  ['a tab before the colon', `POST /t/api/x HTTP/1.1\r\n${host}\r\ntransfer-encoding\t: chunked\r\n\r\n`],
  ['a line that is continued', `GET /t/api/x HTTP/1.1\r\n${host}\r\nx: a\r\n b\r\n\r\n`],
  ['a first header that is continued', `GET /t/api/x HTTP/1.1\r\n ${host}\r\n${host}\r\n\r\n`],
  ['a bare CR in a value', `GET /t/api/x HTTP/1.1\r\n${host}\r\nx: a\rcontent-length: 5\r\n\r\n`],
  ['a bare LF in a value', `GET /t/api/x HTTP/1.1\r\n${host}\r\nx: a\ncontent-length: 5\r\n\r\n`],
  ['a bare LF at the end of a line', `GET /t/api/x HTTP/1.1\n${host}\r\n\r\n`],
  ['a bare LF at the end of the head', `GET /t/api/x HTTP/1.1\r\n${host}\r\n\n`],
  ['a zero byte in a value', `GET /t/api/x HTTP/1.1\r\n${host}\r\nx: a\0b\r\n\r\n`],
  ['a delete character in a value', `GET /t/api/x HTTP/1.1\r\n${host}\r\nx: a\x7fb\r\n\r\n`],
  ['a line without a colon', `GET /t/api/x HTTP/1.1\r\n${host}\r\nno colon\r\n\r\n`],
  ['a header without a name', `GET /t/api/x HTTP/1.1\r\n${host}\r\n: y\r\n\r\n`],
  ['a space in a name', `GET /t/api/x HTTP/1.1\r\n${host}\r\nx y: z\r\n\r\n`],
  ['a name beyond ASCII', `GET /t/api/x HTTP/1.1\r\n${host}\r\nx\xe9: z\r\n\r\n`],
  ['a name in brackets', `GET /t/api/x HTTP/1.1\r\n${host}\r\n(x): z\r\n\r\n`],
  ['an upgrade', `GET /t/api/x HTTP/1.1\r\n${host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`],
  ['an upgrade that connection does not name', `GET /t/api/x HTTP/1.1\r\n${host}\r\nupgrade: websocket\r\n\r\n`],
  ['a client that waits', `POST /t/api/x HTTP/1.1\r\n${host}\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n`],
  ['the end of the connection', `GET /t/api/x HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`],
  ['a connection option that names a header', `GET /t/api/x HTTP/1.1\r\n${host}\r\nconnection: keep-alive, content-length\r\n\r\n`],
  ['a header that some readers take for connection', `GET /t/api/x HTTP/1.1\r\n${host}\r\nproxy-connection: close\r\n\r\n`],
  ['HTTP/1.0', `GET /t/api/x HTTP/1.0\r\n${host}\r\n\r\n`],
  ['HTTP/0.9', 'GET /t/api/x\r\n\r\n'],
  ['HTTP/2.0', `GET /t/api/x HTTP/2.0\r\n${host}\r\n\r\n`],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a version in lower case', `GET /t/api/x http/1.1\r\n${host}\r\n\r\n`],
  ['two spaces', `GET  /t/api/x HTTP/1.1\r\n${host}\r\n\r\n`],
  ['a tab between the words', `GET\t/t/api/x HTTP/1.1\r\n${host}\r\n\r\n`],
  ['a space at the end of the first line', `GET /t/api/x HTTP/1.1 \r\n${host}\r\n\r\n`],
  ['an empty line before the request', `\r\nGET /t/api/x HTTP/1.1\r\n${host}\r\n\r\n`],
  ['a method that is not known', `FETCH /t/api/x HTTP/1.1\r\n${host}\r\n\r\n`],
  ['a method in lower case', `get /t/api/x HTTP/1.1\r\n${host}\r\n\r\n`],
  ['TRACE', `TRACE /t/api/x HTTP/1.1\r\n${host}\r\n\r\n`],
  ['CONNECT', 'CONNECT gateway:80 HTTP/1.1\r\nhost: gateway:80\r\n\r\n'],
  ['an absolute form', `GET http://evil/t/api/x HTTP/1.1\r\n${host}\r\n\r\n`],
  ['an asterisk', `OPTIONS * HTTP/1.1\r\n${host}\r\n\r\n`],
  ['a fragment', `GET /t/api/x#y HTTP/1.1\r\n${host}\r\n\r\n`],
  ['a backslash', `GET /t\\api/x HTTP/1.1\r\n${host}\r\n\r\n`],
  ['a path beyond ASCII', `GET /t/api/\xe4 HTTP/1.1\r\n${host}\r\n\r\n`],
  ['a space in the path', `GET /t/api/x y HTTP/1.1\r\n${host}\r\n\r\n`],
  ['too many headers', `GET /t/api/x HTTP/1.1\r\n${host}\r\n${'x: y\r\n'.repeat(128)}\r\n`],
  ['a head that is too long', `GET /t/api/x HTTP/1.1\r\n${host}\r\nx: ${'y'.repeat(16 * 1024)}\r\n\r\n`],
  ['a head that is not whole', `GET /t/api/x HTTP/1.1\r\n${host}\r\n`],
  ['an empty line', '\r\n\r\n'],
  ['nothing', ''],
];

interface Read {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** Returns the request that these bytes begin with, and its length in bytes. Null if its head is not plain or its body is not whole. */
function readByUs(bytes: Buffer): { readonly read: Read; readonly length: number } | null {
  const head = readPlainHead(bytes);
  if (head === null) {
    return null;
  }
  const { method, url, rawHeaders, contentLength } = head;
  const length = head.bytes + Number(contentLength ?? 0);
  return length > bytes.length ? null : { read: { method, url, headers: rawHeaders, body: bytes.toString('latin1', head.bytes, length) }, length };
}

describe('heads that are plain', () => {
  let server: Server;
  let port = 0;
  before(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => {
        body += piece.toString('latin1');
      });
      request.on('end', () => {
        const headers = request.rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
        const read: Read = { method: request.method ?? '', url: request.url ?? '', headers, body };
        // The answer is in a header, because an answer to HEAD has no body.
        response.setHeader('read', encodeURIComponent(JSON.stringify(read)));
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = portOf(server);
  });
  after(() => {
    server.close();
  });

  /** Returns the first request that Node's server reads from these bytes. */
  async function readByNode(bytes: Buffer): Promise<Read | null> {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
      if (text.includes('\r\n\r\n')) {
        socket.destroy();
      }
    });
    socket.write(bytes);
    await once(socket, 'close');
    const [, read] = /^read: (.*)\r$/im.exec(text) ?? [];
    return read === undefined ? null : JSON.parse(decodeURIComponent(read));
  }

  test('A9: are those of which all readers understand the same', async () => {
    for (const head of plain) {
      const bytes = Buffer.from(`${head}hello`, 'latin1');
      const ours = readByUs(bytes) ?? assert.fail(JSON.stringify(head));
      assert.deepEqual(ours.read, await readByNode(bytes.subarray(0, ours.length)), JSON.stringify(head));
    }
  });

  test('A9: all others are left to Node', () => {
    for (const [why, head] of others) {
      assert.equal(readByUs(Buffer.from(`${head}hello`, 'latin1')), null, why);
    }
  });

  test('A9: a head that is not whole is never plain', () => {
    for (const head of plain) {
      for (let end = 0; end < head.length; end += 1) {
        assert.equal(readPlainHead(Buffer.from(head.slice(0, end), 'latin1')), null);
      }
    }
  });

  test('A9: Node reads the same from any bytes that are taken for a plain request', async () => {
    const heads = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...plain) }, { weight: 1, arbitrary: fc.constantFrom(...others.map(([, head]) => head)) });
    const scrap = fc.constantFrom(
      '\r',
      '\n',
      '\r\n',
      '\0',
      ' ',
      '\t',
      ':',
      'x',
      '\x0b',
      '\x7f',
      '\xa0',
      '0',
      ',',
      'content-length: 5\r\n',
      'transfer-encoding: chunked\r\n',
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(
        heads,
        fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), removed: fc.nat(2), scrap }), { maxLength: 2 }),
        async (head, edits) => {
          let text = head;
          for (const { at, removed, scrap: inserted } of edits) {
            const from = Math.floor(at * text.length);
            text = `${text.slice(0, from)}${inserted}${text.slice(from + removed)}`;
          }
          const bytes = Buffer.from(`${text}hello`, 'latin1');
          const ours = readByUs(bytes);
          if (ours !== null) {
            taken += 1;
            assert.deepEqual(ours.read, await readByNode(bytes.subarray(0, ours.length)), JSON.stringify(text));
          }
        },
      ),
      { numRuns: 2_000 },
    );
    assert.ok(taken > 200, `${taken} were taken`);
  });
});
