import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { step } from './url-step.ts';

const urls = { scheme: 'https', host: 'model', port: 443, base: '', path: '/t/model', way: 'http://gateway/t/model' };

function rewritten(body: string): string | null {
  const bytes = step.take({ urls, members: ['url', 'next'], headers: [], recordedWay: null, body: Buffer.from(body) }).body;
  return bytes === null ? null : Buffer.from(bytes).toString();
}

describe('addresses in an answer that is JSON', () => {
  test('E51: those of the target are changed, and all else stays', () => {
    assert.equal(
      rewritten(String.raw`{"a":"é","url" : "https:\/\/model/x\"y","next":"/z","url":"http://other/","b":"\"url\":\"https://model/\""}`),
      String.raw`{"a":"é","url" : "http://gateway/t/model/x\"y","next":"/t/model/z","url":"http://other/","b":"\"url\":\"https://model/\""}`,
    );
    assert.equal(rewritten('{"url":"https://model/x","next":"https://model/'), '{"url":"http://gateway/t/model/x","next":"https://model/');
    assert.equal(rewritten('{"a":"https://model/"}'), null);
  });

  test('D34: a text of many millions of characters, with or without its end, is passed over', () => {
    const long = 'a'.repeat(16_000_000);
    assert.equal(rewritten(`{"url":"${long}","next":"/z"}`), `{"url":"${long}","next":"/t/model/z"}`);
    assert.equal(rewritten(`{"url":"${String.raw`\"url\":\"`.repeat(1_000_000)}`), null);
  });
});
