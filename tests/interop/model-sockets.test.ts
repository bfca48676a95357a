import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { before, describe, test } from 'node:test';
import { GoogleGenAI, type LiveServerMessage } from '@google/genai';
import OpenAI from 'openai';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { WebSocket } from 'ws';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type LiveModels, startLiveModels } from '../support/live-models.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';

describe('WebSocket to models', () => {
  let server: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  let plainCount = 0;
  let models: LiveModels;
  let others: string;
  const parts = suiteParts();
  before(async () => {
    server = parts.use(
      await openServer(async (_, response) => {
        plainCount += 1;
        response.end('{}');
      }),
    );
    models = parts.use(await startLiveModels());
    const { port } = models;
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
  openai: { protocol: llm, url: "${server.url}", durability: process }
  live: { protocol: llm, url: "http://127.0.0.1:${port}", durability: process }
  tools: { protocol: mcp, url: "${server.url}/mcp", durability: process }
  google: { protocol: llm, url: "http://127.0.0.1:${port}", durability: process, options: { provider: gemini } }
limits: { frameBytesMax: 200000 }
principals:
  agent: { kind: agent, targets: [openai, live, tools, google] }
  other: { kind: agent, targets: [live, google] }
`,
      }),
    );
    token = await gateway.issueToken('agent');
    others = await gateway.issueToken('other');
  });

  const refusal = async (path: string): Promise<IncomingMessage> => {
    const client = new WebSocket(`ws://127.0.0.1:${gateway.port('http')}/t/${path}`, { headers: { authorization: `Bearer ${token}` } });
    client.on('error', () => undefined);
    const response = await new Promise<IncomingMessage>((resolve) => client.once('unexpected-response', (_, answer) => resolve(answer)));
    response.resume();
    client.terminate();
    return response;
  };

  type Records = Awaited<ReturnType<GatewayProcess['records']>>;
  /** The records of the newest session whose opening is of this address. */
  const recordsOf = async (session: string): Promise<Records> => gateway.records(session);
  const sessionOf = (answer: IncomingMessage): string => String(answer.headers['countersign-session']);
  const clientOf = (own: string): OpenAI => new OpenAI({ apiKey: own, baseURL: `http://127.0.0.1:${gateway.port('http')}/t/live/v1` });
  /** A connection as `ws` has it, for what no SDK sends. */
  const open = async (path: string, own?: string): Promise<{ client: WebSocket; session: string; said: string[]; closed: Promise<[number, string]> }> => {
    const client = new WebSocket(`ws://127.0.0.1:${gateway.port('http')}/t/${path}`, {
      headers: { authorization: `Bearer ${own ?? (await gateway.issueToken('agent'))}` },
    });
    const said: string[] = [];
    client.on('message', (data: Buffer) => said.push(data.toString()));
    client.on('error', () => undefined);
    const closed = new Promise<[number, string]>((resolve) => client.once('close', (code, reason) => resolve([code, String(reason)])));
    const opened = once(client, 'open');
    const [answer]: IncomingMessage[] = await once(client, 'upgrade');
    await opened;
    return { client, session: answer === undefined ? '' : sessionOf(answer), said, closed };
  };

  test('T4.25: OpenAI Responses over WebSocket: several turns on one connection, each decided on, recorded and shown', async () => {
    const { client, session, said, closed } = await open('live/v1/responses');
    const turn = async (event: object): Promise<string> => {
      const ended = said.filter((each) => each.includes('response.completed')).length;
      client.send(JSON.stringify({ type: 'response.create', model: 'gpt-5', ...event }));
      await waitUntil(() => said.filter((each) => each.includes('response.completed')).length > ended);
      const last: { readonly response: { readonly id: string } } = JSON.parse(said.at(-1) ?? '');
      return last.response.id;
    };
    const tools = [{ type: 'function', name: 'get_weather', parameters: {} }];
    const first = await turn({ instructions: 'Be brief.', input: 'What is the weather?', tools });
    await turn({ input: [{ type: 'function_call_output', call_id: 'call_1', output: 'sun' }], previous_response_id: first });
    client.close();
    await closed;
    assert.equal(models.heard.at(-1)?.extensions, undefined);
    const records = await recordsOf(session);
    const asked = records.filter(({ kind, action }) => kind === 'request' && action === 'llm.chat');
    assert.deepEqual(
      asked.map(({ verdict, content, attributes }) => [verdict, content?.text, attributes['gen_ai.request.model'], attributes['gen_ai.tool.definitions']]),
      [
        ['allow', 'system: Be brief.\nuser: What is the weather?', 'gpt-5', ['get_weather']],
        ['allow', 'tool result [call_1]: sun', 'gpt-5', undefined],
      ],
    );
    const ended = records.filter(({ kind, attributes }) => kind === 'response' && attributes['gen_ai.response.finish_reasons'] !== undefined);
    assert.deepEqual(
      ended.map(({ attributes: { 'gen_ai.tool.name': name, 'gen_ai.tool.call.arguments': given, ...attributes } }) => [
        attributes['gen_ai.response.model'],
        attributes['gen_ai.usage.input_tokens'],
        attributes['gen_ai.usage.output_tokens'],
        attributes['gen_ai.response.finish_reasons'],
        name,
        given,
      ]),
      [
        ['gpt-5-2026', 12, 5, ['completed'], ['get_weather'], ['{"city":"Bern"}']],
        ['gpt-5-2026', 12, 5, ['completed'], undefined, undefined],
      ],
    );
    assert.match(String(ended[1]?.attributes['gen_ai.output.messages']), /It is sunny\./);
    assert.ok(records.some(({ content }) => content?.text === 'It is '));
  });

  test('T4.25: the SDK of OpenAI holds a conversation of Responses over WebSocket', async () => {
    const socket = new ResponsesWS(clientOf(token));
    const events: string[] = [];
    const done = new Promise<void>((resolve) => {
      socket.on('event', (event) => {
        events.push(event.type);
        if (event.type === 'response.completed') {
          resolve();
        }
      });
    });
    socket.send({ type: 'response.create', model: 'gpt-5', input: 'Hello' });
    await done;
    socket.close();
    assert.ok(events.includes('response.output_text.delta'));
  });

  test('T4.25: OpenAI Realtime: messages of both sides are read, and audio is named by type, size and digest', async () => {
    const { client, session, said, closed } = await open('live/v1/realtime?model=gpt-realtime');
    const say = (event: object): void => client.send(JSON.stringify(event));
    say({ type: 'session.update', session: { type: 'realtime', instructions: 'Speak softly.', tools: [{ type: 'function', name: 'hang_up' }] } });
    say({ type: 'input_audio_buffer.append', audio: Buffer.alloc(320, 1).toString('base64') });
    say({ type: 'response.create', response: { instructions: 'say hello' } });
    await waitUntil(() => said.some((each) => each.includes('response.done')));
    client.close();
    await closed;
    const records = await gateway.records(session);
    const opened = records.find(({ action, content }) => action === 'llm.talk_live' && content?.text?.startsWith('GET ') === true);
    const asked = records.filter(({ kind, attributes }) => kind === 'request' && attributes['countersign.websocket.opcode'] === 'text');
    assert.deepEqual(
      asked.map(({ verdict, attributes, content }) => [
        verdict,
        attributes['countersign.request'],
        attributes['gen_ai.request.model'],
        content?.text?.slice(0, 24),
      ]),
      ['system: Speak softly.', 'user: [audio, 320 bytes, ', 'system: say hello'].map((shown) => ['allow', opened?.seq, 'gpt-realtime', shown.slice(0, 24)]),
    );
    assert.deepEqual(asked[0]?.attributes['gen_ai.tool.definitions'], ['hang_up']);
    const ended = records.find(({ attributes }) => attributes['gen_ai.response.finish_reasons'] !== undefined);
    assert.equal(ended?.attributes['gen_ai.response.model'], 'gpt-realtime-2025');
    assert.deepEqual([ended.attributes['gen_ai.usage.input_tokens'], ended.attributes['gen_ai.usage.cache_read.input_tokens']], [20, 8]);
    assert.deepEqual(ended.attributes['gen_ai.tool.name'], ['hang_up']);
    assert.match(String(ended.attributes['gen_ai.output.messages']), /Hello there\./);
    assert.ok(records.some(({ content }) => /"delta":"\[audio, 300 bytes, sha256 [0-9a-f]{64}\]"/.test(content?.text ?? '')));
  });

  test('T4.6: of an answer whose client leaves before its end the tokens are estimated, on the last record of the connection', async () => {
    const { client, session, said, closed } = await open('live/v1/realtime?model=gpt-realtime');
    client.send(JSON.stringify({ type: 'response.create', response: { instructions: 'speak without end' } }));
    await waitUntil(() => said.some((each) => each.includes('there.')));
    client.terminate();
    await closed;
    const estimates = async (): Promise<unknown[]> =>
      (await gateway.records(session)).flatMap(({ kind, attributes }) => (kind === 'response' ? (attributes['countersign.estimated_tokens'] ?? []) : []));
    await waitUntil(async () => (await estimates()).length > 0);
    assert.deepEqual(await estimates(), [Math.ceil('speak without end'.length / 4) + Math.ceil('Hello there.'.length / 4)]);
  });

  test('T4.25: Gemini Live with its SDK: turns, tokens and tool calls are read', async () => {
    const ai = new GoogleGenAI({ apiKey: await gateway.issueToken('agent'), httpOptions: { baseUrl: `http://127.0.0.1:${gateway.port('http')}/t/google` } });
    const heard: LiveServerMessage[] = [];
    const live = await ai.live.connect({
      model: 'gemini-live',
      config: {},
      callbacks: { onmessage: (message) => heard.push(message) },
    });
    live.sendClientContent({ turns: [{ role: 'user', parts: [{ text: 'What is the weather?' }] }], turnComplete: true });
    await waitUntil(() => heard.some(({ toolCall }) => toolCall !== undefined));
    live.sendToolResponse({ functionResponses: [{ id: 'call_g', name: 'get_weather', response: { sky: 'clear' } }] });
    await waitUntil(() => heard.some(({ serverContent }) => serverContent?.turnComplete === true));
    live.close();
    const all = await Promise.all((await gateway.sessions()).map(async ({ session }) => gateway.records(session)));
    const records =
      all.find((each) => each.some(({ content }) => content?.text?.includes('What is the weather?') === true && content.text.startsWith('user'))) ?? [];
    const asked = records.filter(({ kind, attributes }) => kind === 'request' && attributes['countersign.websocket.opcode'] === 'text');
    assert.ok(asked.every(({ attributes }) => attributes['gen_ai.request.model'] === 'gemini-live'));
    assert.ok(records.some(({ attributes }) => String(attributes['gen_ai.tool.name']) === 'get_weather'));
    const ended = records.find(({ attributes }) => String(attributes['gen_ai.response.finish_reasons']) === 'turn_complete');
    assert.deepEqual([ended?.attributes['gen_ai.usage.input_tokens'], ended?.attributes['gen_ai.usage.output_tokens']], [11, 7]);
    assert.match(String(ended?.attributes['gen_ai.output.messages']), /It is sunny\./);
  });

  test('T4.25: a message in many frames is one request; one that is too long is recorded and closes with 1009', async () => {
    const { client, session, said, closed } = await open('live/v1/responses');
    const message = JSON.stringify({ type: 'response.create', model: 'gpt-5', input: 'in pieces' });
    for (let at = 0; at < message.length; at += 1) {
      client.send(message.slice(at, at + 1), { fin: at === message.length - 1 });
    }
    await waitUntil(() => said.some((each) => each.includes('response.completed')));
    client.send('x'.repeat(200_001));
    const [code] = await closed;
    assert.equal(code, 1009);
    assert.match(said.at(-1) ?? '', /"type":"error".*limit_exceeded/);
    const records = await gateway.records(session);
    assert.deepEqual(
      records.filter(({ action }) => action === 'llm.chat').map(({ content }) => content?.text),
      ['user: in pieces'],
    );
    assert.ok(records.some(({ kind, attributes }) => kind === 'response' && attributes['error.type'] === 'limit_exceeded'));
  });

  test('T4.25, E50: an id that one principal was given over WebSocket can be named by no other, who gets an error in the form of the API', async () => {
    const mine = await open('live/v1/responses');
    mine.client.send(JSON.stringify({ type: 'response.create', model: 'gpt-5', input: 'Hello' }));
    await waitUntil(() => mine.said.some((each) => each.includes('response.completed')));
    mine.client.close();
    const given: { readonly response: { readonly id: string } } = JSON.parse(mine.said.at(-1) ?? '');
    const connection = models.heard.length;
    const theirs = await open('live/v1/responses', others);
    const ask = (event: object): void => theirs.client.send(JSON.stringify({ type: 'response.create', model: 'gpt-5', input: 'Go on', ...event }));
    ask({ previous_response_id: given.response.id, stream_id: 'lane-1' });
    await waitUntil(() => theirs.said.length === 1);
    const told: { readonly status: number; readonly stream_id: string; readonly error: { readonly code: string } } = JSON.parse(theirs.said[0] ?? '');
    assert.deepEqual([told.status, told.error.code, told.stream_id], [404, 'not_found', 'lane-1']);
    theirs.client.send('{"type":"response.create","type":"response.create"}');
    await waitUntil(() => theirs.said.length === 2);
    assert.match(theirs.said[1] ?? '', /"code":"malformed"/);
    // The connection stays.
    ask({});
    await waitUntil(() => theirs.said.some((each) => each.includes('response.completed')));
    theirs.client.close();
    assert.equal(models.heard[connection]?.messages.length, 1);
    const verdicts = (await gateway.records(theirs.session)).flatMap(({ kind, verdict, attributes }) =>
      kind === 'request' && attributes['countersign.websocket.opcode'] === 'text' ? [verdict] : [],
    );
    assert.deepEqual(verdicts, ['deny', 'deny', 'allow']);
  });

  test('T4.25, E50: a session of Gemini Live is resumed by nobody else, whose connection is closed', async () => {
    const path = 'google/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent';
    const mine = await open(path);
    mine.client.send(JSON.stringify({ setup: { model: 'models/gemini-live' } }));
    await waitUntil(() => mine.said.some((each) => each.includes('newHandle')));
    mine.client.close();
    const connection = models.heard.length;
    const theirs = await open(path, others);
    theirs.client.send(JSON.stringify({ setup: { model: 'models/gemini-live', sessionResumption: { handle: 'handle-of-the-first' } } }));
    const [code, reason] = await theirs.closed;
    assert.deepEqual([code, reason], [1008, 'Nothing here has an id that the request names.']);
    assert.deepEqual(models.heard[connection]?.messages, []);
  });

  for (const path of ['openai/v1/files', 'openai/v1/chat/completions?x=1', 'tools']) {
    test(`T4.25: a WebSocket that is not let through is told to ask in plain HTTP, and is in the record: ${path}`, async () => {
      const { statusCode, headers } = await refusal(path);
      assert.deepEqual([statusCode, headers.upgrade], [426, 'HTTP/1.1']);
      const records = await gateway.records(String(headers['countersign-session']));
      const request = records.findLast(({ kind }) => kind === 'request');
      assert.equal(request?.verdict, 'deny');
      assert.match(request.content?.text ?? '', /^GET \//);
      const answer = records.findLast(({ kind }) => kind === 'response');
      assert.deepEqual([answer?.attributes['error.type'], answer?.attributes['countersign.request']], ['not_upgraded', request.seq]);
      assert.equal(plainCount, 0);
    });
  }
});
