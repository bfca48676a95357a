import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { awsEvent, awsException } from './testdata/aws-messages.ts';
import { cutAt, fixture, readAnswer, samples } from './testdata/fixtures.ts';
import { readAnswer as readBy } from '../../exchange/reading.ts';
import { readModelRequest } from './model-request.ts';

const chat = '/v1/chat/completions';
const json = 'application/json';
const sse = 'text/event-stream';
const aws = 'application/vnd.amazon.eventstream';

function facts(path: string, head: Parameters<typeof readAnswer>[1], ...bodies: readonly (Uint8Array | string | object)[]): Readonly<Record<string, unknown>> {
  const pieces = bodies.map((body) => (typeof body === 'string' ? Buffer.from(body) : body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))));
  return readAnswer(path, head, pieces).facts;
}

describe('errors', () => {
  const whole: readonly (readonly [string, string, number, object, string])[] = [
    ['OpenAI', chat, 429, { error: { message: 'Slow down', type: 'requests', param: null, code: 'rate_limit_exceeded' } }, 'rate_limit_exceeded'],
    ['OpenAI without a code', chat, 400, { error: { message: 'No', type: 'invalid_request_error', param: null, code: null } }, 'invalid_request_error'],
    ['Azure', '/openai/deployments/x/chat/completions', 404, { error: { code: 'DeploymentNotFound', message: 'No' } }, 'DeploymentNotFound'],
    ['OpenRouter', '/api/v1/chat/completions', 402, { error: { code: 402, message: 'No credit' } }, '402'],
    ['Responses', '/v1/responses', 404, { error: { message: 'No', type: 'invalid_request_error', code: 'model_not_found' } }, 'model_not_found'],
    ['Embeddings', '/v1/embeddings', 401, { error: { message: 'No', type: 'invalid_request_error', code: 'invalid_api_key' } }, 'invalid_api_key'],
    ['Anthropic', '/v1/messages', 529, { type: 'error', error: { type: 'overloaded_error', message: 'Busy' }, request_id: 'req_1' }, 'overloaded_error'],
    ['Gemini', '/v1beta/models/x:generateContent', 429, { error: { code: 429, message: 'No', status: 'RESOURCE_EXHAUSTED' } }, 'RESOURCE_EXHAUSTED'],
    ['a text in place of a name', chat, 400, { error: { message: 'No', code: 'the prompt "my secret" is too long' } }, '_OTHER'],
    ['something else', chat, 503, { detail: 'down' }, '503'],
    ['an unknown API', '/v1/files', 500, {}, '500'],
  ];
  for (const [name, path, status, body, expected] of whole) {
    test(name, () => {
      assert.deepEqual(facts(path, { type: json, status }, body), { 'error.type': expected });
    });
  }

  test('Bedrock names it in a header, with or without a namespace', () => {
    for (const value of ['ThrottlingException', 'ThrottlingException:http://internal.amazon.com/coral/x/']) {
      const head = { type: json, status: 429, headers: [['x-amzn-errortype', value]] as const };
      assert.deepEqual(facts('/model/x/converse', head, { message: 'Slow down' }), { 'error.type': 'ThrottlingException' });
    }
  });

  test('a body that is no JSON, and none at all', () => {
    assert.deepEqual(facts(chat, { type: 'text/html', status: 502 }, '<html>Bad gateway</html>'), { 'error.type': '502' });
    assert.deepEqual(facts(chat, { type: json, status: 500 }), { 'error.type': '500' });
    assert.deepEqual(facts(chat, { type: json, status: 200 }), {});
  });

  test('in the middle of a stream: what came before is kept', () => {
    const begun = fixture('openai-chat-stream.txt').toString().split('\n\n').slice(0, 3).join('\n\n');
    const openai = facts(chat, { type: sse }, `${begun}\n\ndata: {"error":{"message":"The server had an error","type":"server_error"}}\n\n`);
    assert.deepEqual([openai['gen_ai.response.id'], openai['error.type']], ['chatcmpl-9', 'server_error']);

    const anthropic = facts(
      '/v1/messages',
      { type: sse },
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    );
    assert.deepEqual(anthropic, { 'error.type': 'overloaded_error' });

    const responses = facts(
      '/v1/responses',
      { type: sse },
      'event: error\ndata: {"type":"error","code":"server_error","message":"x","param":null,"sequence_number":1}\n\n',
    );
    assert.deepEqual(responses, { 'error.type': 'server_error' });
    const failed = { type: 'response.failed', response: { id: 'resp_1', status: 'failed', error: { code: 'rate_limit_exceeded', message: 'x' } } };
    assert.deepEqual(facts('/v1/responses', { type: sse }, `data: ${JSON.stringify(failed)}\n\n`), {
      'gen_ai.response.id': 'resp_1',
      'gen_ai.response.finish_reasons': ['failed'],
      'error.type': 'rate_limit_exceeded',
    });

    const bedrock = Buffer.concat([awsEvent('messageStart', { role: 'assistant' }), awsException('throttlingException', 'Too many')]);
    for (const path of ['/model/x/converse-stream', '/model/x/invoke-with-response-stream']) {
      assert.deepEqual(facts(path, { type: aws }, bedrock), { 'error.type': 'ThrottlingException' });
    }
    assert.deepEqual(facts('/v1beta/models/x:streamGenerateContent', { type: json }, [{ error: { code: 503, status: 'UNAVAILABLE', message: 'x' } }]), {
      'error.type': 'UNAVAILABLE',
    });
  });
});

