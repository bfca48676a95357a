import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { mediaBytes } from './media-bytes.ts';

const picture = new Uint8Array(300).map((_, at) => (at * 7) % 256);
const of = { size: picture.length, sha256: createHash('sha256').update(picture).digest('hex') };
const standard = Buffer.from(picture).toString('base64');

describe('the bytes of a picture', () => {
  test('are found in the body of each API, by their digest', async () => {
    for (const body of [
      JSON.stringify({ messages: [{ content: [{ image_url: { url: `data:image/png;base64,${standard}` } }] }] }),
      JSON.stringify([{ inlineData: { data: Buffer.from(picture).toString('base64url') } }, { inlineData: { data: standard.replace('A', 'B') } }]),
      `event: x\ndata: {"no": 1}\n\ndata: ${JSON.stringify({ b64_json: standard })}\n\ndata: [DONE]\n`,
    ]) {
      assert.deepEqual(await mediaBytes(body, of), picture);
    }
  });

  test('are found beside a list of very many values', async () => {
    const filled = JSON.stringify({ filling: Array.from({ length: 300_000 }, () => 0), data: standard });
    assert.deepEqual(await mediaBytes(filled, of), picture);
    assert.deepEqual(await mediaBytes(JSON.stringify({ data: standard, filling: Array.from({ length: 300_000 }, () => 0) }), of), picture);
  });

  test('are not taken for others of the same length, nor found in what is no JSON', async () => {
    const other = Buffer.from(picture.map((byte) => byte ^ 1)).toString('base64');
    assert.equal(await mediaBytes(JSON.stringify({ data: other }), of), null);
    assert.equal(await mediaBytes(standard, of), null);
    assert.equal(await mediaBytes('{"data": "', of), null);
    assert.equal(await mediaBytes(JSON.stringify({ data: `${standard.slice(0, -2)}%%` }), of), null);
  });
});
