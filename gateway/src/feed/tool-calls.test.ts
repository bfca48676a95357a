import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ownAttributes } from '../domain/own-attributes.ts';
import { type Causes, ToolCalls, type TimelineEntry } from './tool-calls.ts';

const likely = (...ids: readonly string[]): Causes => ({ certain: [], likely: ids, causedBy: null });
const certain = (...ids: readonly string[]): Causes => ({ certain: ids, likely: [], causedBy: null });
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

type Said = Omit<TimelineEntry, 'seq'>;

/** Numbers what it is told from 0. */
class Told {
  readonly #calls = new ToolCalls();
  #seq = 0;

  causes(said: Said): Causes {
    const seq = this.#seq;
    this.#seq += 1;
    return this.#calls.causes({ seq, ...said });
  }
}

/** In a trace and a span, each given by its digit. */
function inSpan(said: Said, trace: string, span: string): Said {
  return { ...said, attributes: { ...said.attributes, [ownAttributes.traceparent]: `00-${trace.repeat(32)}-${span.repeat(16)}-01` } };
}

const request = { kind: 'request', attributes: {}, text: 'GET /' };
const toolCall = { kind: 'request', attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'track_parcel' }, text: 'call_tool' };
const namingCall = { ...toolCall, attributes: { ...toolCall.attributes, 'countersign.mcp_meta': '{"claudecode/toolUseId":"call_parcel"}' } };

test('T4.23: what names the span of a tool call is certainly due to it, also after the next prompt; another span of the trace is not', () => {
  const calls = new Told();
  calls.causes(inSpan(prompt, 'a', '1'));
  calls.causes(answer);
  assert.deepEqual(calls.causes(inSpan(namingCall, 'a', '2')), certain('call_parcel'));
  const caused = { ...certain('call_parcel'), causedBy: 2 };
  assert.deepEqual(calls.causes(inSpan(request, 'a', '2')), caused);
  assert.deepEqual(calls.causes(inSpan(request, 'a', '3')), likely('call_sql', 'call_parcel'));
  assert.deepEqual(calls.causes(inSpan(request, 'a', '1')), likely('call_sql', 'call_parcel'), 'the span of the prompt');
  assert.deepEqual(calls.causes(inSpan(request, 'b', '2')), likely('call_sql', 'call_parcel'), 'a span is one of its trace');
  calls.causes(inSpan(prompt, 'a', '1'));
  assert.deepEqual(calls.causes(inSpan(request, 'a', '2')), caused);
  assert.deepEqual(calls.causes(request), likely());
});

test('T4.23: where only the name of the tool ties a call to the model, what names its span is certainly due to that request, and likely to the model’s call', () => {
  const calls = new Told();
  calls.causes(prompt);
  calls.causes(answer);
  assert.deepEqual(calls.causes(inSpan(toolCall, 'a', '2')), likely('call_parcel'));
  assert.deepEqual(calls.causes(inSpan(request, 'a', '2')), { ...likely('call_parcel'), causedBy: 2 });
});

test('T4.23: a trace is a call’s own where the prompt before it was in another', () => {
  const calls = new Told();
  calls.causes(inSpan(prompt, 'a', '1'));
  calls.causes(answer);
  calls.causes(inSpan(namingCall, 'b', '2'));
  assert.deepEqual(calls.causes(inSpan(request, 'b', '3')), { ...certain('call_parcel'), causedBy: 2 });
  const untraced = new Told();
  untraced.causes(prompt);
  untraced.causes(answer);
  untraced.causes(inSpan(namingCall, 'b', '2'));
  assert.deepEqual(untraced.causes(inSpan(request, 'b', '3')), likely('call_sql', 'call_parcel'), 'nobody knows what else is in this trace');
});

test('T4.23: a span or a trace that the run, a prompt, another request or two calls have named is no call’s own', () => {
  const opened = { kind: 'decision', attributes: {}, text: '' };
  for (const before of [inSpan(opened, 'b', '2'), inSpan(prompt, 'b', '2'), inSpan(request, 'b', '2')]) {
    const calls = new Told();
    calls.causes(before);
    calls.causes(inSpan(prompt, 'a', '1'));
    calls.causes(answer);
    calls.causes(inSpan(namingCall, 'b', '2'));
    assert.deepEqual(calls.causes(inSpan(request, 'b', '2')), likely('call_sql', 'call_parcel'));
  }
  const shared = new Told();
  shared.causes(inSpan(prompt, 'a', '1'));
  shared.causes(answer);
  shared.causes(inSpan(namingCall, 'b', '2'));
  shared.causes(inSpan({ ...request, text: 'for call_sql' }, 'b', '2'));
  assert.deepEqual(shared.causes(inSpan(request, 'b', '2')), likely('call_sql', 'call_parcel'));
  const later = new Told();
  later.causes(inSpan(prompt, 'a', '1'));
  later.causes(answer);
  later.causes(inSpan(namingCall, 'b', '2'));
  later.causes(inSpan(prompt, 'b', '2'));
  assert.deepEqual(later.causes(inSpan(request, 'b', '2')), likely());
});

