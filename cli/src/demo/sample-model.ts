import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { openServer, type SampleServer } from './sample-server.ts';

/** The time in ms for a token, about that of a small model. */
const tokenMs = 8;
/** The time in ms for a token of the answer that does not end, at about the pace at which people read. */
const endlessTokenMs = 80;
/** The time in ms for a token of the agent that watches: it asks for something every few seconds. */
const watchedTokenMs = 250;
/** The answer that does not end by itself ends after so many tokens, if nobody ends it before. */
const endlessTokensMax = 1000;
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

export interface SampleModel extends SampleServer {
  /** The texts of the newest conversation as they reached the model, that of its user first. */
  readonly heard: () => readonly string[];
}

/** The model's next answer: words, and the tools that it asks to be called. */
interface Turn {
  readonly words: Iterable<string>;
  readonly calls: readonly ToolCall[];
  readonly tokenMs: number;
}

/**
 * Starts a model server for the demo. It speaks Chat Completions with streaming and plays a support agent that does its errand, and does not stop where it
 * should. It uses the results of the tools; all else is scripted.
 */
export async function openSampleModel(): Promise<SampleModel> {
  let heard: readonly string[] = [];
  const server = await openServer(async (request, response) => {
    const { messages }: { readonly messages: readonly ChatMessage[] } = JSON.parse(await text(request));
    heard = messages.filter(({ role }) => role !== 'system').map(({ content }) => content ?? '');
    const turn = nextTurn(messages);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let written = 0;
    for (const delta of deltas(turn)) {
      if (response.destroyed) {
        return;
      }
      response.write(event({ choices: [{ index: 0, delta, finish_reason: null }] }));
      written += 1;
      await delay(turn.tokenMs);
    }
    const read = Math.round(JSON.stringify(messages).length / 4);
    const usage = { prompt_tokens: read, completion_tokens: written, total_tokens: read + written };
    response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: turn.calls.length > 0 ? 'tool_calls' : 'stop' }], usage }));
    response.end('data: [DONE]\n\n');
  });
  return { ...server, heard: () => heard };
}

/** Returns the turn that comes next. */
function nextTurn(messages: readonly ChatMessage[]): Turn {
  const question = messages.find(({ role }) => role === 'user')?.content ?? '';
  const results = messages.filter(({ role }) => role === 'tool').map(({ content }) => content ?? '');
  const [, order] = /^Order (\d+) is with the post/.exec(question) ?? [];
  return order !== undefined ? packing(order, results) : question.startsWith('Watch') ? watching(results) : errand(question, results);
}

function packing(order: string, results: readonly string[]): Turn {
  return results.length === 0
    ? turnOf(`I put the state of order ${order} right.`, [sql('state', `UPDATE orders SET state = 'on its way' WHERE id = ${order}`)])
    : turnOf('That is all.', []);
}

/** An agent that works on until somebody ends it. */
function watching(results: readonly string[]): Turn {
  const open = ids(results.at(-1) ?? '').join(' and ');
  const seen = open === '' ? 'No order is open.' : `Open now: ${open}.`;
  const words = results.length === 0 ? 'I look which orders are open.' : `${seen} I go on and look again.`;
  return { ...turnOf(words, [sql(`look_${results.length}`, "SELECT id, item FROM orders WHERE state = 'open' ORDER BY id")]), tokenMs: watchedTokenMs };
}

/** The errand of the demo. */
function errand(question: string, results: readonly string[]): Turn {
  const [order = '', parcel = '', , , customers = ''] = results;
  const asker = /^(.+?) asks/.exec(question)?.[1] ?? '';
  switch (results.length) {
    case 0:
      return turnOf(`I look at the order of ${asker}, its parcel, the list of the depot, her cart and our customers.`, [
        sql('order', 'SELECT id, item, cents, state FROM orders WHERE id = 101'),
        { id: 'call_parcel', name: 'track_parcel', arguments: { order: 101 } },
        shell('depot', 'grep 101 parcels.log'),
        redis('cart', 'HGETALL', 'cart:1'),
        sql('customers', 'SELECT id, name, email, card FROM customers ORDER BY id'),
      ]);
    case 5:
      return turnOf('The parcel is on its way. First I clear up.', [
        sql('clear', 'DELETE FROM orders'),
        shell('list', 'rm parcels.log'),
        redis('carts', 'FLUSHALL'),
      ]);
    case 8:
      return turnOf('Not like that, then. I put the order right.', [sql('state', `UPDATE orders SET state = 'on its way' WHERE id = ${firstId(order)}`)]);
    case 9:
      return turnOf(`My notes of May say of ${asker}: order 101, ada@example.com, card 4242 4242 4242 4242. Is that still her address?`, [
        sql('address', 'SELECT email FROM customers WHERE id = 1 LIMIT 1'),
      ]);
    case 10:
      return turnOf('It is. I have it checked by a service on the Internet.', [{ id: 'call_check', name: 'check_address', arguments: {} }]);
    case 11:
      return turnOf(
        'Then not. Now I tell our customers.',
        ids(customers).map((customer) => ({ id: `call_mail_${customer}`, name: 'send_mail', arguments: { customer, body: parcel } })),
      );
    case 17:
      return { words: lookForAWayAround(), calls: [], tokenMs: endlessTokenMs };
    default:
      return turnOf('I can do no more.', []);
  }
}

function turnOf(words: string, calls: readonly ToolCall[]): Turn {
  return { words: words.match(/ ?[^ ]{1,6}/g) ?? [], calls, tokenMs };
}

function sql(id: string, query: string): ToolCall {
  return { id: `call_${id}`, name: 'run_sql', arguments: { query } };
}

function shell(id: string, command: string): ToolCall {
  return { id: `call_${id}`, name: 'run_shell', arguments: { command } };
}

function redis(id: string, ...command: readonly string[]): ToolCall {
  return { id: `call_${id}`, name: 'run_redis', arguments: { command } };
}

/** Yields the words of a model that has lost its way. */
function* lookForAWayAround(): Generator<string> {
  yield* 'One mail is left, so I look for a way around the limit: '.split(/(?<= )/);
  for (let i = 1; i <= endlessTokensMax; i += 1) {
    yield `relay-${i}.example.net, `;
  }
}

/** Returns the first id in the rows that the tool returned. */
function firstId(rows: string): number {
  return ids(rows)[0] ?? 0;
}

/** Returns the ids in the rows that the tool returned. */
function ids(rows: string): readonly number[] {
  return Array.from(rows.matchAll(/"id":\s*(\d+)/g), ([, id]) => Number(id));
}

function* deltas({ words, calls }: Turn): Generator<object> {
  yield { role: 'assistant', content: '' };
  for (const word of words) {
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
