import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text as readAll } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { ApiError, GoogleGenAI } from '@google/genai';
import { generateText, streamText } from 'ai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { waitUntil } from '../support/wait-until.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { suiteParts } from '../support/suite-parts.ts';

const key = 'sk-target-canary-991';
const image = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('models through the gateway, with the SDKs of their providers', () => {
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
        environment: { MODEL_KEY: key },
        config: `targets:
  openai: { protocol: llm, url: "${model.url}", password: { env: MODEL_KEY }, durability: process }
  claude: { protocol: llm, url: "${model.url}", password: { env: MODEL_KEY }, options: { provider: anthropic } }
  gemini: { protocol: llm, url: "${model.url}", password: { env: MODEL_KEY }, options: { provider: gemini } }
  local: { protocol: llm, url: "${model.url}", password: { env: MODEL_KEY }, options: { provider: ollama } }
  other: { protocol: llm, url: "${model.url}" }
  openai-v1: { protocol: llm, url: "${model.url}/base/v1" }
  claude-v1: { protocol: llm, url: "${model.url}/base/v1", options: { provider: anthropic } }
  gemini-v1: { protocol: llm, url: "${model.url}/base/v1beta", options: { provider: gemini } }
principals:
  agent: { kind: agent, targets: [openai, claude, gemini, local, openai-v1, claude-v1, gemini-v1] }
`,
      }),
    );
    token = await gateway.issueToken('agent');
    base = `http://127.0.0.1:${gateway.port('http')}/t`;
    openai = new OpenAI({ baseURL: `${base}/openai/v1`, apiKey: token, maxRetries: 0 });
    anthropic = new Anthropic({ baseURL: `${base}/claude`, apiKey: token, maxRetries: 0 });
  });

  const newest = async (): Promise<ShownRecord[]> => gateway.records((await gateway.newest()).session);
  const lastAsked = () => {
    const asked = model.asked.at(-1);
    assert.ok(asked);
    return asked;
  };
  const chat = { model: 'gpt-4o', messages: [{ role: 'user', content: 'What is the weather in Paris and London?' }] } as const;

  test('openai: a whole answer with parallel tool calls; asked and answered are in the record with their facts', async () => {
    const completion = await openai.chat.completions.create({ ...chat, messages: [...chat.messages], temperature: 0.5 });
    assert.ok((completion.choices[0]?.message.tool_calls?.length ?? 0) >= 2);
    const { headers, body } = lastAsked();
    assert.equal(headers.authorization, `Bearer ${key}`);
    const records = await newest();
    const request = records.findLast(({ kind }) => kind === 'request');
    assert.equal(request?.action, 'llm.chat');
    assert.equal(request?.attributes['gen_ai.request.model'], 'gpt-4o');
    assert.equal(request?.attributes['gen_ai.request.temperature'], 0.5);
    assert.ok(request?.content?.text?.includes('weather in Paris'));
    assert.equal(body, JSON.stringify({ ...chat, temperature: 0.5 }), 'the bytes are those of the client');
    const answered = records.findLast(({ kind }) => kind === 'response');
    assert.equal(answered?.attributes['gen_ai.response.model'], completion.model);
    assert.equal(answered?.attributes['gen_ai.usage.input_tokens'], completion.usage?.prompt_tokens);
    assert.equal(answered.attributes['gen_ai.response.time_to_first_chunk'], undefined, 'it came whole');
    assert.ok(!JSON.stringify(records).includes(key));
  });

  test('openai: streamed, each event on its way as it comes', async (t) => {
    let taken = 0;
    model.goesOn = async (sent) => waitUntil(() => taken >= sent);
    t.after(() => {
      model.goesOn = null;
    });
    const stream = await openai.chat.completions.create({ ...chat, messages: [...chat.messages], stream: true });
    let text = '';
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      taken += 1;
    }
    assert.ok(text.length > 5);
    const records = await newest();
    const seq = records.findLast(({ kind }) => kind === 'request')?.seq;
    const pieces = records.filter(({ attributes }) => attributes['countersign.request'] === seq);
    assert.ok(pieces.length > 5, 'a record for each piece');
    const last = pieces.at(-1)?.attributes ?? {};
    assert.ok(typeof last['gen_ai.usage.output_tokens'] === 'number');
    const [first, whole] = [Number(last['gen_ai.response.time_to_first_chunk']), Number(last['countersign.duration_ms'])];
    assert.ok(first > 0 && first * 1000 < whole, 'in seconds, and before the end');
    assert.equal(last['countersign.first_byte_ms'], undefined);
  });

  test('openai: an image in the prompt', async () => {
    await openai.chat.completions.create({
      model: 'gpt-4o',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: image } },
          ],
        },
      ],
    });
    assert.ok(lastAsked().body.includes(image));
  });

  test('anthropic: whole and streamed', async () => {
    const ask = { model: 'claude-opus-4', max_tokens: 100, messages: [{ role: 'user' as const, content: 'What is the weather?' }] };
    const message = await anthropic.messages.create(ask);
    assert.equal(message.role, 'assistant');
    assert.equal(lastAsked().headers['x-api-key'], key);
    const streamed = await anthropic.messages.stream(ask).finalMessage();
    assert.ok(streamed.content.length > 0);
    const answered = (await newest()).findLast(({ kind }) => kind === 'response');
    assert.equal(answered?.attributes['gen_ai.response.id'], streamed.id);
    assert.equal(answered?.attributes['gen_ai.usage.output_tokens'], streamed.usage.output_tokens);
  });

  test('openai: the Responses API, whole and streamed', async () => {
    const whole = await openai.responses.create({ model: 'gpt-4o', input: 'What is the weather?' });
    assert.ok(whole.output.length > 0);
    const stream = await openai.responses.create({ model: 'gpt-4o', input: 'What is the weather?', stream: true });
    let last = '';
    for await (const event of stream) {
      last = event.type;
    }
    assert.equal(last, 'response.completed');
    const answered = (await newest()).findLast(({ kind }) => kind === 'response');
    assert.equal(answered?.attributes['gen_ai.response.id'], whole.id);
    assert.ok(typeof answered.attributes['gen_ai.usage.output_tokens'] === 'number');
  });

  test('@google/genai: whole and streamed', async () => {
    const google = new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: `${base}/gemini` } });
    const ask = { model: 'gemini-2.5-flash', contents: 'What is the weather?' };
    const whole = await google.models.generateContent(ask);
    assert.ok((whole.functionCalls?.length ?? 0) > 0);
    assert.equal(lastAsked().headers['x-goog-api-key'], key);
    let pieces = 0;
    for await (const piece of await google.models.generateContentStream(ask)) {
      pieces += piece.candidates?.length ?? 0;
    }
    assert.ok(pieces > 1);
    const records = await newest();
    assert.equal(records.findLast(({ kind }) => kind === 'request')?.attributes['gen_ai.provider.name'], 'gcp.gemini');
    assert.ok(typeof records.findLast(({ kind }) => kind === 'response')?.attributes['gen_ai.usage.output_tokens'] === 'number');
  });

  test('ollama: whole and streamed, line by line', async (t) => {
    const ollama = new Ollama({ host: `${base}/local`, headers: { authorization: `Bearer ${token}` } });
    const ask = { model: 'qwen3:8b', messages: [{ role: 'user', content: 'What is the weather?' }] };
    const whole = await ollama.chat(ask);
    assert.equal(whole.message.tool_calls?.length, 2);
    assert.equal(lastAsked().headers.authorization, `Bearer ${key}`);
    let text = '';
    let taken = 0;
    model.goesOn = async (sent) => waitUntil(() => taken >= sent);
    t.after(() => {
      model.goesOn = null;
    });
    for await (const piece of await ollama.chat({ ...ask, stream: true })) {
      text += piece.message.content;
      taken += 1;
    }
    assert.equal(text, whole.message.content);
    const records = await newest();
    const request = records.findLast(({ kind }) => kind === 'request');
    assert.deepEqual([request?.action, request?.attributes['gen_ai.provider.name']], ['llm.chat', 'ollama']);
    const pieces = records.filter(({ attributes }) => attributes['countersign.request'] === request?.seq);
    assert.ok(pieces.length > 5, 'a record for each piece');
    assert.equal(pieces.at(-1)?.attributes['gen_ai.usage.output_tokens'], whole.eval_count);
    const nobody = new Ollama({ host: `${base}/local`, headers: { authorization: 'Bearer cs_nobody' } });
    await assert.rejects(nobody.chat(ask), /countersign: /);
  });

  test('openai: completions of a text, and embeddings', async () => {
    const whole = await openai.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: 'It is' });
    let text = '';
    for await (const piece of await openai.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: 'It is', stream: true })) {
      text += piece.choices.find(({ index }) => index === 0)?.text ?? '';
    }
    assert.equal(text, whole.choices[0]?.text);
    const embedded = await openai.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'], encoding_format: 'float' });
    assert.equal(embedded.data.length, 2);
    const asked = (await newest()).filter(({ kind }) => kind === 'request').slice(-3);
    assert.deepEqual(
      asked.map(({ action }) => action),
      ['llm.chat', 'llm.chat', 'llm.embed'],
    );
  });

  test('ai (Vercel): whole and streamed', async () => {
    const provider = createOpenAI({ baseURL: `${base}/openai/v1`, apiKey: token });
    const whole = await generateText({ model: provider.chat('gpt-4o'), prompt: 'Hello', maxRetries: 0 });
    assert.ok(whole.usage.inputTokens !== undefined);
    const streamed = streamText({ model: provider.chat('gpt-4o'), prompt: 'Hello', maxRetries: 0 });
    let text = '';
    for await (const piece of streamed.textStream) {
      text += piece;
    }
    assert.ok(text.length > 5);
  });

  test('errors are those that the SDKs know: of the provider, and of the gateway', async () => {
    const overloaded = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'overloaded' }] };
    await assert.rejects(openai.chat.completions.create(overloaded), OpenAI.RateLimitError);
    await assert.rejects(anthropic.messages.create({ ...overloaded, max_tokens: 1 }), Anthropic.RateLimitError);
    const nobody = new OpenAI({ baseURL: `${base}/openai/v1`, apiKey: 'cs_nobody', maxRetries: 0 });
    await assert.rejects(nobody.chat.completions.create({ ...chat, messages: [...chat.messages] }), OpenAI.AuthenticationError);
    const denied = new OpenAI({ baseURL: `${base}/other/v1`, apiKey: token, maxRetries: 0 });
    await assert.rejects(denied.chat.completions.create({ ...chat, messages: [...chat.messages] }), OpenAI.PermissionDeniedError);
    const wrong = new Anthropic({ baseURL: `${base}/claude`, apiKey: 'cs_nobody', maxRetries: 0 });
    await assert.rejects(wrong.messages.create({ ...overloaded, max_tokens: 1 }), Anthropic.AuthenticationError);
  });

  test('A12: a body that servers read differently is refused, and nothing is forwarded', async () => {
    const asked = model.asked.length;
    for (const body of [
      '{"model":"a","model":"b","messages":[]}',
      '{"model":"a","Model":"b","messages":[]}',
      '{"model":"a","messages":[{"role":"user","__proto__":{}}]}',
      'no JSON',
    ]) {
      const response = await fetch(`${base}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body,
      });
      assert.equal(response.status, 400, body);
      assert.match(await response.text(), /"code":"malformed"/);
    }
    assert.equal(model.asked.length, asked);
  });

  test('a client that leaves mid-stream ends the call of the model', async () => {
    const leaving = new AbortController();
    const endless = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'endless' }], stream: true as const };
    const stream = await openai.chat.completions.create(endless, { signal: leaving.signal });
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      leaving.abort();
      break;
    }
    await waitUntil(() => lastAsked().ended === 'left');
    await waitUntil(async () => (await newest()).some(({ attributes }) => attributes['error.type'] === 'client_closed'));
  });

  describe('halted in the midst of a stream: the exception that the SDK raises for errors, with the code of the gateway', () => {
    /** Reads a stream of the newest session, which is halted with the first piece. */
    const readHalted = async (stream: AsyncIterable<unknown>): Promise<void> => {
      let isHalted = false;
      for await (const piece of stream) {
        assert.ok(piece);
        if (!isHalted) {
          isHalted = true;
          await gateway.api(`/api/v1/sessions/${(await gateway.newest()).session}/halt`, { method: 'POST', body: { reason: 'enough' } });
        }
      }
    };
    const prompt = [{ role: 'user' as const, content: 'endless' }];

    test('openai', async () => {
      const client = new OpenAI({ baseURL: `${base}/openai/v1`, apiKey: await gateway.issueToken('agent'), maxRetries: 0 });
      const isOurs = (error: unknown): boolean => error instanceof OpenAI.APIError && error.code === 'halted' && /countersign: .*session/.test(error.message);
      await assert.rejects(readHalted(await client.chat.completions.create({ model: 'gpt-4o', messages: prompt, stream: true })), isOurs);
      await assert.rejects(readHalted(await client.responses.create({ model: 'gpt-4o', input: prompt, stream: true })), isOurs);
      const last = (await newest()).findLast(({ kind }) => kind === 'response');
      assert.equal(last?.attributes['error.type'], 'halted');
      assert.match(last.content?.text ?? '', /error halted countersign: /);
    });

    test('anthropic', async () => {
      const client = new Anthropic({ baseURL: `${base}/claude`, apiKey: await gateway.issueToken('agent'), maxRetries: 0 });
      const stream = await client.messages.create({ model: 'claude-opus-4', max_tokens: 9, messages: prompt, stream: true });
      await assert.rejects(readHalted(stream), (error) => error instanceof Anthropic.APIError && error.errorCode === 'halted');
    });

    test('ollama', async () => {
      const ollama = new Ollama({ host: `${base}/local`, headers: { authorization: `Bearer ${await gateway.issueToken('agent')}` } });
      await assert.rejects(readHalted(await ollama.chat({ model: 'm', messages: prompt, stream: true })), /^Error: countersign: .*halted/);
    });

    test('@google/genai', async () => {
      const google = new GoogleGenAI({ apiKey: await gateway.issueToken('agent'), httpOptions: { baseUrl: `${base}/gemini` } });
      const stream = await google.models.generateContentStream({ model: 'gemini-2.5-flash', contents: 'endless' });
      await assert.rejects(readHalted(stream), (error) => error instanceof ApiError && error.status === 409 && error.message.includes('HALTED'));
    });
  });

  test('T4.30: the version of the API may be part of the address that a client was given, or not', async () => {
    for (const prefix of ['', '/v1']) {
      const answer = await fetch(`${base}/claude${prefix}/messages`, {
        method: 'POST',
        headers: { 'x-api-key': token, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'claude-opus-4', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] }),
      });
      assert.equal(answer.status, 200, await answer.text());
      assert.equal(lastAsked().path, '/v1/messages');
      assert.equal((await newest()).findLast(({ kind }) => kind === 'request')?.action, 'llm.chat');
    }
  });

  test("T4.30: the version of the API may be part of a target's address, or not: with each SDK it is sent once", async () => {
    const apiKey = token;
    const asked = { prompt: 'Hello', maxRetries: 0 };
    const google = { model: 'gemini-2.5-flash', contents: 'Hello' };
    for (const [suffix, under] of [
      ['', ''],
      ['-v1', '/base'],
    ] as const) {
      const to = (target: string): string => `${base}/${target}${suffix}`;
      const [toOpenai, toClaude, toGemini] = [to('openai'), to('claude'), to('gemini')];
      const paths = async (...calls: readonly (() => PromiseLike<unknown>)[]): Promise<readonly string[]> => {
        const from = model.asked.length;
        for (const call of calls) {
          await call();
        }
        return model.asked.slice(from).map(({ path }) => path);
      };
      assert.deepEqual(
        await paths(
          () => new OpenAI({ baseURL: `${toOpenai}/v1`, apiKey }).chat.completions.create({ ...chat, messages: [...chat.messages] }),
          () => generateText({ ...asked, model: createOpenAI({ baseURL: `${toOpenai}/v1`, apiKey }).chat('gpt-4o') }),
          () => new OpenAI({ baseURL: `${toOpenai}/v1`, apiKey }).responses.create({ model: 'gpt-4o', input: 'Hello' }),
        ),
        ['/v1/chat/completions', '/v1/chat/completions', '/v1/responses'].map((path) => under + path),
      );
      const message = { model: 'claude-opus-4', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] } as const;
      assert.deepEqual(
        await paths(
          () => new Anthropic({ baseURL: toClaude, apiKey }).messages.create({ ...message, messages: [...message.messages] }),
          () => generateText({ ...asked, model: createAnthropic({ baseURL: toClaude, apiKey })('claude-opus-4') }),
          () => generateText({ ...asked, model: createAnthropic({ baseURL: `${toClaude}/v1`, apiKey })('claude-opus-4') }),
        ),
        ['/v1/messages', '/v1/messages', '/v1/messages'].map((path) => under + path),
      );
      assert.deepEqual(
        await paths(
          () => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: toGemini } }).models.generateContent(google),
          () => generateText({ ...asked, model: createGoogleGenerativeAI({ baseURL: `${toGemini}/v1beta`, apiKey })('gemini-2.5-flash') }),
        ),
        // The one SDK asks for v1.
        [suffix === '' ? '/v1' : '/base/v1beta', `${under}/v1beta`].map((path) => `${path}/models/gemini-2.5-flash:generateContent`),
      );
    }
  });

  test("T4.30: a token in Gemini's parameter is taken, neither sent on nor recorded", async () => {
    const own = await gateway.issueToken('agent');
    const ask = async (query: string): Promise<Response> =>
      fetch(`${base}/gemini/v1beta/models/gemini-2.5-flash:generateContent?${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ contents: [{ parts: [{ text: 'Hello' }] }] }),
      });
    const answer = await ask(`key=${own}&alt=json`);
    assert.equal(answer.status, 200, await answer.text());
    assert.equal(lastAsked().path, '/v1beta/models/gemini-2.5-flash:generateContent?alt=json');
    assert.equal(lastAsked().headers['x-goog-api-key'], key);
    assert.ok(!JSON.stringify(await newest()).includes(own));
    assert.equal((await ask('key=cs_another')).status, 401);
    assert.equal((await ask(`key=${own}&key=${token}`)).status, 400, 'two different ones');
  });

  test("T4.30: a run gives Google's SDK one key and no reason to warn, whatever is set outside", async () => {
    const script = `const { GoogleGenAI } = await import('@google/genai');
      const answer = await new GoogleGenAI({}).models.generateContent({ model: 'gemini-2.5-flash', contents: 'Hello' });
      console.log(answer.text !== undefined, process.env.GOOGLE_GENERATIVE_AI_API_KEY === process.env.GEMINI_API_KEY);`;
    const words = ['run', '--as', 'agent', '--target', 'gemini', '--', process.execPath, '--input-type=module', '-e', script];
    const child = gateway.spawnCli(words, { GOOGLE_API_KEY: 'another' });
    const [stdout, stderr, [status]] = await Promise.all([readAll(child.stdout), readAll(child.stderr), once(child, 'exit')]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^(?:true|false) true\n$/);
    assert.ok(!/GOOGLE_API_KEY|Both/.test(stdout + stderr), stderr);
  });

  test('what was recorded verifies', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
