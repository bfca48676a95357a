import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, createGzip, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { DecodedAnswer } from './decoded-answer.ts';
import { ReceivedAnswer } from './testdata/received-answer.ts';

const text = `${'a text, '.repeat(1000)}its end`;
const codings = { gzip: gzipSync(text), 'X-Gzip': gzipSync(text), deflate: deflateSync(text), br: brotliCompressSync(text), zstd: zstdCompressSync(text) };

/** Lets an answer through in pieces of so many bytes. */
async function decode(coding: string, body: Uint8Array, pieceBytes = 100): Promise<ReceivedAnswer> {
  const received = new ReceivedAnswer();
  const stage = new DecodedAnswer(received);
  stage.onHead({
    status: 200,
    statusText: 'OK',
    rawHeaders: ['Content-Type', 'text/plain', 'Content-Encoding', coding, 'Content-Length', String(body.length)],
  });
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    stage.onBytes(bytes.subarray(at, at + pieceBytes));
  }
  stage.onEnd(['x-trailer', '1']);
  await received.over;
  return received;
}

for (const [coding, body] of Object.entries(codings)) {
  test(`an answer in the coding ${coding} goes on without it, and its head says so`, async () => {
    for (const pieceBytes of [7, 100_000]) {
      const { body: decoded, headers, trailers } = await decode(coding, body, pieceBytes);
      assert.deepEqual([decoded, headers, trailers], [text, ['Content-Type', 'text/plain'], ['x-trailer', '1']]);
    }
  });
}

test('what a target has flushed goes on before the answer ends', async () => {
  const received = new ReceivedAnswer();
  const stage = new DecodedAnswer(received);
  stage.onHead({ status: 200, statusText: 'OK', rawHeaders: ['content-encoding', 'gzip'] });
  const gzip = createGzip();
  gzip.on('data', (bytes: Buffer) => {
    stage.onBytes(bytes);
  });
  gzip.write('first event');
  gzip.flush(constants.Z_SYNC_FLUSH);
  await received.until('first event');
  assert.equal(received.isEnded, false);
});

test('an answer that is not in its coding, is cut, or is too long when decoded ends with an error', async () => {
  for (const [body, code] of [
    [Buffer.from('not in it'), 'target_unreachable'],
    [codings.gzip.subarray(0, 40), 'target_unreachable'],
    [gzipSync(Buffer.alloc(65 * 1024 * 1024)), 'limit_exceeded'],
  ] as const) {
    const received = await decode('gzip', body, 1000);
    assert.deepEqual([received.error?.code, received.isEnded], [code, false]);
    assert.ok(received.bytes <= 64 * 1024 * 1024);
  }
});

test('an answer in another coding, and one without a body, go on as they are', async () => {
  for (const [coding, body] of [
    ['other', 'encoded'],
    ['gzip, br', 'encoded'],
    ['constructor', 'encoded'],
    ['gzip', ''],
  ] as const) {
    const received = await decode(coding, Buffer.from(body));
    assert.deepEqual([received.body, received.headers.length, received.isEnded], [body, 6, true]);
  }
});