describe('answers of other kinds', () => {
  test('counted tokens', () => {
    assert.deepEqual(facts('/v1/messages/count_tokens', { type: json }, { input_tokens: 14 }), { 'gen_ai.usage.input_tokens': 14 });
    assert.deepEqual(facts('/v1/responses/input_tokens', { type: json }, { object: 'response.input_tokens', input_tokens: 11 }), {
      'gen_ai.usage.input_tokens': 11,
    });
    assert.deepEqual(facts('/v1beta/models/x:countTokens', { type: json }, { totalTokens: 31 }), { 'gen_ai.usage.input_tokens': 31 });
    assert.deepEqual(facts('/model/x/count-tokens', { type: json }, { inputTokens: 15 }), { 'gen_ai.usage.input_tokens': 15 });
  });

  test('embeddings', () => {
    const body = {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.1] }],
      model: 'text-embedding-3-small',
      usage: { prompt_tokens: 8, total_tokens: 8 },
    };
    assert.deepEqual(facts('/v1/embeddings', { type: json }, body), { 'gen_ai.response.model': 'text-embedding-3-small', 'gen_ai.usage.input_tokens': 8 });
  });

  test('several choices, each with its finish reason', () => {
    const choice = (index: number, reason: string): object => ({ index, message: { content: `${index}` }, finish_reason: reason });
    const { messages, facts: read } = readAnswer(chat, { type: json }, [Buffer.from(JSON.stringify({ choices: [choice(1, 'length'), choice(0, 'stop')] }))]);
    assert.deepEqual(read['gen_ai.response.finish_reasons'], ['stop', 'length']);
    assert.deepEqual(
      messages.map(({ parts }) => parts),
      [[{ type: 'text', content: '0' }], [{ type: 'text', content: '1' }]],
    );
  });

  test('Responses that are incomplete say why', () => {
    const body = { id: 'r', status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: [] };
    assert.deepEqual(facts('/v1/responses', { type: json }, body)['gen_ai.response.finish_reasons'], ['max_output_tokens']);
  });

  test('a prompt that Gemini blocks', () => {
    assert.deepEqual(facts('/v1beta/models/x:generateContent', { type: json }, { promptFeedback: { blockReason: 'SAFETY' } }), {
      'gen_ai.response.finish_reasons': ['SAFETY'],
    });
  });

  test('tools that the provider ran are no calls of the client', () => {
    const block = { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } };
    const whole = { type: 'message', content: [block, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }] };
    const read = readAnswer('/v1/messages', { type: json }, [Buffer.from(JSON.stringify(whole))]);
    assert.deepEqual(read.facts, {});
    assert.deepEqual(read.messages[0]?.parts[0], { type: 'server_tool_call', id: 'srvtoolu_1', name: 'web_search', arguments: { query: 'x' } });
    const item = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'x' } };
    const responses = readAnswer('/v1/responses', { type: json }, [Buffer.from(JSON.stringify({ output: [item] }))]);
    assert.deepEqual(responses.messages[0]?.parts, [{ type: 'server_tool_call', id: 'ws_1', name: 'web_search', arguments: { type: 'search', query: 'x' } }]);
  });

  test('reasoning as servers compatible with OpenAI give it', () => {
    const body = {
      choices: [
        { index: 0, delta: { reasoning_content: 'hm' } },
        { index: 0, delta: { reasoning: ' so', content: 'yes' } },
      ],
    };
    const { messages } = readAnswer(chat, { type: json }, [Buffer.from(JSON.stringify(body))]);
    assert.deepEqual(messages[0]?.parts, [
      { type: 'reasoning', content: 'hm so' },
      { type: 'text', content: 'yes' },
    ]);
  });
});

