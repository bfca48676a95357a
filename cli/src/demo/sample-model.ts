import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { openServer, type SampleServer } from './sample-server.ts';

/** The time in ms for a token, about that of a small model. */
const tokenMs = 8;
const modelName = 'sample-1-2026-11';

interface ChatMessage {
  readonly role: string;
  readonly content: string | null;
  readonly tool_call_id?: string;
}

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** The model's next answer: a text, or the tools that it asks to be called. */
interface Turn {
  readonly text: string;
  readonly calls: readonly ToolCall[];
}

/**
 * Starts a model server for the demo. It speaks Chat Completions with streaming and plays a support agent that looks up a customer, follows the order and
 * answers. It uses the results of the tools; all else is scripted.
 */
export async function openSampleModel(): Promise<SampleServer> {
  return openServer(async (request, response) => {
    const { messages }: { readonly messages: readonly ChatMessage[] } = JSON.parse(await text(request));
    const turn = nextTurn(messages);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const delta of deltas(turn)) {
      response.write(event({ choices: [{ index: 0, delta, finish_reason: null }] }));
      await delay(tokenMs);
    }
    const written = turn.text.split(' ').length + turn.calls.length * 20;
    const read = Math.round(JSON.stringify(messages).length / 4);
    const usage = { prompt_tokens: read, completion_tokens: written, total_tokens: read + written };
    response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: turn.calls.length > 0 ? 'tool_calls' : 'stop' }], usage }));
    response.end('data: [DONE]\n\n');
  });
}

function nextTurn(messages: readonly ChatMessage[]): Turn {
  const results = messages.filter(({ role }) => role === 'tool').map(({ content }) => content ?? '');
  switch (results.length) {
    case 0:
      return {
        text: 'I look the customer up.',
        calls: [{ id: 'call_customer', name: 'run_sql', arguments: { query: "SELECT id, name FROM customers WHERE email = 'ada@example.com'" } }],
      };
    case 1:
      return {
        text: 'Now her orders, and where the newest parcel is.',
        calls: [
          {
            id: 'call_orders',
            name: 'run_sql',
            arguments: { query: `SELECT id, item, state FROM orders WHERE customer = ${firstId(results[0])} ORDER BY id` },
          },
          { id: 'call_parcel', name: 'track_parcel', arguments: { order: 101 } },
        ],
      };
    case 3:
      return {
        text: 'I let her know.',
        calls: [{ id: 'call_mail', name: 'send_mail', arguments: { to: 'ada@example.com', body: `Your order: ${results[2] ?? ''}` } }],
      };
    default:
      return { text: `Her difference engine is on its way: ${results[2] ?? 'the parcel could not be found'} I have written to her.`, calls: [] };
  }
}

/** Returns the customer's id from the rows that the tool returned. */
function firstId(rows = ''): number {
  return Number(/"id":\s*(\d+)/.exec(rows)?.[1] ?? 0);
}

function* deltas({ text: words, calls }: Turn): Generator<object> {
  yield { role: 'assistant', content: '' };
  for (const word of words.split(/(?<= )/)) {
    yield { content: word };
  }
  for (const [index, call] of calls.entries()) {
    yield { tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] };
    for (const piece of JSON.stringify(call.arguments).match(/.{1,24}/gs) ?? []) {
      yield { tool_calls: [{ index, function: { arguments: piece } }] };
    }
  }
}

function event(fields: object): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-sample', object: 'chat.completion.chunk', created: Math.round(Date.now() / 1000), model: modelName, ...fields })}\n\n`;
}
