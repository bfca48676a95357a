import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Attributes } from '../../domain/action.ts';
import { readAnswer as readFrames } from '../../exchange/reading.ts';
import { ModelAnswer } from './answer.ts';
import { readMessages, readModelRequest } from './model-request.ts';
import { type Api, findApi } from './apis.ts';
import { cutAt, readAnswer, samples } from './testdata/fixtures.ts';
import type { Message, Part } from './transcript.ts';

/** The conversation of all samples, in the common form. */
const conversation: readonly Message[] = [
  { role: 'system', parts: [{ type: 'text', content: 'You tell the weather.' }] },
  {
    role: 'user',
    parts: [
      { type: 'text', content: 'Where is this, and how is the weather there?' },
      { type: 'blob', modality: 'image', mime_type: 'image/png', size: 8, sha256: '4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6' },
    ],
  },
  {
    role: 'assistant',
    parts: [
      { type: 'text', content: 'I look it up.' },
      { type: 'tool_call', id: 'call_0', name: 'get_weather', arguments: { city: 'Paris' } },
    ],
  },
  { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_0', response: '21 degrees' }] },
  { role: 'user', parts: [{ type: 'text', content: 'And in Zürich?' }] },
];

const answered: readonly Part[] = [
  { type: 'reasoning', content: 'Two cities, two calls.' },
  { type: 'text', content: 'I look at both 🌤.' },
  { type: 'tool_call', id: 'call_1', name: 'get_weather', arguments: { city: 'Paris' } },
  { type: 'tool_call', id: 'call_2', name: 'get_weather', arguments: { city: 'Zürich' } },
];

/** Facts of the answer that all APIs have. */
const sharedFacts: Attributes = {
  'gen_ai.usage.input_tokens': 120,
  'gen_ai.usage.output_tokens': 60,
  'gen_ai.usage.cache_read.input_tokens': 64,
  'gen_ai.tool.name': ['get_weather', 'get_weather'],
  'gen_ai.tool.call.id': ['call_1', 'call_2'],
  'gen_ai.tool.call.arguments': ['{"city":"Paris"}', '{"city":"Zürich"}'],
};

const ofOpenai = { 'gen_ai.response.model': 'gpt-4o-2024-08-06', 'gen_ai.usage.reasoning.output_tokens': 12 };
const ofClaude = { 'gen_ai.response.finish_reasons': ['tool_use'], 'gen_ai.usage.cache_creation.input_tokens': 20 };
const claudeMessage = { ...ofClaude, 'gen_ai.response.id': 'msg_9', 'gen_ai.response.model': 'claude-sonnet-4-5-20250929' };

const ownFacts: Readonly<Record<string, Attributes>> = {
  'openai-chat': { ...ofOpenai, 'gen_ai.response.id': 'chatcmpl-9', 'gen_ai.response.finish_reasons': ['tool_calls'] },
  'openai-responses': {
    ...ofOpenai,
    'gen_ai.response.id': 'resp_9',
    'gen_ai.response.finish_reasons': ['completed'],
    'gen_ai.conversation.id': 'conv_1',
  },
  anthropic: claudeMessage,
  gemini: {
    'gen_ai.response.id': 'resp-9',
    'gen_ai.response.model': 'gemini-2.5-pro',
    'gen_ai.response.finish_reasons': ['STOP'],
    'gen_ai.usage.reasoning.output_tokens': 12,
  },
  'bedrock-converse': ofClaude,
  'bedrock-invoke': claudeMessage,
  'vertex-claude': claudeMessage,
  'ollama-chat': { 'gen_ai.response.model': 'qwen3:8b', 'gen_ai.response.finish_reasons': ['stop'] },
};

/** Returns the facts of a sample. Ollama states no facts about caches. */
function factsOf(name: string): Attributes {
  const { 'gen_ai.usage.cache_read.input_tokens': cacheRead, ...uncached } = sharedFacts;
  return {
    ...uncached,
    ...(name === 'ollama-chat' || cacheRead === undefined ? {} : { 'gen_ai.usage.cache_read.input_tokens': cacheRead }),
    ...ownFacts[name],
  };
}

const sharedParameters: Attributes = {
  'gen_ai.request.max_tokens': 400,
  'gen_ai.request.temperature': 0.2,
  'gen_ai.request.top_p': 0.9,
  'gen_ai.tool.definitions': ['get_weather', 'get_time'],
  'countersign.modalities': ['text', 'image'],
  'countersign.effects': ['read'],
  'countersign.system_instructions.sha256': createHash('sha256').update('You tell the weather.').digest('hex'),
};

const claude = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const ownParameters: Readonly<Record<string, Attributes>> = {
  'openai-chat': { ...chat('openai', 'gpt-4o', true), 'gen_ai.request.seed': 7 },
  'openai-responses': { ...chat('openai', 'gpt-4o', true), 'gen_ai.conversation.id': 'conv_1' },
  anthropic: chat('anthropic', 'claude-sonnet-4-5', true),
  gemini: {
    ...chat('gcp.gemini', 'gemini-2.5-pro', false),
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.request.seed': 7,
    'gen_ai.request.choice.count': 1,
  },
  'bedrock-converse': chat('aws.bedrock', claude, false),
  'bedrock-invoke': chat('aws.bedrock', claude, false),
  'vertex-claude': chat('gcp.vertex_ai', 'claude-sonnet-4-5@20250929', true),
  'ollama-chat': { ...chat('ollama', 'qwen3:8b', true), 'gen_ai.request.seed': 7 },
};

function chat(provider: string, model: string, isStream: boolean): Attributes {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model,
    'gen_ai.request.stream': isStream,
  };
}

