import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import type { FindParts } from '../../content/text-frame.ts';
import type { GatewayError } from '../../domain/errors.ts';
import { composeAwsMessage } from '../../content/aws-event-stream.ts';
import { ReceivedAnswer } from './testdata/received-answer.ts';
import { findParts } from '../../protocols/llm/streamed-texts.ts';
import { ChangedAnswer } from './changed-answer.ts';

const stars = (text: string): string => text.replaceAll(/secret-\w+/g, '***');

interface Released {
  readonly text: string;
  readonly headers: readonly string[];
  readonly error: GatewayError | null;
  readonly isEnded: boolean;
}

/** Lets an answer through in pieces of so many bytes. */
function release(
  type: string,
  body: string | Buffer,
  { pieceBytes = 1000, coding = '', frameBytesMax = 1000, status = 200, find = null as FindParts | null, change = stars } = {},
): Released {
  const received = new ReceivedAnswer();
  const answer = new ChangedAnswer({ changes: [change], frameBytesMax, findParts: find }, received);
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
  ['application/json', '{ "secret-name" : "a secret-1\\u0041", "n": 1.50, "list": ["secret-2", "é"] }', '{ "***" : "a ***", "n": 1.50, "list": ["***", "é"] }'],
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

test('B24: nothing of a head or of trailers tells a value: no name, and no header that is about the answer itself', () => {
  const mask = Object.assign((text: string) => stars(text), { report: () => null });
  const received = new ReceivedAnswer();
  const answer = new ChangedAnswer({ changes: [mask], frameBytesMax: 1000, findParts: null }, received);
  const dates = ['Date', 'Sun, 29 Nov 2026 14:02:38 GMT', 'Expires', 'secret-1', 'Age', 'secret-2', 'Last-Modified', 'Sun, secret-3 GMT'];
  answer.onHead({
    status: 204,
    statusText: 'of secret-4',
    rawHeaders: ['ETag', '"secret-5"', 'Content-Type', 'text/plain; of=secret-6', 'x-secret-7', '1', ...dates],
  });
  answer.onEnd(['x-secret-8', '1', 'Expires', 'secret-9']);
  assert.deepEqual(
    [received.headers, received.trailers],
    [
      ['ETag', '"***"', 'Content-Type', 'text/plain; of=***', ...dates.slice(0, 2), 'Expires', '***', 'Age', '***', 'Last-Modified', 'Sun, *** GMT'],
      ['Expires', '***'],
    ],
  );
  const [form, boundary] = [
    (type: string) => `--x\r\nContent-Disposition: form-data; name=a\r\nContent-Type: ${type}\r\n\r\n1\r\n--x--`,
    'multipart/form-data; boundary=',
  ];
  assert.equal(release(`${boundary}x`, form('text/plain; of=secret-1'), { change: mask }).text, form('text/plain; of=***'));
  assert.equal(release(`${boundary}secret-1`, form('text/plain').replaceAll('--x', '--secret-1'), { change: mask }).error?.code, 'unsupported');
});

const digests = [
  ['ETag', '"5d41402a"'],
  ['Content-MD5', 'x'],
  ['Digest', 'sha-256=x'],
  ['Content-Digest', 'sha-256=:x:'],
  ['Repr-Digest', 'sha-256=:x:'],
  ['x-amz-checksum-sha256', 'x'],
  ['x-amz-checksum-type', 'FULL_OBJECT'],
  ['x-goog-hash', 'crc32c=x'],
  ['x-ms-blob-content-md5', 'x'],
  ['Signature', 's=:x:'],
  ['Signature-Input', 's=("content-digest")'],
].flat();

test('B24: neither the head nor the trailers of an answer tell a digest of what the client does not get; of one that is empty they stay', () => {
  const through = (status: number, ...rawHeaders: readonly string[]): ReceivedAnswer => {
    const received = new ReceivedAnswer();
    const answer = new ChangedAnswer({ changes: [stars], frameBytesMax: 1000, findParts: null }, received);
    answer.onHead({ status, statusText: 'OK', rawHeaders: [...rawHeaders, ...digests, 'Date', 'x'] });
    answer.onEnd([...digests, 'x-trailer', '1']);
    return received;
  };
  for (const [status, type, ...length] of [
    [200, 'text/plain', 'Content-Length', '8'],
    [200, 'image/png', 'Content-Length', '8'],
    [200, 'image/png'],
    [304, 'text/plain', 'Content-Length', '0'],
  ] as const) {
    const { headers, trailers, isEnded } = through(status, 'Content-Type', type, ...length);
    const kept = type === 'image/png' ? length : [];
    assert.deepEqual([headers, trailers, isEnded], [['Content-Type', type, ...kept, 'Date', 'x'], ['x-trailer', '1'], true], `${status} ${type}`);
  }
  assert.deepEqual(through(200, 'Content-Length', '0').headers, ['Content-Length', '0', ...digests, 'Date', 'x']);
  assert.deepEqual(through(204).headers, [...digests, 'Date', 'x']);
});

test('a message of an event stream of AWS that is changed has its lengths and both of its checksums anew', () => {
  const received = new ReceivedAnswer();
  const answer = new ChangedAnswer({ changes: [stars], frameBytesMax: 1000, findParts: null }, received);
  answer.onHead({ status: 200, statusText: 'OK', rawHeaders: ['Content-Type', 'application/vnd.amazon.eventstream'] });
  const chunk = { bytes: Buffer.from('{"text":"secret-1"}').toString('base64') };
  const headers = { ':message-type': 'event', ':event-type': 'contentBlockDelta' };
  answer.onBytes(composeAwsMessage(headers, Buffer.from('{"delta":{"text":"a secret-1 ü"}}')));
  answer.onBytes(composeAwsMessage({ ...headers, ':event-type': 'chunk' }, Buffer.from(JSON.stringify(chunk))));
  answer.onEnd([]);
  const payloads: string[] = [];
  for (let bytes = received.bodyBytes; bytes.length > 0; bytes = bytes.subarray(bytes.readUInt32BE(0))) {
    const message = bytes.subarray(0, bytes.readUInt32BE(0));
    assert.equal(message.readUInt32BE(8), crc32(message.subarray(0, 8)));
    assert.equal(message.readUInt32BE(message.length - 4), crc32(message.subarray(0, -4)));
    payloads.push(message.subarray(12 + message.readUInt32BE(4), -4).toString());
  }
  const [delta, inner = ''] = payloads;
  assert.deepEqual([delta, Buffer.from(JSON.parse(inner).bytes, 'base64').toString()], ['{"delta":{"text":"a *** ü"}}', '{"text":"***"}']);
});

test('a frame over the limit ends the answer, and nothing of it is released', () => {
  const { text, error, isEnded } = release('text/event-stream', `data: fine\n\ndata: secret-1${'x'.repeat(100)}\n\n`, { frameBytesMax: 50, pieceBytes: 10 });
  assert.deepEqual([text, error?.code, isEnded], ['data: fine\n\n', 'limit_exceeded', false]);
});

const hidden = String.raw`\u0073ecret-1`;

test('A39: no form of a text that a lenient client reads goes past the change', () => {
  const piece = (content: string): string => JSON.stringify({ choices: [{ index: 0, delta: { content } }] });
  const gemini = (text: string): string => JSON.stringify({ candidates: [{ content: { parts: [{ text }] } }] });
  for (const [type, body, changed] of [
    // A text that only begins like JSON.
    ['text/plain', '[INFO] secret-1 of {x}', '[INFO] *** of {x}'],
    ['text/plain', '{secret-1,"secret-2"}', '{***,"***"}'],
    ['text/plain', '"secret-1": "secret-2"', '"***": "***"'],
    ['text/event-stream', 'data: [DONE] secret-1\n\n', 'data: [DONE] ***\n\n'],
    ['application/json', '{"a":"x\n"} " {"b":"secret-1"}', '{"a":"x\n"} " {"b":"***"}'],
    // Strings that only a lenient parser takes.
    ['application/json', `{"a":"\n${hidden}"}`, String.raw`{"a":"\n***"}`],
    ['application/json', String.raw`{"a":"\q${hidden}"}`, '{"a":"q***"}'],
    ['application/json', `{"n":NaN,"a":"${hidden}"}`, '{"n":NaN,"a":"***"}'],
    // Bodies that are not what their head says.
    ['text/event-stream', `{"a":\n"${hidden}"}`, '{"a":\n"***"}'],
    ['text/plain', `: x\nevent: y\ndata: {"a":"${hidden}"}\n\n`, ': x\nevent: y\ndata: {"a":"***"}\n\n'],
    ['application/json', `\u{feff}data: {"a":"${hidden}"}\n\n`, '\u{feff}data: {"a":"***"}\n\n'],
    // Texts in pieces, in bodies that are one frame otherwise.
    ['application/json', `${piece('sec')}\n${piece('ret-1')}\n`, `${piece('')}\n${piece('***')}\n`],
    ['application/json', `\u{feff}${' '.repeat(100)}[${gemini('sec')},${gemini('ret-1')}]`, `\u{feff}${' '.repeat(100)}[${gemini('')},${gemini('***')}]`],
    ['application/x-ndjson', `\u{feff}${piece('sec')}\n${piece('ret-1')}\n`, `\u{feff}${piece('')}\n${piece('***')}\n`],
    [
      'text/event-stream',
      `data: ${piece('sec').replace('0', '0,"p":NaN')}\n\ndata: ${piece('ret-1')}\n\n`,
      `data: ${piece('').replace('0', '0,"p":NaN')}\n\ndata: ${piece('***')}\n\n`,
    ],
  ] as const) {
    for (const pieceBytes of [1, 1000]) {
      const { text, error } = release(type, body, { pieceBytes, find: findParts });
      assert.deepEqual([text, error], [changed, null], body);
    }
  }
});

test('A39: what clients read in different ways is refused', () => {
  for (const [type, body] of [
    ['application/json', Buffer.from('{"a":"secret-1"}', 'utf16le')],
    ['text/plain', Buffer.from('secret-1', 'utf16le')],
    ['text/event-stream', Buffer.from('data: secret-1\n\n', 'utf16le')],
    ['application/json; charset=utf-7', '{"a":"+AHM-ecret-1"}'],
    ['text/plain; charset=utf-8; charset=utf-7', '+AHM-ecret-1'],
    ['text/event-stream; charset=utf-7', 'data: +AHM-ecret-1\n\n'],
    ['text/event-stream', `: x\n\n\u{feff}data: z\ndata: {"a":"${hidden}"}\n\n`],
    ['text/event-stream', `data : z\ndata: {"a":"${hidden}"}\n\n`],
    ['text/event-stream', Buffer.from('data: \xff\n\n', 'latin1')],
    ['text/plain, image/png', 'secret-1'],
  ] as const) {
    const { text, error, isEnded } = release(type, body);
    assert.deepEqual([error?.code, isEnded, text.includes('ecret')], ['unsupported', false, false], type);
  }
});

test('A39: a text whose end is said too early is still changed as one, or refused', () => {
  const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
  const choice = (content: string): string => event({ choices: [{ index: 0, delta: { content }, finish_reason: 'stop' }] });
  const chat = release('text/event-stream', choice('sec') + choice('ret-1'), { find: findParts });
  assert.deepEqual([chat.text, chat.error], [choice('') + choice('***'), null]);
  const block = (text: string): string => event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });
  const stop = event({ type: 'content_block_stop', index: 0 });
  const messages = release('text/event-stream', block('sec') + stop + block('ret-1'), { find: findParts });
  assert.deepEqual([messages.error?.code, messages.text.includes('ret')], ['unsupported', false]);
  const honest = block('sec') + stop + block('');
  assert.deepEqual(release('text/event-stream', honest, { find: findParts }).text, honest);
});

