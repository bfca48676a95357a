import { strict as assert } from 'node:assert';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { readMessages } from './model-request.ts';
import { findApi } from './apis.ts';
import { describeMessages, type Message, type Part } from './transcript.ts';

function messagesOf(path: string, body: object): readonly Message[] {
  const api = findApi({ method: 'POST', path, headers: [] });
  return (api === null ? null : readMessages(api, Buffer.from(JSON.stringify(body)))) ?? [];
}

/** The parts of one user message with this content. */
function partsOf(path: string, content: unknown): readonly Part[] {
  const [message] = path.startsWith('/v1beta')
    ? messagesOf(path, { contents: [{ parts: content }] })
    : messagesOf(path, path === '/v1/responses' ? { input: [{ role: 'user', content }] } : { messages: [{ role: 'user', content }] });
  return message?.parts ?? [];
}

const chat = '/v1/chat/completions';
const responses = '/v1/responses';
const anthropic = '/v1/messages';
const gemini = '/v1beta/models/x:generateContent';
const converse = '/model/x/converse';

test('media is named by type and size, or by where it is; its bytes are never shown', () => {
  const url = 'https://pictures.example/a.png';
  const blob = (modality: string, mimeType: string | null, size: number): unknown => ({
    type: 'blob',
    modality,
    mime_type: mimeType,
    size,
    sha256: hash('sha256', Buffer.alloc(size)),
  });
  const uri = (modality: string, mimeType: string | null, at: string): unknown => ({ type: 'uri', modality, mime_type: mimeType, uri: at });
  const file = (modality: string): unknown => ({ type: 'file', modality, mime_type: null, file_id: 'file_1' });
  assert.deepEqual(
    partsOf(chat, [
      { type: 'image_url', image_url: { url } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
      { type: 'file', file: { file_data: 'data:application/pdf;base64,AAA=', filename: 'a.pdf' } },
      { type: 'file', file: { file_id: 'file_1' } },
    ]),
    [uri('image', null, url), blob('audio', 'audio/wav', 3), blob('document', 'application/pdf', 2), file('document')],
  );
  assert.deepEqual(
    partsOf(responses, [
      { type: 'input_image', image_url: url },
      { type: 'input_image', file_id: 'file_1' },
      { type: 'input_file', file_url: 'https://a.example/x.pdf' },
    ]),
    [uri('image', null, url), file('image'), uri('document', null, 'https://a.example/x.pdf')],
  );
  assert.deepEqual(
    partsOf(anthropic, [
      { type: 'image', source: { type: 'url', url } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AA==' } },
      { type: 'document', source: { type: 'file', file_id: 'file_1' } },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'plain' } },
    ]),
    [uri('image', null, url), blob('document', 'application/pdf', 1), file('document'), { type: 'text', content: 'plain' }],
  );
  assert.deepEqual(
    partsOf(gemini, [
      { inline_data: { mime_type: 'video/mp4', data: 'AAAA' } },
      { fileData: { mimeType: 'audio/mp3', fileUri: 'gs://b/a.mp3' } },
      { executableCode: { code: '1' } },
    ]),
    [blob('video', 'video/mp4', 3), uri('audio', 'audio/mp3', 'gs://b/a.mp3'), { type: 'other', name: 'executableCode' }],
  );
  assert.deepEqual(
    partsOf(converse, [
      { document: { format: 'pdf', name: 'a', source: { bytes: 'AAAA' } } },
      { video: { format: 'mp4', source: { s3Location: { uri: 's3://b/a.mp4' } } } },
      { guardContent: {} },
    ]),
    [blob('document', 'application/pdf', 3), uri('video', 'video/mp4', 's3://b/a.mp4'), { type: 'other', name: 'guardContent' }],
  );
});

