import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { idsOfProvider } from './given-ids.ts';
import { LiveReader } from './live-reader.ts';
import { findLiveApi } from './live-apis.ts';

const gemini = '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent';
const long = 'x'.repeat(500_000);

/** Each message has a name of half a million characters that none before it had. */
const hostile: readonly (readonly [string, string, (number: number) => object])[] = [
  ['answers', '/v1/responses', (i) => ({ type: 'response.output_text.delta', stream_id: `${i}${long}`, delta: 'a' })],
  [
    'items of one call',
    '/v1/responses',
    (i) => ({ type: 'response.output_item.added', item: { type: 'function_call', id: `${i}${long}`, call_id: 'c', name: 'n' } }),
  ],
  [
    'calls',
    '/v1/responses',
    (i) => ({ type: 'response.output_item.added', output_index: i, item: { type: 'function_call', id: 'f', call_id: `${i}`, name: `${i}${long}` } }),
  ],
  ['handles', gemini, (i) => ({ sessionResumptionUpdate: { newHandle: `${i}${long}` } })],
];

for (const [what, path, message] of hostile) {
  test(`T4.25: long names of ${what} that a target makes up take no memory`, () => {
    const { shape } = findLiveApi({ method: 'GET', path, headers: [] }) ?? assert.fail('no such API');
    const ids = idsOfProvider(path === gemini ? 'gemini' : 'openai');
    const reader = new LiveReader({
      head: { method: 'GET', path: '', headers: [] },
      heardBytesMax: 1_000_000_000,
      shape,
      attributes: {},
      ids,
      isFor: 'principal',
    });
    const before = heapBytes();
    for (let i = 0; i < 100; i += 1) {
      reader.hear(Buffer.from(JSON.stringify(message(i))));
    }
    const kept = heapBytes() - before;
    reader.hear(Buffer.from('{}'));
    assert.ok(kept < 10_000_000, `${kept} bytes`);
  });
}

test('T4.25: a message gives a bounded number of ids', () => {
  const { shape } = findLiveApi({ method: 'GET', path: '/v1/responses', headers: [] }) ?? assert.fail('no such API');
  const reader = new LiveReader({
    head: { method: 'GET', path: '', headers: [] },
    heardBytesMax: 1_000_000_000,
    shape,
    attributes: {},
    ids: idsOfProvider('openai'),
    isFor: 'principal',
  });
  const output = Array.from({ length: 20_000 }, (_, i) => ({ id: `msg_00000000${i}` }));
  const { given } = reader.hear(Buffer.from(JSON.stringify({ type: 'response.completed', response: { output } })));
  assert.equal(given?.ids.length, 1_000);
});

test('T4.45, D31: ids are found one at a time, so that a message that gives a million of them is not searched to its end', () => {
  const found = idsOfProvider('openai')?.givenIn('{"id":"resp_00000001"},'.repeat(100_000)) ?? assert.fail('no ids');
  assert.equal(found.next().value, 'resp_00000001');
  assert.equal(found.return(undefined).done, true);
});

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  collect();
  return process.memoryUsage().heapUsed;
}
