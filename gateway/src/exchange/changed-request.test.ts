import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeRequest } from './changed-request.ts';
import type { Headers } from './reading.ts';

const stars = [(text: string): string => text.replaceAll(/secret-\w+/g, '***')];
const head = (...headers: Headers): { readonly method: string; readonly path: string; readonly headers: Headers } => ({ method: 'POST', path: '/x', headers });

test('the texts of a body are changed, and its head has the new length and no digest of the old one', () => {
  const asked = head(['content-type', 'application/json'], ['content-length', '20'], ['content-digest', 'sha-256=:x:']);
  const changed = changeRequest({ head: asked, body: Buffer.from('{"say": ["secret-1"]}') }, stars);
  assert.equal(changed.body?.toString(), '{"say": ["***"]}');
  assert.deepEqual(changed.head.headers, [
    ['content-type', 'application/json'],
    ['content-length', '16'],
  ]);
  const lines = changeRequest({ head: head(['content-type', 'application/x-ndjson']), body: Buffer.from('"secret-1"\n{"a":"secret-2"}') }, stars);
  assert.equal(lines.body?.toString(), '"***"\n{"a":"***"}');
});

test('a request without a body goes on as it is', () => {
  const asked = { head: head(['content-type', 'image/png']), body: Buffer.alloc(0) };
  assert.equal(changeRequest(asked, stars).head, asked.head);
});

test('a body in which no texts can be found is refused', () => {
  const body = Buffer.from('secret-1');
  for (const [headers, sent] of [
    [[['content-type', 'image/png']], body],
    [[['content-type', 'multipart/form-data; boundary=x']], body],
    [
      [
        ['content-type', 'application/json'],
        ['content-encoding', 'gzip'],
      ],
      body,
    ],
    [[['content-type', 'text/plain']], null],
  ] as const) {
    assert.throws(() => changeRequest({ head: head(...headers), body: sent }, stars), { code: 'unsupported' });
  }
});
