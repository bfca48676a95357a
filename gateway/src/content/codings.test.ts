import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { codingOf, decodeBody, decodeLater, decoderOf, undoCodings } from './codings.ts';

const text = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `line ${i * 7919}`).join('\n'));
const nothing = Buffer.alloc(0);
const encoded = { gzip: gzipSync(text), 'x-gzip': gzipSync(text), deflate: deflateSync(text), br: brotliCompressSync(text), zstd: zstdCompressSync(text) };

test('each content coding is undone in the same way at once, later, and as bytes come', async () => {
  for (const [coding, body] of Object.entries(encoded)) {
    const decoder = decoderOf(codingOf(` ${coding.toUpperCase()} `));
    assert.ok(decoder !== null);
    assert.ok(text.equals(await buffer(decoder().end(body))));
    assert.ok(text.equals((await decodeLater(coding, body)) ?? nothing));
    assert.ok(text.equals(undoCodings([['content-encoding', coding]], body) ?? nothing));
  }
});

test('of a body that was cut off the beginning is decoded', async () => {
  for (const [coding, body] of Object.entries(encoded)) {
    const half = body.subarray(0, body.length / 2);
    const begun = await decodeLater(coding, half);
    assert.ok(begun !== null && begun.length > 0 && text.subarray(0, begun.length).equals(begun));
    assert.ok(undoCodings([['content-encoding', coding]], half)?.equals(begun));
  }
});

test('several codings are undone from the last to the first, but not many', () => {
  const twice = brotliCompressSync(gzipSync(text));
  assert.ok(undoCodings([['content-encoding', 'gzip, br']], twice)?.equals(text));
  assert.equal(undoCodings([['content-encoding', 'gzip, gzip, gzip, br']], twice), null);
});

test('C31: bytes in an unknown coding, in none, or too many are not decoded', async () => {
  const long = gzipSync(Buffer.alloc(65 * 1024 * 1024));
  for (const [coding, body] of [
    ['constructor', text],
    ['__proto__', text],
    ['gzip, other', text],
    ['gzip', text],
    ['gzip', long],
  ] as const) {
    assert.equal(await decodeLater(coding, body), null);
    assert.equal(undoCodings([['content-encoding', coding]], body), null);
    assert.equal(decodeBody([['content-encoding', coding]], body), body);
  }
  assert.equal(decoderOf('constructor'), null);
  assert.deepEqual([decoderOf(codingOf('identity')), decoderOf(codingOf(undefined))], [null, null]);
  assert.equal(undoCodings([['content-encoding', 'identity']], text), text);
});
