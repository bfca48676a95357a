import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { Action, Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { actions } from './actions.ts';
import { readModelRequest } from './model-request.ts';
import { liveAction } from './live.ts';
import { samples } from './testdata/fixtures.ts';

type Headers = readonly (readonly [string, string])[];

function actionOf(method: string, path: string, body: unknown = {}, headers: Headers = []): Action {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  return readModelRequest({ method, path, headers }, bytes).action;
}

/** Action, provider, and the model if there is one. */
function found(method: string, path: string, headers: Headers = []): string {
  const { name, attributes } = actionOf(method, path, { model: 'm', anthropic_version: 'x' }, headers);
  return [name, attributes['gen_ai.provider.name'], attributes['gen_ai.request.model']].filter((word) => word !== undefined).join(' ');
}

function parameters(path: string, body: unknown): Attributes {
  return actionOf('POST', path, body).attributes;
}

describe('which API it is', () => {
  const expected: readonly (readonly [string, string])[] = [
    ['POST /v1/chat/completions', 'llm.chat openai m'],
    ['POST /chat/completions', 'llm.chat openai m'],
    ['POST /api/v1/chat/completions', 'llm.chat openai m'],
    ['POST /v1beta/openai/chat/completions', 'llm.chat openai m'],
    ['POST /openai/v1/chat/completions', 'llm.chat azure.ai.openai m'],
    ['POST /openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21', 'llm.chat azure.ai.openai my gpt'],
    ['POST /openai/deployments/ada/embeddings?api-version=2024-10-21', 'llm.embed azure.ai.openai ada'],
    ['POST /v1/responses', 'llm.chat openai m'],
    ['POST /v1/responses/input_tokens', 'llm.count_tokens openai m'],
    ['POST /v1/embeddings', 'llm.embed openai m'],
    ['GET /v1/models', 'llm.list_models openai'],
    ['GET /v1/models/gpt-4o', 'llm.list_models openai gpt-4o'],
    ['GET /v1beta/models?pageSize=50', 'llm.list_models gcp.gemini'],
    ['POST /v1/messages?beta=true', 'llm.chat anthropic m'],
    ['POST /messages', 'llm.chat anthropic m'],
    ['POST /v1/messages/count_tokens', 'llm.count_tokens anthropic m'],
    ['POST /v1beta/models/gemini-2.5-pro:generateContent', 'llm.chat gcp.gemini gemini-2.5-pro'],
    ['POST /v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse', 'llm.chat gcp.gemini gemini-2.5-pro'],
    ['POST /v1beta/tunedModels/mine:generateContent', 'llm.chat gcp.gemini tunedModels/mine'],
    ['POST /v1/models/gemini-2.5-pro:countTokens', 'llm.count_tokens gcp.gemini gemini-2.5-pro'],
    ['POST /v1beta/models/gemini-embedding-001:batchEmbedContents', 'llm.embed gcp.gemini gemini-embedding-001'],
    ['POST /v1/projects/p/locations/global/publishers/google/models/gemini-2.5-pro:generateContent', 'llm.chat gcp.vertex_ai gemini-2.5-pro'],
    ['POST /model/amazon.nova-lite-v1%3A0/converse', 'llm.chat aws.bedrock amazon.nova-lite-v1:0'],
    ['POST /model/amazon.nova-lite-v1:0/converse-stream', 'llm.chat aws.bedrock amazon.nova-lite-v1:0'],
    ['POST /model/x/count-tokens', 'llm.count_tokens aws.bedrock x'],
    ['POST /model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/invoke', 'llm.chat aws.bedrock arn:aws:bedrock:us-east-1:1:inference-profile/x'],
    ['POST /model/x/invoke-with-response-stream', 'llm.chat aws.bedrock x'],
    ['POST /v1/completions', 'llm.chat openai m'],
    ['POST /openai/deployments/babbage/completions', 'llm.chat azure.ai.openai babbage'],
    ['POST /api/v1/completions', 'llm.chat openai m'],
    ['POST /api/v1/messages', 'llm.chat anthropic m'],
    ['POST /v1/publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse', 'llm.chat gcp.vertex_ai gemini-2.5-pro'],
    ['POST /v1/projects/p/locations/global/publishers/anthropic/models/claude-opus-4@20250514:rawPredict', 'llm.chat gcp.vertex_ai claude-opus-4@20250514'],
    ['POST /v1/projects/p/locations/eu/publishers/anthropic/models/claude-opus-4%4020250514:streamRawPredict', 'llm.chat gcp.vertex_ai claude-opus-4@20250514'],
    ['POST /v1/projects/p/locations/eu/publishers/anthropic/models/count-tokens:rawPredict', 'llm.count_tokens gcp.vertex_ai m'],
    ['POST /v1beta1/projects/p/locations/eu/endpoints/openapi/chat/completions', 'llm.chat gcp.vertex_ai m'],
    ['POST /api/chat', 'llm.chat ollama m'],
    ['POST /api/generate', 'llm.chat ollama m'],
    ['POST /api/embed', 'llm.embed ollama m'],
    ['POST /api/embeddings', 'llm.embed ollama m'],
    ['POST /api/show', 'llm.list_models ollama m'],
    ['GET /api/tags', 'llm.list_models ollama'],
    ['GET /api/ps', 'llm.list_models ollama'],
  ];
  for (const [request, expectation] of expected) {
    test(request, () => {
      const [method = '', path = ''] = request.split(' ');
      assert.equal(found(method, path), expectation);
    });
  }

  test('models of Anthropic and Gemini are told apart by their headers', () => {
    assert.equal(found('GET', '/v1/models', [['anthropic-version', '2023-06-01']]), 'llm.list_models anthropic');
    assert.equal(found('GET', '/v1/models', [['x-goog-api-key', '']]), 'llm.list_models gcp.gemini');
  });

  test('each action is one of the catalogue, and all of the catalogue is found', () => {
    const live = liveAction({ method: 'GET', path: '/v1/realtime?model=m', headers: [] });
    const names = [...expected.map(([, words]) => words.replace(/ .*/, '')), live?.name ?? ''];
    assert.deepEqual(
      [...new Set(names)].toSorted((a, b) => a.localeCompare(b)),
      actions.map(({ name }): string => name).toSorted((a, b) => a.localeCompare(b)),
    );
  });
});

test('T4.25: an API over WebSocket is found by its address', () => {
  const at = (path: string): unknown => liveAction({ method: 'GET', path, headers: [] })?.attributes['gen_ai.provider.name'];
  assert.equal(at('/v1/realtime?model=m'), 'openai');
  assert.equal(at('/openai/v1/realtime?model=m'), 'azure.ai.openai');
  assert.equal(at('/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent'), 'gcp.gemini');
  assert.equal(at('/v1/responses'), 'openai');
  assert.equal(at('/v1/responses/resp_1'), undefined);
  assert.equal(at('/v1/chat/completions'), undefined);
  assert.throws(() => at('/v1/realtime?model=a&model=b'), { code: 'malformed' });
});

describe('what is not known is unknown', () => {
  const requests = [
    'GET /v1/chat/completions',
    'POST /v1/chat/completions/',
    'POST /v1/chat/completions/x',
    'POST /v1//chat/completions',
    'POST /x/v1/chat/completions',
    'POST /V1/CHAT/COMPLETIONS',
    'GET /v1/responses/resp_1',
    'DELETE /v1/models/mine',
    'POST /v1/messages/batches',
    'POST /v1/files',
    'POST /v1beta/models/x:generateContent/y',
    'POST /v1beta/models/x%3AgenerateContent',
    'POST /v1beta/cachedContents',
    'POST /model/a/b/converse',
    'POST /api/pull',
    'DELETE /api/delete',
    'POST /api/tags',
    'POST /v1/projects/p/locations/eu/publishers/mistralai/models/codestral:rawPredict',
    'POST /v1/projects/p/locations/eu/publishers/google/models/text-embedding-005:predict',
    'POST /tokenize',
    'POST /',
    'POST ',
  ];
  for (const request of requests) {
    test(request, () => {
      const [method = '', path = ''] = request.split(' ');
      // The body is not looked at.
      const attributes = { 'http.request.method': method, 'url.path': path.replace('%3A', ':'), 'countersign.effects': ['unknown'] };
      assert.deepEqual(actionOf(method, `${path}?key=secret`, 'no JSON'), { name: 'unknown', attributes });
    });
  }

  test('a header that overrides the method, a body that is coded', () => {
    const path = '/v1beta/models/x:generateContent';
    for (const header of ['x-http-method-override', 'x-http-method', 'x-method-override', 'x_http_method_override']) {
      assert.equal(actionOf('POST', path, {}, [[header, 'GET']]).name, 'unknown');
    }
    assert.equal(actionOf('POST', path, {}, [['content-encoding', 'gzip']]).name, 'unknown');
    assert.equal(actionOf('POST', path, {}, [['content-encoding', 'Identity']]).name, 'llm.chat');
  });

  test('a body of its own that a model takes through InvokeModel', () => {
    const { name, attributes } = actionOf('POST', '/model/amazon.titan-embed-text-v2%3A0/invoke', { inputText: 'x' });
    assert.equal(name, 'unknown');
    assert.equal(attributes['gen_ai.request.model'], 'amazon.titan-embed-text-v2:0');
  });
});

function refusal(path: string, body: unknown): string {
  try {
    actionOf('POST', path, body);
  } catch (error) {
    assert.ok(error instanceof GatewayError);
    assert.doesNotMatch(error.message, /secret/);
    return error.code;
  }
  return 'let through';
}

describe('requests that may be read in two ways', () => {
  const chat = '/v1/chat/completions';
  const gemini = '/v1beta/models/x:generateContent';

  test('A12: keys given twice, or in another case, at any level', () => {
    for (const { path } of samples) {
      assert.equal(refusal(path, '{"model":"secret","model":"b"}'), 'malformed', path);
      assert.equal(refusal(path, '{"tools":[],"Tools":[]}'), 'malformed', path);
      assert.equal(refusal(path, '{"messages":[{"content":[{"type":"text","TYPE":"x"}]}]}'), 'malformed', path);
      assert.equal(refusal(path, '{"__proto__":{"model":"x"}}'), 'malformed', path);
    }
  });

  test('A12: a key that servers may take for another, as it differs only in case', () => {
    assert.equal(refusal(chat, { Model: 'secret', messages: [] }), 'malformed');
    assert.equal(refusal('/api/chat', { model: 'm', messages: [{ role: 'user', Content: 'secret' }] }), 'malformed');
    assert.equal(refusal(chat, { model: 'm', tools: [{ type: 'function', function: { NAME: 'secret' } }] }), 'malformed');
    const schema = { type: 'object', properties: { Name: { type: 'string' }, MODEL: { type: 'string' } } };
    assert.equal(refusal(chat, { model: 'm', tools: [{ type: 'function', function: { name: 'f', parameters: schema } }] }), 'let through');
  });

  test('A12: members of another type than documented', () => {
    const wrong: readonly (readonly [string, unknown])[] = [
      [chat, { model: ['secret'] }],
      [chat, { model: 'm', stream: 'true' }],
      [chat, { model: 'm', temperature: '1' }],
      [chat, { model: 'm', tools: { function: { name: 'secret' } } }],
      [chat, { model: 'm', tools: ['secret'] }],
      [chat, { model: 'm', tools: [{ type: 'function', function: { name: 1 } }] }],
      [chat, []],
      [chat, 'null'],
      ['/v1/responses', { model: 'm', conversation: 1 }],
      ['/v1/messages', { model: 'm', max_tokens: 'secret' }],
      [gemini, { generationConfig: [] }],
      [gemini, { tools: [{ functionDeclarations: 'secret' }] }],
      ['/model/x/converse', { toolConfig: { tools: [1] } }],
      ['/v1/embeddings', { model: 1 }],
      ['/v1/completions', { model: 'm', max_tokens: 'secret' }],
      ['/api/chat', { model: 'm', options: ['secret'] }],
      ['/api/chat', { model: 'm', messages: ['secret'] }],
      ['/api/generate', { model: 'm', stream: 'secret' }],
    ];
    for (const [path, body] of wrong) {
      assert.equal(refusal(path, body), 'malformed', JSON.stringify(body));
    }
  });

  test('A12: the two spellings that Google takes are read, and refused together', () => {
    const snake = {
      system_instruction: { parts: [{ text: 'x' }] },
      generation_config: { max_output_tokens: 5 },
      tools: [{ function_declarations: [{ name: 'f' }] }],
    };
    const camel = {
      systemInstruction: { parts: [{ text: 'x' }] },
      generationConfig: { maxOutputTokens: 5 },
      tools: [{ functionDeclarations: [{ name: 'f' }] }],
    };
    assert.deepEqual(parameters(gemini, snake), parameters(gemini, camel));
    assert.equal(parameters(gemini, snake)['gen_ai.request.max_tokens'], 5);
    assert.equal(refusal(gemini, { ...snake, ...camel }), 'malformed');
    assert.equal(refusal(gemini, { contents: [{ parts: [{ inlineData: {}, inline_data: {} }] }] }), 'malformed');
  });

  test('names and lists past their limits are refused, not cut', () => {
    assert.equal(refusal(chat, { model: 'm'.repeat(1025) }), 'limit_exceeded');
    assert.equal(refusal(chat, { tools: Array.from({ length: 2049 }, (_, i) => ({ type: `tool ${i}` })) }), 'limit_exceeded');
    assert.equal(refusal(chat, { model: 'm'.repeat(1024) }), 'let through');
  });

  test('null is absent, as it is for the providers', () => {
    assert.deepEqual(parameters(chat, { model: 'm', temperature: null, tools: null, stream: null, n: null }), parameters(chat, { model: 'm' }));
  });
});

test('the names of tools that the provider runs', () => {
  assert.deepEqual(
    parameters('/v1/responses', {
      tools: [{ type: 'web_search' }, { type: 'mcp', server_label: 'crm', server_url: 'https://crm.example' }, { type: 'custom', name: 'sql' }],
    })['gen_ai.tool.definitions'],
    ['web_search', 'mcp/crm', 'sql'],
  );
  assert.deepEqual(
    parameters('/v1/chat/completions', { tools: [{ type: 'custom', custom: { name: 'sql' } }], functions: [{ name: 'old' }] })['gen_ai.tool.definitions'],
    ['sql', 'old'],
  );
  assert.deepEqual(
    parameters('/v1/messages', { tools: [{ type: 'web_search_20250305', name: 'web_search' }], mcp_servers: [{ type: 'url', name: 'crm' }] })[
      'gen_ai.tool.definitions'
    ],
    ['web_search', 'mcp/crm'],
  );
  assert.deepEqual(
    parameters('/v1beta/models/x:generateContent', { tools: [{ functionDeclarations: [{ name: 'f' }] }, { googleSearch: {} }] })['gen_ai.tool.definitions'],
    ['f', 'googleSearch'],
  );
  assert.deepEqual(parameters('/model/x/converse', { toolConfig: { tools: [{ toolSpec: { name: 'f' } }, { cachePoint: {} }] } })['gen_ai.tool.definitions'], [
    'f',
  ]);
});

test('tools that come in the midst of the conversation, in namespaces, or beside the list', () => {
  const tools = (path: string, body: unknown): unknown => parameters(path, body)['gen_ai.tool.definitions'];
  assert.deepEqual(
    tools('/v1/responses', {
      tools: [{ type: 'namespace', name: 'crm', tools: [{ type: 'function', name: 'find' }] }],
      input: [
        { role: 'user', content: 'x' },
        { type: 'additional_tools', role: 'developer', tools: [{ type: 'function', name: 'late' }] },
      ],
    }),
    ['crm/find', 'late'],
  );
  const addition = { type: 'tool_addition', tool: { type: 'tool_definition', definition: { name: 'late', input_schema: {} } } };
  assert.deepEqual(
    tools('/v1/messages', {
      tools: [{ type: 'mcp_toolset', mcp_server_name: 'crm' }],
      mcp_servers: [{ type: 'url', name: 'crm' }],
      messages: [{ role: 'user', content: [addition] }],
    }),
    ['mcp/crm', 'late'],
  );
  assert.deepEqual(tools('/api/v1/chat/completions', { web_search_options: {}, plugins: [{ id: 'web' }] }), ['web_search', 'plugin/web']);
  assert.deepEqual(tools('/model/x/converse', { additionalModelRequestFields: { tools: [{ type: 'computer_20250124', name: 'computer' }] } }), ['computer']);
});

test('all system instructions of a request are in the digest, wherever they stand', () => {
  const digest = (messages: unknown): unknown => parameters('/v1/chat/completions', { messages })['countersign.system_instructions.sha256'];
  const one = digest([{ role: 'system', content: 'a' }]);
  assert.equal(digest([{ role: 'user', content: 'x' }]), undefined);
  assert.equal(
    digest([
      { role: 'user', content: 'x' },
      { role: 'developer', content: [{ type: 'text', text: 'a' }] },
    ]),
    one,
  );
  assert.notEqual(
    digest([
      { role: 'system', content: 'a' },
      { role: 'user', content: 'x' },
      { role: 'system', content: 'b' },
    ]),
    one,
  );
});

test('what the provider keeps and puts into the prompt is named', () => {
  const responses = parameters('/v1/responses', { previous_response_id: 'resp_0', prompt: { id: 'pmpt_1', version: '2' }, conversation: 'conv_0' });
  assert.deepEqual(responses['countersign.provider_context'], ['previous_response_id=resp_0', 'prompt=pmpt_1']);
  assert.equal(responses['gen_ai.conversation.id'], 'conv_0');
  const google = parameters('/v1beta/models/x:generateContent', { cachedContent: 'cachedContents/1' });
  assert.deepEqual(google['countersign.provider_context'], ['cachedContent=cachedContents/1']);
});

test('models that may answer or be asked besides the one that is named', () => {
  const others = (path: string, body: unknown): unknown => parameters(path, body)['countersign.other_models'];
  assert.deepEqual(others('/api/v1/chat/completions', { model: 'a', models: ['a', 'b'] }), ['a', 'b']);
  assert.deepEqual(others('/v1/messages', { model: 'a', fallbacks: [{ model: 'b' }], tools: [{ type: 'advisor_20260301', name: 'advisor', model: 'c' }] }), [
    'b',
    'c',
  ]);
  assert.deepEqual(others('/v1/messages', { model: 'a', fallbacks: 'default' }), ['default']);
  assert.deepEqual(parameters('/api/v1/chat/completions', { preset: 'shop' })['countersign.provider_context'], ['preset=shop']);
  assert.equal(others('/v1/messages', { model: 'a' }), undefined);
  assert.equal(refusal('/v1/chat/completions', { models: [1] }), 'malformed');
  assert.equal(refusal('/v1/messages', { fallbacks: 'secret' }), 'malformed');
});

describe('the effects of a request', () => {
  const chat = '/v1/chat/completions';
  const google = '/v1beta/models/x:generateContent';
  const cases: readonly (readonly [string, object, readonly string[], (readonly string[])?])[] = [
    [chat, { model: 'm', tools: [{ type: 'function', function: { name: 'web_search' } }] }, ['read']],
    [chat, { tools: [{ type: 'web_search', function: { name: 'f' } }] }, ['execute', 'read'], ['f']],
    [chat, { web_search_options: {} }, ['execute', 'read'], ['web_search']],
    [chat, { plugins: [{ id: 'web' }] }, ['execute', 'read'], ['plugin/web']],
    [chat, { model: 'x/y:online' }, ['execute', 'read']],
    [chat, { model: 'x', models: ['x/y:online'] }, ['execute', 'read']],
    [chat, { preset: 'p' }, ['read', 'unknown']],
    ['/v1/responses', { tools: [{ type: 'function', name: 'f' }], previous_response_id: 'r' }, ['read']],
    ['/v1/responses', { tools: [{ type: 'code_interpreter' }] }, ['execute', 'read'], ['code_interpreter']],
    ['/v1/responses', { tools: [{ type: 'mcp', server_label: 'crm' }], prompt: { id: 'p' } }, ['execute', 'read', 'unknown'], ['mcp/crm']],
    ['/v1/responses', { tools: [{ type: 'computer_use_preview' }, { type: 'local_shell' }] }, ['execute', 'read'], ['computer_use_preview']],
    ['/v1/responses', { tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'function', name: 'f' }] }] }, ['read']],
    ['/v1/responses', { tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'mcp', name: 'f' }] }] }, ['execute', 'read'], ['n/f']],
    ['/v1/responses', { input: [{ type: 'additional_tools', tools: [{ type: 'shell' }] }] }, ['execute', 'read'], ['shell']],
    [
      '/v1/messages',
      {
        tools: [
          { name: 'f', input_schema: {} },
          { type: 'bash_20250124', name: 'bash' },
        ],
      },
      ['read'],
    ],
    ['/v1/messages', { tools: [{ type: 'web_search_20250305', name: 'f' }] }, ['execute', 'read'], ['f']],
    ['/v1/messages', { tools: [{ type: 'bash_20250124x', name: 'f' }] }, ['execute', 'read'], ['f']],
    ['/v1/messages', { mcp_servers: [{ type: 'url', name: 'crm' }] }, ['execute', 'read'], ['mcp/crm']],
    [google, { tools: [{ functionDeclarations: [{ name: 'googleSearch' }] }] }, ['read']],
    [google, { tools: { code_execution: {} } }, ['execute', 'read'], ['code_execution']],
    [google, { cachedContent: 'c' }, ['read', 'unknown']],
    ['/model/x/converse', { toolConfig: { tools: [{ toolSpec: { name: 'f' } }, { cachePoint: {} }] } }, ['read']],
    ['/model/x/converse', { toolConfig: { tools: [{ systemTool: { name: 'nova' } }] } }, ['execute', 'read'], ['nova']],
    ['/model/x/converse', { toolConfig: { tools: [{ laterTool: {} }] } }, ['execute', 'read'], ['laterTool']],
    ['/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aprompt%2FP/converse', {}, ['read', 'unknown']],
    ['/v1/embeddings', { model: 'm', input: 'x' }, ['read']],
    ['/model/m/invoke', { inputText: 'x' }, ['unknown']],
  ];
  for (const [path, body, effects, serverTools] of cases) {
    test(`${path} ${JSON.stringify(body)}`, () => {
      const attributes = parameters(path, body);
      assert.deepEqual(attributes['countersign.effects'], effects);
      assert.deepEqual(attributes['countersign.server_tools'], serverTools);
    });
  }

  test('A12: a key that differs in case hides no tool', () => {
    for (const body of [{ Plugins: [] }, { Web_Search_Options: {} }, { MCP_servers: [] }, { TOOLS: [] }]) {
      assert.equal(refusal(chat, body), 'malformed', JSON.stringify(body));
    }
    assert.equal(refusal(chat, '{"tools":[{"type":"function","type":"web_search"}]}'), 'malformed');
  });

  test('what is sent: text, images, sounds and files, in results of tools too', () => {
    const sent = (path: string, body: object): unknown => parameters(path, body)['countersign.modalities'];
    const user = (...content: object[]): object => ({ messages: [{ role: 'user', content }] });
    assert.deepEqual(sent(chat, user({ type: 'text', text: 'x' })), ['text']);
    assert.deepEqual(sent(chat, user({ type: 'image_url', image_url: { url: 'https://x.example' } }, { type: 'file', file: { file_id: 'f' } })), [
      'image',
      'file',
    ]);
    assert.deepEqual(sent(chat, user({ type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } }, { type: 'later' })), ['audio', 'other']);
    assert.deepEqual(sent(chat, { model: 'm' }), undefined);
    const result = (content: unknown): object => user({ type: 'tool_result', tool_use_id: 'x', content });
    assert.deepEqual(sent('/v1/messages', result('text')), ['text']);
    assert.deepEqual(
      sent(
        '/v1/messages',
        result([
          { type: 'image', source: { type: 'base64', data: 'AA' } },
          { type: 'text', text: 'x' },
        ]),
      ),
      ['text', 'image'],
    );
    const output = [
      { type: 'input_image', image_url: 'https://x.example' },
      { type: 'input_file', file_id: 'f' },
    ];
    assert.deepEqual(sent('/v1/responses', { input: [{ type: 'function_call_output', call_id: 'x', output }] }), ['image', 'file']);
  });
});
