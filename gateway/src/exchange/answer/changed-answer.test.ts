import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayError } from '../../domain/errors.ts';
import { ReceivedAnswer } from './testdata/received-answer.ts';
import { ChangedAnswer } from './changed-answer.ts';

const stars = (text: string): string => text.replaceAll(/secret-\w+/g, '***');

interface Released {
  readonly text: string;
  readonly headers: readonly string[];
  readonly error: GatewayError | null;
  readonly isEnded: boolean;
}

/** Lets an answer through in pieces of so many bytes. */
function release(type: string, body: string | Buffer, { pieceBytes = 1000, coding = '', frameBytesMax = 1000, status = 200 } = {}): Released {
  const received = new ReceivedAnswer();
  const answer = new ChangedAnswer({ changes: [stars], frameBytesMax, findParts: null }, received);
  const rawHeaders = ['Content-Type', type, 'Content-Length', String(body.length), ...(coding === '' ? [] : ['Content-Encoding', coding])];
  answer.onHead({ status, statusText: 'OK', rawHeaders });
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    answer.onBytes(bytes.subarray(at, at + pieceBytes));
  }
  answer.onEnd([]);
  const { body: text, headers, error, isEnded } = received;
  return { text, headers, error, isEnded };
}

const forms = [
  [
    'application/json',
    '{ "secret-name" : "a secret-1\\u0041", "n": 1.50, "list": ["secret-2", "é"] }',
    '{ "secret-name" : "a ***", "n": 1.50, "list": ["***", "é"] }',
  ],
  [
    'text/event-stream',
    'event: x\r\ndata: {"a":"secret-1"}\r\n\r\ndata:says secret-2\n\n: kept\n: a secret-comment\nid: secret-9\ndata: two\ndata: secret-lines\n\ndata: cut secret-3',
    'event: x\r\ndata: {"a":"***"}\r\n\r\ndata:says ***\n\n: kept\n: a ***\nid: ***\ndata: two\ndata: ***\n\ndata: cut ***',
  ],
  ['application/x-ndjson', '{"a":"secret-1"}\n{"b":"ü secret-2"}', '{"a":"***"}\n{"b":"ü ***"}'],
  ['text/plain; charset=utf-8', 'ü secret-1\nand secret-2', 'ü ***\nand ***'],
] as const;

for (const [type, body, changed] of forms) {
  test(`the texts of ${type} are changed, and nothing else, however the answer is cut`, () => {
    for (const pieceBytes of [1, 2, 3, 7, 1000]) {
      const { text, headers, isEnded, error } = release(type, body, { pieceBytes });
      assert.deepEqual([text, isEnded, error], [changed, true, null], String(pieceBytes));
      assert.deepEqual(headers, ['Content-Type', type], 'the length is another one');
    }
  });
}

test('an answer in which no texts can be found is refused before its head is released; one without a body is released', () => {
  for (const [type, coding] of [
    ['image/png', ''],
    ['application/json', 'gzip'],
    ['text/plain; charset=utf-16', ''],
  ] as const) {
    const { text, headers, error, isEnded } = release(type, 'secret-1', { coding });
    assert.deepEqual([text, headers, isEnded], ['', [], false]);
    assert.equal(error?.code, 'unsupported');
  }
  const part = release('text/plain', 'secret-1', { status: 206 });
  assert.deepEqual([part.error?.code, part.text], ['unsupported', '']);
  const binary = release('text/plain', Buffer.from([0xff, 0xfe]));
  assert.deepEqual([binary.error?.code, binary.text, binary.isEnded], ['unsupported', '', false]);
  const empty = release('image/png', '');
  assert.deepEqual([empty.isEnded, empty.error, empty.headers.length], [true, null, 4]);
});

test('a frame over the limit ends the answer, and nothing of it is released', () => {
  const { text, error, isEnded } = release('text/event-stream', `data: fine\n\ndata: secret-1${'x'.repeat(100)}\n\n`, { frameBytesMax: 50, pieceBytes: 10 });
  assert.deepEqual([text, error?.code, isEnded], ['data: fine\n\n', 'limit_exceeded', false]);
});
