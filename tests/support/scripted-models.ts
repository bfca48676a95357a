import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';

interface ScriptedCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

interface Turn {
  readonly text: string;
  readonly calls: readonly ScriptedCall[];
}

/** A script for the model. It gets the tools that the client offers, and the number of tool results so far, and returns the calls to make. */
export type Script = (offered: readonly string[], results: number) => readonly ScriptedCall[];

interface Api {
  readonly path: RegExp;
  /** Patterns that find the offered tools in a request, and the results of tools. */
  readonly tool: RegExp;
  readonly result: RegExp;
  readonly whole: (turn: Turn) => object;
  readonly events: (turn: Turn) => readonly object[];
}

const usage = { input_tokens: 9, output_tokens: 5 };
const model = 'scripted-1';

/**
 * Starts a server in the place of three providers (Anthropic; OpenAI, with Chat Completions whole and Responses; Gemini). It calls tools as the script says,
 * and then says how many results it got. Its ids differ in each answer, like those of the providers; Gemini's calls have none.
 */
export async function openScriptedModels(script: Script): Promise<SampleServer> {
  return openServer(async (request, response) => {
    const url = request.url ?? '';
    const body = await text(request);
    const api = apis.find(({ path }) => path.test(url));
    if (api === undefined || request.method !== 'POST') {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no such API","type":"not_found_error"}}');
      return;
    }
    const results = [...body.matchAll(api.result)].length;
    const offered = [...body.matchAll(api.tool)].map(([, name = '']) => name);
    const turn: Turn = { text: `I have seen ${results} results.`, calls: script(offered, results) };
    if (/"stream":\s*true/.test(body) || url.includes(':stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(api.events(turn).map(printEvent).join(''));
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(api.whole(turn)));
    }
  });
}

function printEvent(event: object): string {
  return `${'type' in event ? `event: ${String(event.type)}\n` : ''}data: ${JSON.stringify(event)}\n\n`;
}

function newId(kind: string): string {
  return `${kind}_${randomUUID().replaceAll('-', '')}`;
}

const toolName = /"name":\s*"([^"]+)"/g;

const apis: readonly Api[] = [
  { path: /\/messages(?:\?|$)/, tool: toolName, result: /"type":\s*"tool_result"/g, whole: anthropicAnswer, events: anthropicEvents },
  { path: /\/responses$/, tool: toolName, result: /"type":\s*"function_call_output"/g, whole: responsesAnswer, events: responsesEvents },
  { path: /\/chat\/completions$/, tool: toolName, result: /"role":\s*"tool"/g, whole: chatAnswer, events: () => [] },
  { path: /:(?:streamG|g)enerateContent/, tool: toolName, result: /"functionResponse":/g, whole: geminiAnswer, events: (turn) => [geminiAnswer(turn)] },
];

function anthropicBlocks({ text: said, calls }: Turn): readonly object[] {
  return [{ type: 'text', text: said }, ...calls.map((call) => ({ type: 'tool_use', id: newId('toolu'), name: call.name, input: call.arguments }))];
}

function anthropicAnswer(turn: Turn): object {
  const content = anthropicBlocks(turn);
  const stop = { stop_reason: turn.calls.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null };
  return { id: newId('msg'), type: 'message', role: 'assistant', model, content, ...stop, usage };
}

function anthropicEvents(turn: Turn): readonly object[] {
  const message = anthropicAnswer({ text: '', calls: [] });
  const blocks = anthropicBlocks(turn).flatMap((block, index) => {
    const [begun, delta] =
      'text' in block
        ? [
            { ...block, text: '' },
            { type: 'text_delta', text: block.text },
          ]
        : [
            { ...block, input: {} },
            { type: 'input_json_delta', partial_json: JSON.stringify('input' in block ? block.input : {}) },
          ];
    return [
      { type: 'content_block_start', index, content_block: begun },
      { type: 'content_block_delta', index, delta },
      { type: 'content_block_stop', index },
    ];
  });
  return [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
    ...blocks,
    { type: 'message_delta', delta: { stop_reason: turn.calls.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
}

function responsesAnswer({ text: said, calls }: Turn): { readonly output: readonly object[]; readonly usage: object } {
  const message = {
    id: newId('msg'),
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [{ type: 'output_text', text: said, annotations: [] }],
  };
  const called = calls.map(({ name, arguments: given }) => ({
    id: newId('fc'),
    type: 'function_call',
    status: 'completed',
    call_id: newId('call'),
    name,
    arguments: JSON.stringify(given),
  }));
  const head = { id: newId('resp'), object: 'response', created_at: Math.round(Date.now() / 1000), status: 'completed', model, error: null };
  const rest = { parallel_tool_calls: true, tool_choice: 'auto', tools: [] };
  return { ...head, ...rest, output: [message, ...called], usage: { ...usage, total_tokens: 14 } };
}

function responsesEvents(turn: Turn): readonly object[] {
  const answer = responsesAnswer(turn);
  const items = answer.output.flatMap((item, output_index) => {
    const place = { output_index, item_id: 'id' in item ? item.id : '' };
    const delta =
      'arguments' in item
        ? [{ type: 'response.function_call_arguments.delta', ...place, delta: item.arguments }]
        : [
            { type: 'response.content_part.added', ...place, content_index: 0, part: { type: 'output_text', text: '', annotations: [] } },
            { type: 'response.output_text.delta', ...place, content_index: 0, delta: turn.text },
          ];
    const begun = 'arguments' in item ? { ...item, arguments: '', status: 'in_progress' } : { ...item, content: [], status: 'in_progress' };
    return [{ type: 'response.output_item.added', output_index, item: begun }, ...delta, { type: 'response.output_item.done', output_index, item }];
  });
  const begun = { ...answer, status: 'in_progress', output: [], usage: null };
  const events = [{ type: 'response.created', response: begun }, ...items, { type: 'response.completed', response: answer }];
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}

function chatAnswer({ text: said, calls }: Turn): object {
  const tool_calls = calls.map((call) => ({
    id: newId('call'),
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
  const message = { role: 'assistant', content: said, ...(calls.length > 0 ? { tool_calls } : {}) };
  const choices = [{ index: 0, message, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' }];
  const tokens = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };
  return { id: newId('chatcmpl'), object: 'chat.completion', created: Math.round(Date.now() / 1000), model, choices, usage: tokens };
}

function geminiAnswer({ text: said, calls }: Turn): object {
  const parts = [{ text: said }, ...calls.map((call) => ({ functionCall: { name: call.name, args: call.arguments } }))];
  const counts = { promptTokenCount: 9, candidatesTokenCount: 5, totalTokenCount: 14 };
  const candidates = [{ index: 0, content: { role: 'model', parts }, finishReason: 'STOP' }];
  return { candidates, usageMetadata: counts, modelVersion: model, responseId: newId('') };
}
