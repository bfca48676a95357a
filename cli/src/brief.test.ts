import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ShownRecord } from '@countersign/gateway/api';
import { briefly } from './brief.ts';
import { saidIn } from './said.ts';

const answer = (attributes: ShownRecord['attributes'], text = ''): ShownRecord => ({
  session: '0'.repeat(32),
  seq: 4,
  time: '2026-01-02T03:04:05.678Z',
  channel: 2,
  target: 'model',
  protocol: 'any',
  kind: 'response',
  action: null,
  principal: 'bot',
  verdict: null,
  policies: [],
  attributes: { 'countersign.duration_ms': 7, ...attributes },
  content: { mediaType: 'text/plain', text, bytes: text.length },
  record: 'x/1',
});

async function lineOf(record: ShownRecord): Promise<string> {
  async function* given(): AsyncGenerator<ShownRecord> {
    yield await Promise.resolve(record);
  }
  const lines: string[] = [];
  for await (const line of briefly(given())) {
    lines.push(line);
  }
  return lines.join('\n');
}

test('T4.34: what a model said reads the same at a glance as in the timeline', async () => {
  const parts = [
    { type: 'reasoning', content: 'Hm.' },
    { type: 'tool_call', name: 'run_sql', id: 'call_1', arguments: { q: 1 } },
  ];
  const messages = JSON.stringify([{ role: 'assistant', parts, finish_reason: 'tool_calls' }]);
  const said = saidIn(messages);
  assert.deepEqual(said, ['reasoning: Hm.', 'tool call run_sql({"q":1}) [call_1]', 'finished: tool_calls']);
  assert.equal(await lineOf(answer({ 'gen_ai.output.messages': messages })), `03:04:05.678 ← model ${said.slice(0, 2).join(' ')}`);
});

test('T4.34: a summary is short enough to read at a glance', async () => {
  assert.equal(await lineOf(answer({ 'countersign.summary': '2 parameters' }, 'a = 1')), '03:04:05.678 ← model 2 parameters');
});

test('T4.34: an answer over WebSocket has one line, and its pieces have none', async () => {
  const spoken = (text: string, attributes: ShownRecord['attributes'] = {}): ShownRecord => ({
    ...answer({}, text),
    attributes: {
      'countersign.websocket.opcode': 'text',
      'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: text }] }]),
      ...attributes,
    },
  });
  assert.equal(await lineOf(spoken('hel')), '');
  assert.equal(await lineOf(spoken('hello', { 'gen_ai.response.finish_reasons': ['completed'] })), '03:04:05.678 ← model hello');
});