function head(path: string): { readonly method: string; readonly path: string; readonly headers: [] } {
  return { method: 'POST', path, headers: [] };
}

function apiOf(path: string): Api {
  const api = findApi(head(path));
  assert.ok(api);
  return api;
}

for (const { name, path, request, answer, streams } of samples) {
  describe(name, () => {
    // Chat Completions does not tell what the model thought; the finish reason is each API's own.
    const parts = name === 'openai-chat' ? answered.slice(1) : answered;
    const facts = factsOf(name);
    const messages = [{ role: 'assistant', parts, finish_reason: String(facts['gen_ai.response.finish_reasons']) }];

    test('the request', () => {
      const { action } = readModelRequest(head(path), request);
      assert.equal(action.name, 'llm.chat');
      assert.deepEqual(action.attributes, { ...sharedParameters, ...ownParameters[name] });
      // Gemini's results are objects; Ollama does not say what kind of picture it is.
      const [from, to] = name === 'gemini' ? ['"21 degrees"', '{"output":"21 degrees"}'] : name === 'ollama-chat' ? ['"image/png"', 'null'] : ['', ''];
      const expected = JSON.parse(JSON.stringify(conversation).replace(from, to));
      const read = (readMessages(apiOf(path), request) ?? []).map((message) => ({ ...message, parts: message.parts.filter((part) => part.type !== 'other') }));
      assert.deepEqual(read, expected);
    });

    test('the whole answer', () => {
      assert.deepEqual(readAnswer(path, { type: 'application/json' }, [answer]), { facts, messages });
    });

    for (const stream of streams) {
      test(`the answer as a stream of ${stream.type}`, () => {
        assert.equal(readModelRequest(head(stream.path), request).action.attributes['gen_ai.request.stream'], true);
        assert.deepEqual(readAnswer(stream.path, stream, [stream.bytes]), { facts, messages });
      });

      test(`the time to the first chunk of a stream of ${stream.type} is a fact`, () => {
        const read = (type: string, bytes: Uint8Array): Attributes => {
          const reader = new ModelAnswer(apiOf(stream.path).shape);
          readFrames(reader, { status: 200, headers: [['content-type', type]] }, [Buffer.from(bytes)]);
          return reader.firstBytes(0.25);
        };
        assert.deepEqual(read(stream.type, stream.bytes), { 'gen_ai.response.time_to_first_chunk': 0.25 });
        assert.deepEqual(read('application/json', answer), {});
      });

      test(`any cutting of the stream of ${stream.type} reads the same`, () => {
        const bytewise = Array.from(stream.bytes, (byte) => Uint8Array.of(byte));
        assert.deepEqual(readAnswer(stream.path, stream, bytewise), { facts, messages });
        fc.assert(
          fc.property(fc.array(fc.nat(), { maxLength: 20 }), (places) => {
            assert.deepEqual(readAnswer(stream.path, stream, cutAt(stream.bytes, places)), { facts, messages });
          }),
          { numRuns: 40 },
        );
      });

      test(`a stream of ${stream.type} that is cut keeps what came before`, () => {
        const before = stream.bytes.subarray(0, stream.bytes.length * 0.55);
        const cut = readAnswer(stream.path, stream, [before]);
        const [message] = cut.messages;
        assert.ok(message !== undefined && message.parts.length > 0);
        assert.equal(message.finish_reason, undefined);
        const texts = message.parts.flatMap((part) => (part.type === 'text' ? [part.content] : []));
        assert.ok('I look at both 🌤.'.startsWith(texts.join('')));
        assert.equal(cut.facts['error.type'], undefined);
      });
    }

    test('damaged bytes never throw, whole or streamed', () => {
      const sources = [{ path, type: 'application/json', bytes: answer }, ...streams];
      fc.assert(
        fc.property(
          fc.constantFrom(...sources),
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
          fc.array(fc.nat(), { maxLength: 4 }),
          (source, changes, places) => {
            const damaged = Buffer.from(source.bytes);
            for (const [at, byte] of changes) {
              damaged[at % damaged.length] = byte;
            }
            const read = readAnswer(source.path, source, cutAt(damaged, places));
            assert.ok(Array.isArray(read.messages));
          },
        ),
        { numRuns: 60 },
      );
    });
  });
}
