import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { parseCertificates } from '@countersign/ledger';
import { encodeUtf8 } from '@countersign/ledger/format';
import { derOf, TimestampAuthority, withTime } from '../../../tests/support/timestamp-authority.ts';
import { askAuthority } from './ask-authority.ts';

void test('only a timestamp of this text, this request and a trusted authority counts', async () => {
  await using authority = await TimestampAuthority.open();
  await using other = await TimestampAuthority.open();
  authority.stamp(encodeUtf8('other'));
  const ofOther = authority.reply(readFileSync(authority.file('query')));
  const lies: readonly (readonly [RegExp, (request: Buffer, response: ServerResponse) => void])[] = [
    [/it answered 500/, (_request, response) => response.writeHead(500).end()],
    [/its answer is longer than 65536 bytes/, (_request, response) => response.end(Buffer.alloc(100_000))],
    [/its answer is no timestamp/, (_request, response) => response.end('hello')],
    [/the timestamp is of other bytes/, (_request, response) => response.end(ofOther)],
    [/does not descend from a trusted authority/, (request, response) => response.end(other.reply(request))],
    [
      /the nonce is not that of this one/,
      (request, response) => {
        // The last byte of the nonce, which three bytes follow.
        request.writeUInt8(request.readUInt8(request.length - 4) ^ 1, request.length - 4);
        response.end(authority.reply(request));
      },
    ],
    [
      /it gives no timestamp: .*algorithm/i,
      (request, response) => {
        // The last byte of the object identifier of the hash: another one, which the authority does not accept.
        request.writeUInt8(3, request.indexOf('0304020105', 0, 'hex') + 3);
        response.end(authority.reply(request));
      },
    ],
    [
      /^it gives no timestamp: x{200}$/,
      (_request, response) => response.end(derOf(0x30, derOf(0x30, Buffer.concat([Buffer.of(2, 1, 2), derOf(0x30, derOf(0x0c, Buffer.alloc(9_000, 'x')))])))),
    ],
    [/its answer is no timestamp/, (_request, response) => response.end(Buffer.of(0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0))],
    [/its answer is no timestamp/, (_request, response) => response.end(Buffer.from('30'.repeat(60_000), 'hex'))],
    [
      /its time is .*: its clock is wrong, or that of this machine/,
      (request, response) => {
        const given = authority.reply(request);
        // The token is behind the status, which has 3 bytes.
        const token = given.subarray(given.indexOf('3082', 4, 'hex'));
        const later = authority.signAgain(token, [], (info) => withTime(info, Date.now() + 36 * 3_600_000));
        response.end(derOf(0x30, Buffer.concat([Buffer.from('3003020100', 'hex'), later])));
      },
    ],
    [/gave no answer within 0.5 s/, (_request, response) => response.write('0')],
    [
      /gave no answer within 0.5 s/,
      (_request, response) => {
        const timer = setInterval(() => response.write('0'), 10);
        response.on('close', () => {
          clearInterval(timer);
        });
      },
    ],
  ];
  const options = { url: new URL(authority.url), caFile: null, trusted: parseCertificates(authority.root), signal: new AbortController().signal };
  for (const [why, lie] of lies) {
    authority.answer = lie;
    const said = await askAuthority('a text', { ...options, answerMs: why.source.includes('within') ? 500 : 10_000 }).catch((error: unknown) => ({
      why: String(error),
    }));
    assert.match('why' in said ? said.why : 'a token', why);
  }
  authority.answer = null;
  assert.equal((await askAuthority('a text', { ...options, answerMs: 10_000 })).said, 'token');
});