test('T4.23: a record that continues a request has the cause of the request if that is certain', () => {
  const calls = new Told();
  calls.causes(prompt);
  calls.causes(answer);
  calls.causes({ ...request, text: 'for call_sql' });
  assert.deepEqual(calls.causes({ ...request, partOf: 2 }), certain('call_sql'));
});

test('T4.23: a statement is likely due to the call whose arguments it carries, a tool call to its name', () => {
  const calls = new Told();
  assert.deepEqual(calls.causes(prompt), likely());
  assert.deepEqual(calls.causes(answer), likely());
  assert.deepEqual(calls.causes({ kind: 'request', attributes: { 'db.query.text': 'x' }, text: 'select 1 from orders' }), likely('call_sql'));
  assert.deepEqual(calls.causes({ kind: 'request', attributes: { 'gen_ai.tool.name': 'track_parcel' }, text: 'call_tool' }), likely('call_parcel'));
});

test('T4.23: what tells nothing is likely due to the calls that are going on, until the next prompt', () => {
  const calls = new Told();
  assert.deepEqual(calls.causes(request), likely());
  calls.causes(answer);
  assert.deepEqual(calls.causes(request), likely('call_sql', 'call_parcel'));
  calls.causes(prompt);
  assert.deepEqual(calls.causes(request), likely());
});

test('arguments that are no JSON, or no lists at all, tie nothing wrongly', () => {
  const calls = new Told();
  calls.causes({ kind: 'response', attributes: { 'gen_ai.tool.call.id': 'one', 'gen_ai.tool.call.arguments': '{"cut' }, text: '' });
  assert.deepEqual(calls.causes({ kind: 'request', attributes: {}, text: '{"cut' }), likely('one'));
});

test('T4.23: what carries the id of a call is certainly due to it; a part of an id, or a number, tells nothing', () => {
  const calls = new Told();
  calls.causes(answer);
  assert.deepEqual(calls.causes({ ...request, text: 'POST /do [call_parcel]' }), certain('call_parcel'));
  assert.deepEqual(calls.causes({ ...request, attributes: { 'mcp.note': 'for call_sql' }, text: '' }), certain('call_sql'));
  assert.deepEqual(calls.causes({ ...request, text: 'call_parcels' }), likely('call_sql', 'call_parcel'));
  calls.causes(prompt);
  calls.causes({ kind: 'response', attributes: { 'gen_ai.tool.call.id': ['1'], 'gen_ai.tool.name': ['f'] }, text: '' });
  assert.deepEqual(calls.causes({ ...request, text: 'page 1 of 1' }), likely('1'));
});

test('T4.23: an id may be several words, and is not found as a part of another', () => {
  const calls = new Told();
  calls.causes({
    kind: 'response',
    attributes: { 'gen_ai.tool.call.id': ['functions.search:0', 'functions.search:1'], 'gen_ai.tool.name': ['f', 'g'] },
    text: '',
  });
  assert.deepEqual(calls.causes({ ...request, text: '{"id":"functions.search:1"}' }), certain('functions.search:1'));
  assert.deepEqual(calls.causes({ ...request, text: '{"id":"functions.search:10"}' }), likely('functions.search:0', 'functions.search:1'));
});

test('T4.45, D31: what a hostile model asked for costs the reader of what follows next to nothing', { timeout: 120_000 }, () => {
  const input = JSON.stringify(Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`k${i}`, `aaaab${i}`])));
  const calls = new Told();
  const ids = Array.from({ length: 250 }, () => 'aaaaaa');
  calls.causes({ kind: 'response', attributes: { 'gen_ai.tool.call.id': ids, 'gen_ai.tool.call.arguments': [input] }, text: '' });
  assert.equal(calls.causes({ kind: 'request', attributes: {}, text: 'a'.repeat(16 * 1024 * 1024) }).likely.length, ids.length);
});
