import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ActionText } from '../../domain/action.ts';
import { actionText } from './action-text.ts';
import { readModelRequest } from './model-request.ts';
import { samples } from './testdata/fixtures.ts';
import type { Part } from './transcript.ts';

function textOf(path: string, body: unknown): ActionText | undefined {
  return readModelRequest({ method: 'POST', path, headers: [] }, Buffer.from(JSON.stringify(body))).action.text?.();
}

function isWhole(path: string, body: unknown): boolean | undefined {
  return textOf(path, body)?.isWhole;
}

for (const { name, path, request } of samples) {
  test(`${name}: all that is said to the model, by whom, and that there is a picture besides`, () => {
    const { action } = readModelRequest({ method: 'POST', path, headers: [] }, request);
    const said = action.text?.();
    const pieces = said?.pieces.map(({ role, text }) => `${role}: ${text.replace('{"output":"21 degrees"}', '21 degrees')}`);
    assert.deepEqual(pieces, [
      'system: You tell the weather.',
      'user: Where is this, and how is the weather there?',
      'assistant: I look it up.',
      'assistant: get_weather {"city":"Paris"}',
      'tool: 21 degrees',
      'user: And in Zürich?',
    ]);
    assert.equal(said?.isWhole, false);
    assert.ok(!JSON.stringify(action).includes('Zürich'), 'it is no attribute');
  });
}

test('text alone is whole; a part that is not understood makes it incomplete', () => {
  const chat = '/v1/chat/completions';
  const ask = (content: unknown): unknown => ({ model: 'm', messages: [{ role: 'user', content }] });
  assert.deepEqual(textOf(chat, ask('hello')), { pieces: [{ role: 'user', text: 'hello' }], isWhole: true });
  assert.equal(isWhole(chat, ask([{ type: 'text', text: 'hello' }])), true);
  for (const content of [{ type: 'text', text: 'hello' }, ['hello'], [{ type: 'new_kind', secret: 'x' }], 5]) {
    assert.equal(isWhole(chat, ask(content)), false, JSON.stringify(content));
    assert.equal(isWhole('/v1/messages', ask(content)), false, JSON.stringify(content));
    assert.equal(isWhole('/v1/responses', { input: [{ role: 'user', content }] }), false, JSON.stringify(content));
  }
  assert.equal(isWhole('/v1/responses', { input: 'x', instructions: { text: 'x' } }), false);
  const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };
  assert.equal(isWhole('/v1/messages', ask([{ type: 'tool_result', tool_use_id: 't', content: [picture] }])), false);
  assert.equal(isWhole('/v1/messages', ask([{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'x' }] }])), true);
  assert.deepEqual(textOf('/v1/embeddings', { model: 'm', input: ['a', 'b'] })?.pieces.length, 2);
  assert.equal(isWhole('/v1/embeddings', { model: 'm', input: [1, 2, 3] }), false);
});

test('an object is read as a list of one, as Google does', () => {
  const path = '/v1beta/models/x:generateContent';
  const said = textOf(path, { system_instruction: { parts: { text: 'rule' } }, contents: { parts: { text: 'hello' } }, tools: { googleSearch: {} } });
  assert.deepEqual(said, {
    pieces: [
      { role: 'system', text: 'rule' },
      { role: 'user', text: 'hello' },
    ],
    isWhole: true,
  });
});

test('where nothing is known there is no text, which is not the empty text', () => {
  assert.equal(textOf('/v1/files', {}), undefined);
  assert.equal(textOf('/model/amazon.titan-embed-text-v2%3A0/invoke', { inputText: 'x' }), undefined);
  assert.equal(readModelRequest({ method: 'GET', path: '/v1/models', headers: [] }, new Uint8Array()).action.text, undefined);
});

test('text and pieces past the limits are left out, and it says so', () => {
  const text = (content: string): Part => ({ type: 'text', content });
  const half = 'x'.repeat(5 * 1024 * 1024);
  const long = actionText([{ role: 'user', parts: [text(half), text(half), text('y')] }]);
  assert.equal(long.isWhole, false);
  assert.equal(
    long.pieces.reduce((sum, piece) => sum + piece.text.length, 0),
    8 * 1024 * 1024,
  );
  const many = actionText([{ role: 'user', parts: Array.from({ length: 65_537 }, () => text('x')) }]);
  assert.deepEqual([many.pieces.length, many.isWhole], [65_536, false]);
});
