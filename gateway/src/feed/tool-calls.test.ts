import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type Causes, ToolCalls } from './tool-calls.ts';

const likely = (...ids: readonly string[]): Causes => ({ certain: [], likely: ids });
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

test('T4.23: a statement is likely due to the call whose arguments it carries, a tool call to its name', () => {
  const calls = new ToolCalls();
  assert.deepEqual(calls.causes(prompt), likely());
  assert.deepEqual(calls.causes(answer), likely());
  assert.deepEqual(calls.causes({ kind: 'request', attributes: { 'db.query.text': 'x' }, text: 'select 1 from orders' }), likely('call_sql'));
  assert.deepEqual(calls.causes({ kind: 'request', attributes: { 'gen_ai.tool.name': 'track_parcel' }, text: 'call_tool' }), likely('call_parcel'));
});

test('T4.23: what tells nothing is likely due to the calls that are going on, until the next prompt', () => {
  const calls = new ToolCalls();
  const request = { kind: 'request', attributes: {}, text: 'POST /messages' };
  assert.deepEqual(calls.causes(request), likely());
  calls.causes(answer);
  assert.deepEqual(calls.causes(request), likely('call_sql', 'call_parcel'));
  calls.causes(prompt);
  assert.deepEqual(calls.causes(request), likely());
});

test('arguments that are no JSON, or no lists at all, tie nothing wrongly', () => {
  const calls = new ToolCalls();
  calls.causes({ kind: 'response', attributes: { 'gen_ai.tool.call.id': 'one', 'gen_ai.tool.call.arguments': '{"cut' }, text: '' });
  assert.deepEqual(calls.causes({ kind: 'request', attributes: {}, text: '{"cut' }), likely('one'));
});

test('T4.23: what carries the id of a call is certainly due to it; a part of an id, or a number, tells nothing', () => {
  const calls = new ToolCalls();
  calls.causes(answer);
  const request = { kind: 'request', attributes: {} };
  assert.deepEqual(calls.causes({ ...request, text: 'POST /do [call_parcel]' }), { certain: ['call_parcel'], likely: [] });
  assert.deepEqual(calls.causes({ ...request, attributes: { 'mcp.note': 'for call_sql' }, text: '' }), { certain: ['call_sql'], likely: [] });
  assert.deepEqual(calls.causes({ ...request, text: 'call_parcels' }), likely('call_sql', 'call_parcel'));
  calls.causes(prompt);
  calls.causes({ kind: 'response', attributes: { 'gen_ai.tool.call.id': ['1'], 'gen_ai.tool.name': ['f'] }, text: '' });
  assert.deepEqual(calls.causes({ ...request, text: 'page 1 of 1' }), likely('1'));
});
