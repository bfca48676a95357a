import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { decodeHex, encodeHex } from './hex.ts';
import { MalformedError } from './malformed.ts';
import { decodeUtf8, encodeUtf8, parseDecimal } from './text.ts';

void test('base64 and hex read what they print, as Buffer does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
      assert.equal(encodeBase64(bytes), Buffer.from(bytes).toString('base64'));
      assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
      assert.equal(encodeHex(bytes), Buffer.from(bytes).toString('hex'));
      assert.deepEqual(decodeHex(encodeHex(bytes), bytes.length), bytes);
    }),
  );
});

void test('base64 has one spelling: whitespace, missing padding, unused bits and the URL alphabet are refused', () => {
  for (const text of ['QQ', 'QQ=', 'QR==', 'QUJ=', 'QQ==\n', ' QQ==', 'Q Q==', 'QQ===', '=QQ=', '_w==', '-w==', 'QQ==QQ==', 'é===']) {
    assert.throws(() => decodeBase64(text), MalformedError, text);
  }
});

void test('hex has one spelling and a length', () => {
  for (const text of ['AB', 'a', 'abc', '0x', 'zz', 'ab ', 'abab']) {
    assert.throws(() => decodeHex(text, 1), MalformedError, text);
  }
});

void test('decimal numbers have one spelling and are safe', () => {
  assert.equal(parseDecimal('0'), 0);
  assert.equal(parseDecimal('9007199254740991'), Number.MAX_SAFE_INTEGER);
  for (const text of ['', '00', '01', '+1', '-1', '1.0', '1e3', ' 1', '1\n', '0x1', '9007199254740992', '99999999999999999999']) {
    assert.throws(() => parseDecimal(text), MalformedError, text);
  }
});

void test('A5: bytes that are not UTF-8 are refused, a byte order mark is kept', () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x80]]) {
    assert.throws(() => decodeUtf8(Uint8Array.from(bytes)), MalformedError);
  }
  assert.deepEqual(encodeUtf8(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))), Uint8Array.of(0xef, 0xbb, 0xbf, 0x41));
});
