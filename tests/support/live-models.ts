import { once } from 'node:events';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { within } from './wait-until.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

/** A client's message, in the order of arrival. `path` is that of its connection. */
interface Heard {
  readonly path: string;
  readonly extensions: string | undefined;
  readonly messages: Record<string, unknown>[];
  closed: number | null;
}

export interface LiveModels extends AsyncDisposable {
  readonly port: number;
  readonly heard: readonly Heard[];
}

type Answer = (message: Record<string, unknown>, say: (event: object) => void) => void;

/** Starts a server in the place of OpenAI and Google. It answers clients over WebSocket with the events of the documented APIs. */
export async function startLiveModels(): Promise<LiveModels> {
  const heard: Heard[] = [];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  server.on('connection', (socket, request) => {
    const path = request.url ?? '';
    const one: Heard = { path, extensions: request.headers['sec-websocket-extensions'], messages: [], closed: null };
    heard.push(one);
    const answer: Answer = path.includes('BidiGenerateContent') ? answerLive : path.includes('/realtime') ? answerRealtime : answerResponses;
    const isBinary = path.includes('BidiGenerateContent');
    if (path.includes('/realtime')) {
      send(socket, { type: 'session.created', event_id: 'event_0', session: { type: 'realtime', model: 'gpt-realtime-2025' } }, false);
    }
    socket.on('message', (data) => {
      const message: Record<string, unknown> = JSON.parse(textOf(data));
      one.messages.push(message);
      answer(message, (event) => {
        send(socket, event, isBinary);
      });
    });
    socket.on('close', (code) => {
      one.closed = code;
    });
  });
  await once(server, 'listening');
  return {
    port: portOf(server),
    heard,
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) {
        client.terminate();
      }
      server.close();
      await within(once(server, 'close'), 'the end of the server of models');
    },
  };
}

/** A message as text. */
export function textOf(data: RawData): string {
  return bytesOf(data).toString();
}

export function bytesOf(data: RawData): Buffer {
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data instanceof ArrayBuffer ? new Uint8Array(data) : data);
}

/** Sends an event. Google's servers send JSON in binary messages. */
function send(socket: WebSocket, event: object, isBinary: boolean): void {
  socket.send(isBinary ? Buffer.from(JSON.stringify(event)) : JSON.stringify(event));
}

let responses = 0;

const answerResponses: Answer = (message, say) => {
  responses += 1;
  const id = `resp_live_0000${responses}`;
  const lane = typeof message['stream_id'] === 'string' ? { stream_id: message['stream_id'] } : {};
  const input = JSON.stringify(message['input'] ?? '');
  const isCall = input.includes('weather');
  const common = { id, object: 'response', model: 'gpt-5-2026', output: [] };
  say({ type: 'response.created', sequence_number: 0, response: { ...common, status: 'in_progress' }, ...lane });
  if (isCall) {
    const item = { type: 'function_call', id: `fc_live_0000${responses}`, call_id: 'call_1', name: 'get_weather' };
    say({ type: 'response.output_item.added', output_index: 0, item: { ...item, arguments: '', status: 'in_progress' }, ...lane });
    say({ type: 'response.function_call_arguments.delta', item_id: item.id, output_index: 0, delta: '{"city":', ...lane });
    say({ type: 'response.function_call_arguments.delta', item_id: item.id, output_index: 0, delta: '"Bern"}', ...lane });
    say({ type: 'response.output_item.done', output_index: 0, item: { ...item, arguments: '{"city":"Bern"}', status: 'completed' }, ...lane });
  } else {
    const item = { type: 'message', id: `msg_live_0000${responses}`, role: 'assistant', content: [] };
    say({ type: 'response.output_item.added', output_index: 0, item, ...lane });
    for (const delta of ['It is ', 'sunny.']) {
      say({ type: 'response.output_text.delta', item_id: item.id, output_index: 0, content_index: 0, delta, ...lane });
    }
    say({ type: 'response.output_item.done', output_index: 0, item: { ...item, content: [{ type: 'output_text', text: 'It is sunny.' }] }, ...lane });
  }
  const usage = {
    input_tokens: 12,
    input_tokens_details: { cached_tokens: 4 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 17,
  };
  say({ type: 'response.completed', sequence_number: 9, response: { ...common, status: 'completed', usage }, ...lane });
};

const answerRealtime: Answer = (message, say) => {
  if (message['type'] !== 'response.create') {
    return;
  }
  const usage = { total_tokens: 30, input_tokens: 20, output_tokens: 10, input_token_details: { cached_tokens: 8 } };
  const common = { response_id: 'resp_rt_00001', output_index: 0 };
  say({ type: 'response.created', event_id: 'event_1', response: { id: 'resp_rt_00001', status: 'in_progress', output: [] } });
  say({
    type: 'response.output_audio.delta',
    event_id: 'event_2',
    ...common,
    item_id: 'item_1',
    content_index: 0,
    delta: Buffer.alloc(300, 7).toString('base64'),
  });
  say({ type: 'response.output_audio_transcript.delta', event_id: 'event_3', ...common, item_id: 'item_1', content_index: 0, delta: 'Hello ' });
  say({ type: 'response.output_audio_transcript.delta', event_id: 'event_4', ...common, item_id: 'item_1', content_index: 0, delta: 'there.' });
  if (JSON.stringify(message).includes('without end')) {
    return;
  }
  const output = [
    { id: 'item_1', type: 'message', role: 'assistant', content: [{ type: 'output_audio', transcript: 'Hello there.' }] },
    { id: 'item_2', type: 'function_call', call_id: 'call_rt', name: 'hang_up', arguments: '{"why":"done"}' },
  ];
  say({
    type: 'response.done',
    event_id: 'event_5',
    response: { id: 'resp_rt_00001', object: 'realtime.response', status: 'completed', conversation_id: 'conv_rt_00001', output, usage },
  });
};

const answerLive: Answer = (message, say) => {
  if ('setup' in message) {
    say({ setupComplete: {} });
    say({ sessionResumptionUpdate: { newHandle: 'handle-of-the-first', resumable: true } });
  } else if (JSON.stringify(message['clientContent'] ?? '').includes('weather')) {
    say({ toolCall: { functionCalls: [{ id: 'call_g', name: 'get_weather', args: { city: 'Bern' } }] } });
  } else if ('clientContent' in message || 'toolResponse' in message) {
    say({ serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: Buffer.alloc(240, 3).toString('base64') } }] } } });
    say({ serverContent: { outputTranscription: { text: 'It is ' } } });
    say({ serverContent: { outputTranscription: { text: 'sunny.' } } });
    say({ serverContent: { turnComplete: true }, usageMetadata: { promptTokenCount: 11, responseTokenCount: 7, totalTokenCount: 18 } });
  }
};