test('a text in pieces that a change never lets go on ends the answer at the limit', () => {
  const holding = Object.assign((text: string) => stars(text), { begin: () => ({ push: () => '', end: () => '', isHolding: () => true }) });
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(100) } }] })}\n\n`;
  for (const change of [holding, stars]) {
    assert.equal(release('text/event-stream', event.repeat(10), { find: findParts, change }).error, null);
    assert.equal(release('text/event-stream', event.repeat(11), { find: findParts, change }).error?.code, 'limit_exceeded');
  }
});

test('A39: an error in an event stream of AWS is changed, and refused if it also has a payload, which a client may read', () => {
  const type = 'application/vnd.amazon.eventstream';
  const headers = { ':message-type': 'event', ':error-message': 'says secret-1' };
  const plain = release(type, composeAwsMessage(headers, Buffer.alloc(0)));
  assert.deepEqual([plain.error, plain.text.includes('says ***')], [null, true]);
  const both = release(type, composeAwsMessage(headers, Buffer.from('{"a":"secret-1"}')));
  assert.deepEqual([both.error?.code, both.text], ['unsupported', '']);
});

test('an answer without a match keeps every byte', () => {
  for (const [type, body] of [
    ['text/plain', '[2024] "a": {x'],
    ['text/plain', 'data: [{"a": "\\u0041"}]\r\rdata: "x"'],
    ['text/event-stream', '\u{feff}data:  {"a":\r\ndata: "\\u0041\\/"}\r\n\r\nretry: 5\r\r: c\n\ndata\n\n{"error": "\\u0041"}'],
    ['application/json', ' [1.50, "\\u0041", NaN]\n'],
    ['application/json', '{"a":1}\r\n\r\n{"b":"\\/"}'],
  ] as const) {
    for (const pieceBytes of [1, 1000]) {
      const { text, isEnded } = release(type, body, { pieceBytes });
      assert.deepEqual([text, isEnded], [body, true]);
    }
  }
});
