import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { holdOf, knownBody } from './attempts.ts';
import { parseClientBody } from './messages.ts';

const known = (message: object): string => Buffer.from(knownBody(Buffer.from(JSON.stringify(message)))).toString();
const call = (id: unknown, params: object): object => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'refund', arguments: { order: 7 }, ...params },
});

test('B20: a call is known again with another id, progress token and trace, and with nothing else changed', () => {
  const first = known(call(1, { _meta: { progressToken: 'a', traceparent: 'x', 'countersign/hold': 'return', mine: 1 } }));
  assert.equal(known(call('two', { _meta: { mine: 1, progressToken: 'b' } })), first);
  for (const other of [
    { _meta: { mine: 2 } },
    { arguments: { order: 8 }, _meta: { mine: 1 } },
    { name: 'pay', _meta: { mine: 1 } },
    { _meta: { mine: 1, other: 1 } },
  ]) {
    assert.notEqual(known(call(1, other)), first);
  }
  assert.notEqual(known(call(1, { arguments: { order: 7 } })), known({ jsonrpc: '2.0', id: 1, method: 'tools/call' }));
});

test('B20: an answer to the server keeps its id, numbers keep their digits, and what is no JSON stays as it is', () => {
  assert.notEqual(known({ jsonrpc: '2.0', id: 1, result: {} }), known({ jsonrpc: '2.0', id: 2, result: {} }));
  const body = (digits: string): Buffer => Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"n","arguments":{"a":${digits}}}}`);
  assert.notDeepEqual(knownBody(body('9007199254740993')), knownBody(body('9007199254740992')));
  assert.deepEqual(knownBody(Buffer.from('{"a":1,"a":2}')), Buffer.from('{"a":1,"a":2}'));
});

test('a client says in _meta how it wants to learn the outcome, in one of two words', () => {
  const wish = (value: unknown): unknown => holdOf(parseClientBody(JSON.stringify(call(1, { _meta: { 'countersign/hold': value } }))).messages[0]).hold;
  assert.deepEqual([wish('wait'), wish('return'), wish('maybe'), wish(1)], ['wait', 'return', undefined, undefined]);
});
