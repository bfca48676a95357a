import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ToolCalls } from './tool-calls.ts';

const prompt = { kind: 'request', attributes: { 'gen_ai.request.model': 'm' }, text: 'user: …' };
const answer = {
  kind: 'response',
  attributes: {
    'gen_ai.tool.call.id': ['call_sql', 'call_parcel'],
    'gen_ai.tool.name': ['run_sql', 'track_parcel'],
    'gen_ai.tool.call.arguments': ['{"query":"select 1 from orders"}', '{"order":101}'],
  },
  text: '',
};

test('a statement is tied to the call whose arguments it carries, a tool call to its name', () => {
  const calls = new ToolCalls();
  assert.deepEqual(calls.causes(prompt), []);
  assert.deepEqual(calls.causes(answer), []);
  assert.deepEqual(calls.causes({ kind: 'request', attributes: { 'db.query.text': 'x' }, text: 'select 1 from orders' }), ['call_sql']);
  assert.deepEqual(calls.causes({ kind: 'request', attributes: { 'gen_ai.tool.name': 'track_parcel' }, text: 'call_tool' }), ['call_parcel']);
});

test('what tells nothing is tied to the calls that are going on, until the next prompt', () => {
  const calls = new ToolCalls();
  const request = { kind: 'request', attributes: {}, text: 'POST /messages' };
  assert.deepEqual(calls.causes(request), []);
  calls.causes(answer);
  assert.deepEqual(calls.causes(request), ['call_sql', 'call_parcel']);
  calls.causes(prompt);
  assert.deepEqual(calls.causes(request), []);
});

test('arguments that are no JSON, or no lists at all, tie nothing wrongly', () => {
  const calls = new ToolCalls();
  calls.causes({ kind: 'response', attributes: { 'gen_ai.tool.call.id': 'one', 'gen_ai.tool.call.arguments': '{"cut' }, text: '' });
  assert.deepEqual(calls.causes({ kind: 'request', attributes: {}, text: '{"cut' }), ['one']);
});
