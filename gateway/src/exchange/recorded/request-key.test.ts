import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Difference } from '../../domain/replay.ts';
import { requestDifference, requestKey } from './request-key.ts';

const request = (body: string | Buffer, headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' }, line = 'POST /v1/a?b=1'): Buffer =>
  Buffer.concat([
    Buffer.from(
      `${line} HTTP/1.1\r\n${Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`,
    ),
    Buffer.from(body),
  ]);
const key = (...parts: Parameters<typeof request>): string => requestKey(request(...parts)).text;
const json = 'application/json';

test('of JSON counts what it says: not its order, nor its white space, nor how it was encoded', () => {
  const same = key('{"a":{"b":[1,{"x":1,"y":2}]},"c":"d"}');
  assert.equal(key(' { "c" : "d",\n "a": {"b": [1, {"y":2, "x":1}]} } '), same);
  assert.equal(key(gzipSync('{"c":"d","a":{"b":[1,{"x":1,"y":2}]}}'), { 'content-type': 'application/json; charset=utf-8', 'content-encoding': 'gzip' }), same);
  for (const other of ['{"a":{"b":[{"x":1,"y":2},1]},"c":"d"}', '{"a":{"b":[1,{"x":1,"y":2}]},"c":"d "}', '{"a":{"b":[1,{"x":1}]},"c":"d"}']) {
    assert.notEqual(key(other), same);
  }
});

test('numbers that a double does not tell apart are not the same', () => {
  assert.notEqual(key('{"a":9007199254740993}'), key('{"a":9007199254740992}'));
  assert.notEqual(key('{"a":"1"}'), key('{"a":1}'));
});

test('JSON that parsers read differently, and bodies that are not JSON, are compared as they are', () => {
  assert.notEqual(key('{"a":1,"a":2}'), key('{"a":2}'));
  assert.equal(key('{"a":1,"a":2}'), key('{"a":1,"a":2}'));
  assert.notEqual(key('{"a":'), key('{ "a":'));
  assert.notEqual(key('{"a":1}', { 'content-type': 'text/plain' }), key('{"a": 1}', { 'content-type': 'text/plain' }));
});

test('headers that a client makes anew do not count; headers that say what is wanted do', () => {
  const plain = key('{}');
  const own = {
    host: 'a',
    'user-agent': 'sdk/2',
    date: 'today',
    'idempotency-key': 'x',
    'x-stainless-retry-count': '1',
    'x-request-id': 'y',
    traceparent: 'z',
  };
  assert.equal(key('{}', { ...own, 'content-type': json }), plain);
  assert.notEqual(key('{}', { 'content-type': json, range: 'bytes=1-' }), plain);
  assert.notEqual(key('{}', { 'content-type': json, accept: 'text/csv' }), plain);
  assert.notEqual(key('{}', { 'content-type': json }, 'POST /v1/a?b=2'), plain);
  assert.notEqual(key('{}', { 'content-type': json }, 'PUT /v1/a?b=1'), plain);
});

test('the boundary of a form does not count', () => {
  const form = (boundary: string, value: string): string =>
    key(`--${boundary}\r\ncontent-disposition: form-data; name="a"\r\n\r\n${value}\r\n--${boundary}--\r\n`, {
      'content-type': `multipart/form-data; boundary=${boundary}`,
    });
  assert.equal(form('----abc', '1'), form('----xyz1', '1'));
  assert.notEqual(form('----abc', '1'), form('----abc', '2'));
});

test('any bytes have a key', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from([0xff, 0, 0x0d, 0x0a]), request('['.repeat(100_000)), request(Buffer.from([0xff]))]) {
    assert.deepEqual(requestKey(bytes), requestKey(Buffer.from(bytes)));
  }
});

test('T4.26: the difference between a request and a recorded one has its place and both values', () => {
  const recorded = request('{"model":"m","messages":[{"role":"user","content":"Where is my order?"}]}');
  const differ = (asked: Buffer): Difference | null => requestDifference(requestKey(recorded).text, requestKey(asked).text);
  assert.equal(differ(request('{"messages":[{"content":"Where is my order?","role":"user"}],"model":"m"}')), null);
  const found = differ(request('{"model":"m","messages":[{"role":"user","content":"Where is her order?"}]}'));
  assert.deepEqual([found?.at, found?.recorded, found?.asked], ['body.messages[0].content', '"Where is my order?"', '"Where is her order?"']);
  const more = differ(request('{"model":"m","messages":[{"role":"user","content":"Where is my order?"}],"top_p":1}'));
  assert.deepEqual([more?.at, more?.recorded, more?.asked], ['body.top_p', '(nothing)', '1']);
  const path = differ(request('{}', undefined, 'POST /v1/b'));
  assert.deepEqual([path?.at, path?.recorded, path?.asked], ['path', '/v1/a?b=1', '/v1/b']);
  assert.ok((more?.nearness ?? 0) > (path?.nearness ?? 0), 'the same path is nearer');
});
