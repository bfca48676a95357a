import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { AnswerParser } from './answer-parser.ts';

/** All that a parser told, pieces of the body put together; `rest` is what it left, `error` why it stopped. */
interface Told {
  readonly events: string[];
  body: string;
  rest: string;
  isDone: boolean;
  canBeKept: boolean;
  error?: string;
}

function parse(pieces: readonly Buffer[], options: { readonly isForHead?: boolean; readonly closes?: boolean } = {}): Told {
  const told: Told = { events: [], body: '', rest: '', isDone: false, canBeKept: false };
  const parser = new AnswerParser(
    {
      onInformation: ({ status, rawHeaders }) => told.events.push(`information ${status} ${rawHeaders.join('|')}`),
      onHead: ({ status, statusText, rawHeaders }) => told.events.push(`head ${status} ${statusText} ${rawHeaders.join('|')}`),
      onBody: (bytes) => {
        told.body += bytes.toString('latin1');
      },
      onEnd: (trailers) => told.events.push(`end ${trailers.join('|')}`),
    },
    options.isForHead === true,
  );
  try {
    for (const piece of pieces) {
      told.rest += parser.read(piece).toString('latin1');
    }
    if (options.closes === true) {
      parser.close();
    }
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error));
    told.error = error.message;
  }
  told.isDone = parser.isDone;
  told.canBeKept = parser.isDone && parser.canBeKept;
  return told;
}

function read(text: string, options?: Parameters<typeof parse>[1]): Told {
  return parse([Buffer.from(text, 'latin1')], options);
}

describe('what is an answer', () => {
  const cases: readonly [name: string, text: string, expected: Partial<Told>, options?: Parameters<typeof parse>[1]][] = [
    [
      'of announced length',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX:  a b \t\r\n\r\nabc',
      { events: ['head 200 OK Content-Length|3|X|a b', 'end '], body: 'abc', canBeKept: true },
    ],
    ['of no length', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', { events: ['head 200 OK content-length|0', 'end '], canBeKept: true }],
    ['without a reason', 'HTTP/1.1 404\r\ncontent-length: 0\r\n\r\n', { events: ['head 404  content-length|0', 'end '] }],
    [
      'in chunks, with trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ext="a"\r\nabc\r\n0a\r\n0123456789\r\n0\r\nx-sum: 9\r\n\r\n',
      { body: 'abc0123456789', events: ['head 200 OK Transfer-Encoding|chunked', 'end x-sum|9'], canBeKept: true },
    ],
    [
      'behind others',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 204 None\r\n\r\n',
      { events: ['information 100 ', 'information 103 link|x', 'head 204 None ', 'end '], canBeKept: true },
    ],
    ['to HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n', { events: ['head 200 OK content-length|50', 'end '], canBeKept: true }, { isForHead: true }],
    ['that a cache has', 'HTTP/1.1 304 Same\r\ncontent-length: 50\r\n\r\n', { events: ['head 304 Same content-length|50', 'end '], canBeKept: true }],
    ['until the connection closes', 'HTTP/1.1 200 OK\r\n\r\nabc', { body: 'abc', isDone: true, canBeKept: false }, { closes: true }],
    ['of an old server', 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na', { body: 'a', isDone: true, canBeKept: false }],
    ['with which the connection ends', 'HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 1\r\n\r\na', { isDone: true, canBeKept: false }],
    ['with another behind it', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n', { body: 'a', rest: 'HTTP/1.1 200 OK\r\n\r\n' }],
    ['that is cut', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc', { body: 'abc', isDone: false }, { closes: true }],
    ['that is cut between chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n', { body: 'abc', isDone: false }, { closes: true }],
    [
      'in another protocol',
      'HTTP/1.1 101 Switch\r\nupgrade: websocket\r\n\r\nframes',
      { events: ['head 101 Switch upgrade|websocket', 'end '], rest: 'frames' },
    ],
  ];
  for (const [name, text, expected, options] of cases) {
    test(name, () => {
      const told = read(text, options);
      assert.equal(told.error, undefined);
      assert.deepEqual({ ...told, ...expected }, told);
    });
  }
});

describe('what is refused (A10)', () => {
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  const cases: readonly [name: string, text: string][] = [
    ['no status line', 'SSH-2.0-OpenSSH\r\n'],
    ['another version', 'HTTP/2 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'],
    ['the same length twice', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n'],
    ['a length with a sign', 'HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n'],
    ['a length beyond all numbers', 'HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['chunks of an old server', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['another transfer encoding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
    ['chunks twice', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['a line that ends in LF alone', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n'],
    ['white space before the colon', 'HTTP/1.1 200 OK\r\ncontent-length : 1\r\n\r\n'],
    ['a NUL in a value', 'HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n'],
    ['CR within a value', 'HTTP/1.1 200 OK\r\nx: a\rcontent-length: 1\r\n\r\n'],
    ['a chunk without a size', `${chunked}\r\n`],
    ['a chunk with 0x', `${chunked}0x3\r\nabc\r\n`],
    ['a chunk longer than its size', `${chunked}3\r\nabcd\r\n`],
    ['a chunk beyond all numbers', `${chunked}fffffffffffffff\r\n`],
    ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(70_000)}`],
    ['a head of many lines', `HTTP/1.1 200 OK\r\n${'x: a\r\n'.repeat(20_000)}`],
    ['a chunk extension without end', `${chunked}3;${'a'.repeat(5_000)}`],
    ['trailers without end', `${chunked}0\r\n${'x: a\r\n'.repeat(20_000)}`],
  ];
  for (const [name, text] of cases) {
    test(name, () => {
      assert.match(read(text, { isForHead: false }).error ?? 'taken', /is not HTTP that can be passed on/);
    });
  }
});

/** Something near an answer. */
const answerLike = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom(
          'HTTP/1.1 200 OK\r\n',
          'content-length: 3\r\n',
          'transfer-encoding: chunked\r\n',
          '\r\n',
          '3\r\n',
          'abc',
          '0\r\n',
          'x: y\r\n',
          'HTTP/1.1 103 Early\r\n',
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 8 }) },
    ),
    { maxLength: 14 },
  )
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

test('pieces of any size mean the same', () => {
  fc.assert(
    fc.property(answerLike, fc.array(fc.nat(80), { maxLength: 12 }), fc.boolean(), (bytes, cuts, closes) => {
      const ends = [...new Set([...cuts.filter((cut) => cut < bytes.length), bytes.length])].toSorted((a, b) => a - b);
      const pieces = ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
      assert.deepEqual(parse(pieces, { closes }), parse([bytes], { closes }));
    }),
    { numRuns: 3_000 },
  );
});
