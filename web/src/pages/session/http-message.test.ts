import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHttpMessage } from './http-message.ts';

test('a message of HTTP has a first line, a head and a body, and lacks what it lacks', () => {
  assert.deepEqual(readHttpMessage('POST /x\nhost: a\n\none\n\ntwo'), { first: 'POST /x', head: ['host: a'], body: 'one\n\ntwo' });
  assert.deepEqual(readHttpMessage('GET /'), { first: 'GET /', head: [], body: '' });
  assert.deepEqual(readHttpMessage(''), { first: '', head: [], body: '' });
});
