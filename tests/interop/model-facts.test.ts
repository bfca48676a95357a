import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI, { AzureOpenAI } from 'openai';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { AwsMessages } from '../../gateway/src/content/aws-event-stream.ts';
import { Framer } from '../../gateway/src/content/framer.ts';
import { samples } from '../../gateway/src/protocols/llm/testdata/fixtures.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';

const image = 'iVBORw0KGgo=';
const systemText = 'You tell the weather.';
const city = { type: 'object', properties: { city: { type: 'string' } } } as const;

/** The facts of both calls in the model's answer, whatever the provider. */
const called = {
  'gen_ai.tool.name': ['get_weather', 'get_weather'],
  'gen_ai.tool.call.id': ['call_1', 'call_2'],
  'gen_ai.tool.call.arguments': ['{"city":"Paris"}', '{"city":"Zürich"}'],
  'gen_ai.usage.input_tokens': 120,
  'gen_ai.usage.output_tokens': 60,
  'gen_ai.usage.cache_read.input_tokens': 64,
};

describe('what the record says of models, whatever the provider', () => {
  let model: ModelServer;
  let gateway: GatewayProcess;
  let token: string;
  let base: string;
  let openai: OpenAI;
  let anthropic: Anthropic;
  const parts = suiteParts();
  before(async () => {
    model = parts.use(await startModelServer());
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
  openai: { protocol: llm, url: "${model.url}", durability: process }
  claude: { protocol: llm, url: "${model.url}", durability: process, options: { provider: anthropic } }
  gemini: { protocol: llm, url: "${model.url}", durability: process, options: { provider: gemini } }
  azure: { protocol: llm, url: "${model.url}", durability: process, options: { provider: azure } }
  bedrock: { protocol: llm, url: "${model.url}", durability: process, options: { provider: bedrock } }
principals:
  agent: { kind: agent, targets: [openai, claude, gemini, azure, bedrock] }
`,
      }),
    );
    token = await gateway.issueToken('agent');
    base = `http://127.0.0.1:${gateway.port('http')}/t`;
    openai = new OpenAI({ baseURL: `${base}/openai/v1`, apiKey: token, maxRetries: 0 });
    anthropic = new Anthropic({ baseURL: `${base}/claude`, apiKey: token, maxRetries: 0 });
  });

  /** The newest request of the token that all tests but those that halt use, which is one session; and the records of its answer. */
  const newest = async (): Promise<{ readonly request: ShownRecord; readonly pieces: readonly ShownRecord[]; readonly last: ShownRecord }> => {
    const [own] = await gateway.sessions();
    const records = await gateway.records(own?.session ?? '');
    const request = records.findLast(({ kind }) => kind === 'request');
    const pieces = records.filter(({ attributes }) => attributes['countersign.request'] === request?.seq);
    const last = pieces.at(-1);
    assert.ok(request !== undefined && last !== undefined);
    return { request, pieces, last };
  };
  const recordedPieces = async (): Promise<number> => {
    const [own] = await gateway.sessions();
    return (await gateway.records(own?.session ?? '')).filter(({ kind }) => kind === 'response').length;
  };
  /** Takes a stream whose first pieces are each recorded before the model goes on. */
  const pieceByPiece = async (
    ask: Parameters<typeof openai.chat.completions.stream>[0],
  ): ReturnType<ReturnType<typeof openai.chat.completions.stream>['finalChatCompletion']> => {
    const earlier = await recordedPieces();
    model.goesOn = async (sent) => waitUntil(async () => sent > 6 || (await recordedPieces()) >= earlier + sent);
    try {
      return await openai.chat.completions.stream(ask).finalChatCompletion();
    } finally {
      model.goesOn = null;
    }
  };
  const assertFacts = (record: ShownRecord, expected: Readonly<Record<string, unknown>>): void => {
    const found = Object.fromEntries(Object.keys(expected).map((name) => [name, record.attributes[name]]));
    assert.deepEqual(found, expected);
  };
  const assertAsked = (request: ShownRecord, expected: Readonly<Record<string, unknown>>): void => {
    const digest = createHash('sha256').update(systemText).digest('hex');
    assertFacts(request, { 'gen_ai.tool.definitions': ['get_weather'], 'countersign.system_instructions.sha256': digest, ...expected });
    const said = request.content?.text ?? '';
    assert.ok(said.startsWith(`system: ${systemText}\nuser: Where is this?`), said);
    assert.ok(said.includes('[image image/png, 8 bytes, sha256 ') && !said.includes(image), said);
  };

  test('openai: tools, a picture, parallel calls, cached and reasoning tokens; the same from a stream as from a whole answer', async () => {
    const ask = {
      model: 'gpt-4o',
      temperature: 0.2,
      messages: [
        { role: 'system' as const, content: systemText },
        {
          role: 'user' as const,
          content: [
            { type: 'text' as const, text: 'Where is this?' },
            { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${image}` } },
          ],
        },
      ],
      tools: [{ type: 'function' as const, function: { name: 'get_weather', parameters: city } }],
    };
    const facts = {
      ...called,
      'gen_ai.response.id': 'chatcmpl-9',
      'gen_ai.response.model': 'gpt-4o-2024-08-06',
      'gen_ai.response.finish_reasons': ['tool_calls'],
      'gen_ai.usage.reasoning.output_tokens': 12,
    };
    await openai.chat.completions.create(ask);
    const whole = await newest();
    assertAsked(whole.request, { 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.request.temperature': 0.2 });
    assertFacts(whole.last, facts);
    const completion = await pieceByPiece(ask);
    assert.equal(completion.choices[0]?.message.tool_calls?.length, 2);
    const streamed = await newest();
    assertAsked(streamed.request, { 'gen_ai.request.stream': true });
    assertFacts(streamed.last, facts);
    const times = streamed.pieces.map(({ time }) => Date.parse(time));
    assert.ok(times.length > 5 && times.every((time, i) => time >= (times[i - 1] ?? 0)), 'each piece has its time');
    assert.ok((times.at(-1) ?? 0) > (times[0] ?? 0));
  });

  test('anthropic: the same, and counting tokens', async () => {
    const messages = [
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text: 'Where is this?' },
          { type: 'image' as const, source: { type: 'base64' as const, media_type: 'image/png' as const, data: image } },
        ],
      },
    ];
    const ask = { model: 'claude-opus-4-9', max_tokens: 400, system: systemText, messages, tools: [{ name: 'get_weather', input_schema: city }] };
    const facts = { ...called, 'gen_ai.response.id': 'msg_9', 'gen_ai.usage.cache_creation.input_tokens': 20, 'gen_ai.response.finish_reasons': ['tool_use'] };
    await anthropic.messages.create(ask);
    const whole = await newest();
    assertAsked(whole.request, { 'gen_ai.provider.name': 'anthropic', 'gen_ai.request.max_tokens': 400 });
    assertFacts(whole.last, facts);
    await anthropic.messages.stream(ask).finalMessage();
    assertFacts((await newest()).last, facts);
    assert.equal((await anthropic.messages.countTokens({ model: 'claude-opus-4-9', messages })).input_tokens, 120);
    const counted = await newest();
    assert.equal(counted.request.action, 'llm.count_tokens');
    assertFacts(counted.last, { 'gen_ai.usage.input_tokens': 120 });
  });

  test('@google/genai: the same', async () => {
    const google = new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: `${base}/gemini` } });
    const ask = {
      model: 'gemini-2.5-pro',
      contents: [{ role: 'user', parts: [{ text: 'Where is this?' }, { inlineData: { mimeType: 'image/png', data: image } }] }],
      config: { systemInstruction: systemText, tools: [{ functionDeclarations: [{ name: 'get_weather' }] }] },
    };
    const facts = {
      ...called,
      'gen_ai.response.model': 'gemini-2.5-pro',
      'gen_ai.usage.reasoning.output_tokens': 12,
      'gen_ai.response.finish_reasons': ['STOP'],
    };
    await google.models.generateContent(ask);
    const whole = await newest();
    assertAsked(whole.request, { 'gen_ai.provider.name': 'gcp.gemini', 'gen_ai.request.stream': false });
    assertFacts(whole.last, facts);
    for await (const piece of await google.models.generateContentStream(ask)) {
      assert.ok(piece);
    }
    const streamed = await newest();
    assertAsked(streamed.request, { 'gen_ai.request.stream': true });
    assertFacts(streamed.last, facts);
  });

  test('Bedrock: Converse whole and as frames, which arrive as they are; halted, an exception in a frame of its own', async () => {
    const sample = samples.find(({ name }) => name === 'bedrock-converse');
    const asked = Uint8Array.from(sample?.request ?? []);
    const converse = async (way: string, body: string | Uint8Array<ArrayBuffer>, own = token): Promise<Response> =>
      fetch(`${base}/bedrock/model/amazon.nova-lite-v1%3A0/${way}`, {
        method: 'POST',
        // As clients of AWS send it in the clear.
        headers: { authorization: 'AWS4-HMAC-SHA256 Credential=any/20260101', 'x-amz-security-token': own, 'content-type': 'application/json' },
        body,
      });
    await (await converse('converse', asked)).json();
    const whole = await newest();
    assertFacts(whole.request, { 'gen_ai.provider.name': 'aws.bedrock', 'gen_ai.request.model': 'amazon.nova-lite-v1:0' });
    assertFacts(whole.last, called);
    const streamed = await converse('converse-stream', asked);
    assert.deepEqual(Buffer.from(await streamed.arrayBuffer()), sample?.streams[0]?.bytes);
    assertFacts((await newest()).last, called);
    const halted = await converse('converse-stream', '{"messages":[{"role":"user","content":[{"text":"endless"}]}]}', await gateway.issueToken('agent'));
    const bytes = halted.arrayBuffer();
    const session = halted.headers.get('countersign-session') ?? '';
    // In how many records the events arrive is the machine's business.
    await waitUntil(async () => (await gateway.records(session)).some(({ kind }) => kind === 'response'));
    await gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'enough' } });
    const frame = new Framer(new AwsMessages(), Infinity).push(Buffer.from(await bytes)).at(-1);
    assert.equal(frame?.is, 'message');
    assert.equal(frame.message.headers.get(':exception-type'), 'validationException');
    assert.match(frame.message.payload.toString(), /countersign: .*halted/);
  });

  test('Azure, by the name of the deployment; the models of a provider', async () => {
    const azure = new AzureOpenAI({ endpoint: `${base}/azure`, apiKey: token, apiVersion: '2024-10-21', deployment: 'my-gpt', maxRetries: 0 });
    await azure.chat.completions.create({ model: 'ignored', messages: [{ role: 'user', content: 'Hello' }] });
    assertFacts((await newest()).request, { 'gen_ai.provider.name': 'azure.ai.openai', 'gen_ai.request.model': 'my-gpt' });
    assert.ok(model.asked.at(-1)?.path.startsWith('/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21'));
    assert.deepEqual(
      (await openai.models.list()).data.map(({ id }) => id),
      ['gpt-4o'],
    );
    assert.equal((await newest()).request.action, 'llm.list_models');
  });

  test('a compressed answer reaches the client as it is, and is understood, whole and streamed', async () => {
    const ask = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'compressed' }] };
    const whole = await openai.chat.completions.create(ask).withResponse();
    assert.equal(whole.response.headers.get('content-encoding'), 'gzip');
    const answered = (await newest()).last;
    assertFacts(answered, called);
    assert.match(answered.content?.text ?? '', /I look at both/);
    const streamed = await pieceByPiece(ask);
    assert.equal(streamed.choices[0]?.message.tool_calls?.length, 2);
    // This client leaves with the last event, before the stream has ended.
    await waitUntil(async () => (await newest()).last.attributes['gen_ai.usage.output_tokens'] === called['gen_ai.usage.output_tokens']);
    const { last, pieces } = await newest();
    assertFacts(last, called);
    assert.ok(pieces.length > 3);
  });

  test('halted over HTTP/2: the stream ends with the error, and is not reset', async () => {
    const client = connect(`http://127.0.0.1:${gateway.port('http')}`);
    const stream = client.request({
      ':method': 'POST',
      ':path': '/t/openai/v1/chat/completions',
      authorization: `Bearer ${await gateway.issueToken('agent')}`,
      'content-type': 'application/json',
    });
    stream.setEncoding('utf8').end('{"model":"m","stream":true,"messages":[{"role":"user","content":"endless"}]}');
    const [head] = await once(stream, 'response');
    const told = text(stream);
    await gateway.api(`/api/v1/sessions/${String(head['countersign-session'])}/halt`, { method: 'POST', body: { reason: 'enough' } });
    assert.match(await told, /(?:^|\n\n)data: \{"error":\{"message":"countersign: .*"code":"halted","param":null\}\}\n\n$/s);
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    client.close();
  });

  for (const [what, words, seen] of [
    ['a compressed stream', 'compressed endless', ''],
    ['a stream inside an event', 'endless halfway', 'I look at '],
  ] as const) {
    test(`${what} that is halted is cut: nothing is added to it`, async () => {
      const response = await fetch(`${base}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await gateway.issueToken('agent')}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: words }] }),
      });
      const session = response.headers.get('countersign-session') ?? '';
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let got = '';
      // The event behind what is waited for has begun.
      while (seen !== '' && !/\n\n[^]+$/.test(got.slice(got.indexOf(seen)))) {
        got += (await reader?.read())?.value ?? '';
      }
      await gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'enough' } });
      await assert.rejects(async () => {
        while ((await reader?.read())?.done === false) {
          // Whatever there is left.
        }
      });
      await waitUntil(async () => {
        const last = (await gateway.records(session)).findLast(({ kind }) => kind === 'response');
        return last?.attributes['error.type'] === 'halted' && (last.content?.bytes ?? 0) === 0;
      });
    });
  }

  test('a client that leaves mid-stream: the call of the model ends, and the record says how far it came', async () => {
    const stream = anthropic.messages.stream({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'endless' }] });
    const left = assert.rejects(stream.finalMessage());
    await new Promise((resolve) => {
      stream.once('streamEvent', resolve);
    });
    stream.abort();
    await left;
    await waitUntil(() => model.asked.at(-1)?.ended === 'left');
    await waitUntil(async () => (await newest()).last.attributes['error.type'] === 'client_closed');
    const { last } = await newest();
    assertFacts(last, { 'gen_ai.response.id': 'msg_9', 'gen_ai.response.finish_reasons': undefined });
  });

  test('what was recorded verifies', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
