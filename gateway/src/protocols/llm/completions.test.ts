import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { Attributes } from '../../domain/action.ts';
import { readModelRequest } from './model-request.ts';
import { fixture, readAnswer } from './testdata/fixtures.ts';

function asked(path: string, body: object): { readonly attributes: Attributes; readonly said: readonly string[]; readonly isWhole: boolean | undefined } {
  const { action } = readModelRequest({ method: 'POST', path, headers: [] }, Buffer.from(JSON.stringify(body)));
  const text = action.text?.();
  return { attributes: action.attributes, said: (text?.pieces ?? []).map((piece) => `${piece.role}: ${piece.text}`), isWhole: text?.isWhole };
}

function bytewise(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

describe('completions of a text', () => {
  const path = '/v1/completions';

  test('the request', () => {
    const { attributes, said, isWhole } = asked(path, { model: 'm', prompt: ['It is', 'One'], suffix: 'end', max_tokens: 5, n: 2, stream: true });
    assert.deepEqual(attributes, {
      'gen_ai.operation.name': 'text_completion',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'm',
      'gen_ai.request.stream': true,
      'gen_ai.request.max_tokens': 5,
      'gen_ai.request.choice.count': 2,
      'countersign.modalities': ['text'],
      'countersign.effects': ['read'],
    });
    assert.deepEqual([said, isWhole], [['user: It is', 'user: One', 'user: end'], true]);
    assert.equal(asked(path, { model: 'm', prompt: [[1, 2], [3]] }).isWhole, false, 'tokens are no text');
  });

  test('the answer, whole and streamed, in any cutting', () => {
    const facts = {
      'gen_ai.response.id': 'cmpl-9',
      'gen_ai.response.model': 'gpt-3.5-turbo-instruct:20230824-v2',
      'gen_ai.response.finish_reasons': ['stop', 'length'],
      'gen_ai.usage.input_tokens': 5,
      'gen_ai.usage.output_tokens': 7,
    };
    const messages = ['It is sunny 🌤.', 'It rains.'].map((content, i) => ({
      role: 'assistant',
      parts: [{ type: 'text', content }],
      finish_reason: i === 0 ? 'stop' : 'length',
    }));
    const streamed = fixture('openai-completions-stream.txt');
    assert.deepEqual(readAnswer(path, { type: 'application/json' }, [fixture('openai-completions-answer.json')]), { facts, messages });
    assert.deepEqual(readAnswer(path, { type: 'text/event-stream' }, [streamed]), { facts, messages });
    assert.deepEqual(readAnswer(path, { type: 'text/event-stream' }, bytewise(streamed)), { facts, messages });
  });
});

describe('Ollama beside its chat', () => {
  const lines = { type: 'application/x-ndjson' };

  test('a prompt: all that goes into it', () => {
    const body = { model: 'm', system: 'Be brief.', prompt: 'Why?', options: { num_predict: 5 }, stream: false };
    assert.deepEqual(asked('/api/generate', body), {
      attributes: {
        'gen_ai.operation.name': 'text_completion',
        'gen_ai.provider.name': 'ollama',
        'gen_ai.request.model': 'm',
        'gen_ai.request.stream': false,
        'gen_ai.request.max_tokens': 5,
        'countersign.modalities': ['text'],
        'countersign.effects': ['read'],
        'countersign.system_instructions.sha256': asked('/v1/messages', { system: 'Be brief.' }).attributes['countersign.system_instructions.sha256'],
      },
      said: ['system: Be brief.', 'user: Why?'],
      isWhole: true,
    });
    assert.equal(asked('/api/generate', { prompt: 'x', context: [1, 2] }).isWhole, false);
    assert.equal(asked('/api/generate', { prompt: 'x', images: ['AAAA'] }).isWhole, false);
    assert.equal(asked('/api/generate', { prompt: 'x' }).attributes['gen_ai.request.stream'], true, 'it streams unless it is told not to');
  });

  test('what the model makes of it, whole and streamed, in any cutting', () => {
    const end = { done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 4 };
    const pieces = [{ thinking: 'Hm' }, { thinking: '.' }, { response: 'Be' }, { response: 'cause.' }, { response: '', ...end }];
    const streamed = Buffer.from(pieces.map((piece) => `${JSON.stringify({ model: 'm', ...piece })}\n`).join(''));
    const expected = {
      facts: {
        'gen_ai.response.model': 'm',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.input_tokens': 3,
        'gen_ai.usage.output_tokens': 4,
      },
      messages: [
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', content: 'Hm.' },
            { type: 'text', content: 'Because.' },
          ],
          finish_reason: 'stop',
        },
      ],
    };
    const whole = Buffer.from(JSON.stringify({ model: 'm', thinking: 'Hm.', response: 'Because.', ...end }));
    assert.deepEqual(readAnswer('/api/generate', { type: 'application/json; charset=utf-8' }, [whole]), expected);
    assert.deepEqual(readAnswer('/api/generate', lines, [streamed]), expected);
    assert.deepEqual(readAnswer('/api/generate', lines, bytewise(streamed)), expected);
  });

  test('embeddings, new and old, and an error', () => {
    assert.deepEqual(asked('/api/embed', { model: 'm', input: ['a', 'b'] }).said, ['user: a', 'user: b']);
    assert.deepEqual(asked('/api/embeddings', { model: 'm', prompt: 'a' }).said, ['user: a']);
    const { facts } = readAnswer('/api/embed', { type: 'application/json' }, [Buffer.from('{"model":"m","embeddings":[[0.1]],"prompt_eval_count":2}')]);
    assert.deepEqual(facts, { 'gen_ai.response.model': 'm', 'gen_ai.usage.input_tokens': 2 });
    const failed = readAnswer('/api/chat', { type: 'application/json', status: 404 }, [Buffer.from('{"error":"model \'m\' not found"}')]);
    assert.deepEqual(failed.facts, { 'error.type': '404' });
  });
});