describe('hostile answers', () => {
  test('what cannot be read is counted', () => {
    assert.deepEqual(facts(chat, { type: sse }, 'data: {"id":\n\ndata: 7\n\ndata: {"id":"a"}\n\n'), {
      'gen_ai.response.id': 'a',
      'countersign.unread_events': 2,
      'countersign.is_whole': false,
    });
    assert.deepEqual(facts(chat, { type: json }, '{"id":"a"'), { 'countersign.unread_events': 1, 'countersign.is_whole': false });
    assert.deepEqual(facts('/model/x/converse-stream', { type: aws }, Buffer.alloc(40)), { 'countersign.unread_events': 1, 'countersign.is_whole': false });
  });

  test('tool calls past their limits are counted, their arguments cut', () => {
    const calls = Array.from({ length: 1100 }, (_, i) => ({ id: `c${i}`, function: { name: 'f', arguments: 'x'.repeat(i === 1 ? 100_000 : 0) } }));
    const read = facts(chat, { type: json }, { choices: [{ message: { tool_calls: calls } }] });
    const [names, args] = [read['gen_ai.tool.name'], read['gen_ai.tool.call.arguments']];
    assert.ok(Array.isArray(names) && Array.isArray(args));
    assert.deepEqual([names.length, String(args[1]).length, read['countersign.unread_events']], [1024, 64 * 1024, 77]);
  });

  test('no call hides behind another that has its place', () => {
    const chunk = (id: string, args: string): object => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id, function: { name: id, arguments: args } }] } }],
    });
    const stream = [chunk('a', '{"x":'), chunk('', '1}'), chunk('b', '{}')].map((each) => `data: ${JSON.stringify(each)}\n\n`).join('');
    const openai = facts(chat, { type: sse }, stream);
    assert.deepEqual(
      [openai['gen_ai.tool.call.id'], openai['gen_ai.tool.call.arguments']],
      [
        ['a', 'b'],
        ['{"x":1}', '{}'],
      ],
    );
    const blocks = [
      { type: 'server_tool_use', id: 'a', name: 'web_search' },
      { type: 'tool_use', id: 'b', name: 'pay' },
    ];
    const events = blocks.map((block) => `data: ${JSON.stringify({ type: 'content_block_start', index: 0, content_block: block })}\n\n`).join('');
    assert.deepEqual(facts('/v1/messages', { type: sse }, events)['gen_ai.tool.name'], ['pay']);
  });

  test('choices past their limit', () => {
    const choices = Array.from({ length: 200 }, (_, index) => ({ index, finish_reason: 'stop' }));
    const read = facts(chat, { type: json }, { choices });
    assert.equal(read['countersign.unread_events'], 72);
  });

  test('C31: values nested deeper than the stack', () => {
    const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
    const body = `{"type":"message","content":[{"type":"tool_use","id":"t","name":"f","input":${deep}}]}`;
    assert.deepEqual(facts('/v1/messages', { type: json }, body)['gen_ai.tool.name'], ['f']);
  });

  test('any JSON in any place never throws', () => {
    const names = [
      'choices',
      'delta',
      'message',
      'error',
      'usage',
      'type',
      'content',
      'tool_calls',
      'output',
      'item',
      'response',
      'candidates',
      'parts',
      'chunk',
      'bytes',
      'index',
      'constructor',
    ];
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    const paths = fc.constantFrom(...samples.map(({ path }) => path));
    fc.assert(
      fc.property(paths, fc.array(fc.dictionary(fc.constantFrom(...names), values)), (path, bodies) => {
        const whole = readAnswer(path, { type: json }, [Buffer.from(JSON.stringify(bodies))]);
        const stream = readAnswer(path, { type: sse }, [Buffer.from(bodies.map((body) => `data: ${JSON.stringify(body)}\n\n`).join(''))]);
        assert.deepEqual(whole, stream);
      }),
      { numRuns: 300 },
    );
  });

  test('any bytes never throw', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...samples.map(({ path }) => path)),
        fc.constantFrom(json, sse, aws),
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.nat()),
        (path, type, bytes, places) => {
          assert.deepEqual(readAnswer(path, { type }, cutAt(bytes, places)), readAnswer(path, { type }, [bytes]));
        },
      ),
    );
  });
});

test('tokens that the target does not say are estimated: it never does, or its client left before', () => {
  const asked = Buffer.from(JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'x'.repeat(331) }] }));
  assert.equal(asked.length, 400);
  const estimated = (path: string, ...events: readonly object[]): unknown => {
    const { answer } = readModelRequest({ method: 'POST', path, headers: [] }, asked);
    readBy(answer, { status: 200, headers: [['content-type', sse]] }, [Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))]);
    return answer.facts()['countersign.estimated_tokens'];
  };
  const piece = (content: string, reason: string | null = null): object => ({ choices: [{ index: 0, delta: { content }, finish_reason: reason }] });
  const usage = { choices: [], usage: { prompt_tokens: 90, completion_tokens: 2 } };
  assert.equal(estimated(chat, piece('y'.repeat(40)), piece('', 'stop')), 110);
  assert.equal(estimated(chat, piece('y'.repeat(40)), piece('', 'stop'), usage), undefined, 'what it says counts');
  assert.equal(estimated(chat, piece('y'.repeat(40))), 110, 'the client left');
  const begin = { type: 'message_start', message: { usage: { input_tokens: 80, output_tokens: 1 } } };
  const text = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'y'.repeat(40) } };
  assert.equal(estimated('/v1/messages', begin, text), 9, 'it had said one of ten');
});