test('each tool result is a message of its own, whatever message it came in', () => {
  const expected = [
    { role: 'tool', parts: [{ type: 'tool_call_response', id: 'a', response: 'one\ntwo' }] },
    { role: 'tool', parts: [{ type: 'tool_call_response', id: 'b', response: 'three' }] },
    { role: 'user', parts: [{ type: 'text', content: 'go on' }] },
  ];
  const twoTexts = [
    { type: 'text', text: 'one' },
    { type: 'text', text: 'two' },
  ];
  assert.deepEqual(
    messagesOf(chat, {
      messages: [
        { role: 'tool', tool_call_id: 'a', content: twoTexts },
        { role: 'tool', tool_call_id: 'b', content: 'three' },
        { role: 'user', content: 'go on' },
      ],
    }),
    expected,
  );
  assert.deepEqual(
    messagesOf(responses, {
      input: [
        {
          type: 'function_call_output',
          call_id: 'a',
          output: [
            { type: 'input_text', text: 'one' },
            { type: 'input_text', text: 'two' },
          ],
        },
        { type: 'custom_tool_call_output', call_id: 'b', output: 'three' },
        { role: 'user', content: 'go on' },
      ],
    }),
    expected,
  );
  const results = [
    { type: 'tool_result', tool_use_id: 'a', content: twoTexts },
    { type: 'tool_result', tool_use_id: 'b', content: 'three' },
  ];
  assert.deepEqual(messagesOf(anthropic, { messages: [{ role: 'user', content: [...results, { type: 'text', text: 'go on' }] }] }), expected);
  const blocks = [
    { toolResult: { toolUseId: 'a', content: [{ text: 'one' }, { text: 'two' }] } },
    { toolResult: { toolUseId: 'b', content: [{ text: 'three' }] } },
  ];
  assert.deepEqual(messagesOf(converse, { messages: [{ role: 'user', content: [...blocks, { text: 'go on' }] }] }), expected);
});

test('results that are values stay values; without an id Gemini ties them by name', () => {
  const [fromGemini] = messagesOf(gemini, { contents: [{ role: 'user', parts: [{ functionResponse: { name: 'f', response: { rows: [1] } } }] }] });
  assert.deepEqual(fromGemini?.parts, [{ type: 'tool_call_response', id: 'f', response: { rows: [1] } }]);
  const [fromBedrock] = messagesOf(converse, {
    messages: [{ role: 'user', content: [{ toolResult: { toolUseId: 'a', content: [{ json: { rows: [1] } }] } }] }],
  });
  assert.deepEqual(fromBedrock?.parts, [{ type: 'tool_call_response', id: 'a', response: { rows: [1] } }]);
});

test('what the model said in one turn is one message', () => {
  const [message, ...more] = messagesOf(responses, {
    input: [
      { type: 'reasoning', id: 'rs', summary: [{ type: 'summary_text', text: 'hm' }] },
      { role: 'assistant', content: 'yes' },
      { type: 'function_call', call_id: 'a', name: 'f', arguments: 'no JSON' },
    ],
  });
  assert.deepEqual([message?.role, message?.parts.map(({ type }) => type), more.length], ['assistant', ['reasoning', 'text', 'tool_call'], 0]);
});

test('simple forms: text alone, embeddings', () => {
  assert.deepEqual(messagesOf(responses, { input: 'hi' }), [{ role: 'user', parts: [{ type: 'text', content: 'hi' }] }]);
  assert.equal(messagesOf('/v1/embeddings', { input: ['a', 'b'] }).length, 2);
  assert.equal(messagesOf('/v1/embeddings', { input: [1, 2] }).length, 1, 'tokens are named');
  assert.equal(messagesOf('/v1beta/models/x:embedContent', { content: { parts: [{ text: 'a' }] } }).length, 1);
  assert.equal(messagesOf('/v1beta/models/x:batchEmbedContents', { requests: [{ content: { parts: [{ text: 'a' }] } }] }).length, 1);
  assert.equal(messagesOf('/v1beta/models/x:countTokens', { generateContentRequest: { contents: [{ parts: [{ text: 'a' }] }] } }).length, 1);
  assert.equal(messagesOf('/model/x/count-tokens', { input: { converse: { messages: [{ role: 'user', content: [{ text: 'a' }] }] } } }).length, 1);
});

test('what a person reads', () => {
  const text = describeMessages([
    { role: 'system', parts: [{ type: 'text', content: 'Be brief.' }] },
    {
      role: 'user',
      parts: [
        { type: 'text', content: 'Look:' },
        { type: 'blob', modality: 'image', mime_type: 'image/png', size: 8, sha256: 'ab12' },
      ],
    },
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', content: 'hm' },
        { type: 'tool_call', id: 'call_1', name: 'get_weather', arguments: { city: 'Paris' } },
        { type: 'tool_call', id: null, name: 'f', arguments: 'no JSON' },
      ],
      finish_reason: 'tool_calls',
    },
    { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: { degrees: 21 } }] },
  ]);
  assert.equal(
    text,
    [
      'system: Be brief.',
      'user: Look:',
      'user: [image image/png, 8 bytes, sha256 ab12]',
      'reasoning: hm',
      'tool call get_weather({"city":"Paris"}) [call_1]',
      'tool call f(no JSON)',
      'finished: tool_calls',
      'tool result [call_1]: {"degrees":21}',
    ].join('\n'),
  );
});
