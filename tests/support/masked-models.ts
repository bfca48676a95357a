import { text } from 'node:stream/consumers';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';

/** Texts that come in streams are cut after so many characters. */
const pieceLength = 5;
const signature = 'EqoBCkYIBxgCKkBx0example0signature0of0thoughts';

interface Said {
  readonly text: string;
  /** The arguments of a call of the tool `send`, as JSON. */
  readonly given: string;
}

interface Api {
  readonly path: RegExp;
  readonly events: (said: Said) => readonly object[];
}

/** A model that has heard the bodies of requests. */
export interface MaskedModels extends SampleServer {
  readonly asked: readonly string[];
}

/**
 * Starts a server in the place of three providers (Anthropic; OpenAI with Chat Completions and Responses; Gemini), which streams a text and a call of a tool in small pieces. Both name
 * whom the request names by a stand-in of an address; if it names nobody, `known`.
 */
export async function openMaskedModels(known: string, card: string): Promise<MaskedModels> {
  const asked: string[] = [];
  const server = await openServer(async (request, response) => {
    const body = await text(request);
    asked.push(body);
    const [who = known] = /email_[0-9a-f]{16}/.exec(body) ?? [];
    const api = apis.find(({ path }) => path.test(request.url ?? ''));
    response.writeHead(api === undefined ? 404 : 200, { 'content-type': 'text/event-stream' });
    for (const event of api?.events({ text: `Write to ${who}.`, given: JSON.stringify({ to: who, card, number: Number(card.replaceAll(' ', '')) }) }) ?? []) {
      response.write(`${'type' in event ? `event: ${String(event.type)}\n` : ''}data: ${JSON.stringify(event)}\n\n`);
      await new Promise(setImmediate);
    }
    response.end();
  });
  return Object.assign(server, { asked });
}

function piecesOf(whole: string): readonly string[] {
  return whole.match(new RegExp(`.{1,${pieceLength}}`, 'gs')) ?? [];
}

const apis: readonly Api[] = [
  { path: /\/messages(?:\?|$)/, events: anthropicEvents },
  { path: /\/responses$/, events: responsesEvents },
  { path: /\/chat\/completions$/, events: chatEvents },
  { path: /:streamGenerateContent/, events: geminiEvents },
];

function anthropicEvents({ text: said, given }: Said): readonly object[] {
  const usage = { input_tokens: 9, output_tokens: 5 };
  const delta = (index: number, each: object): object => ({ type: 'content_block_delta', index, delta: each });
  const block = (index: number, begun: object, deltas: readonly object[]): readonly object[] => [
    { type: 'content_block_start', index, content_block: begun },
    ...deltas.map((each) => delta(index, each)),
    { type: 'content_block_stop', index },
  ];
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, stop_sequence: null, usage };
  return [
    { type: 'message_start', message },
    ...block(0, { type: 'thinking', thinking: '', signature: '' }, [
      ...piecesOf(said).map((thinking) => ({ type: 'thinking_delta', thinking })),
      { type: 'signature_delta', signature },
    ]),
    ...block(
      1,
      { type: 'text', text: '' },
      piecesOf(said).map((each) => ({ type: 'text_delta', text: each })),
    ),
    ...block(
      2,
      { type: 'tool_use', id: 'toolu_1', name: 'send', input: {} },
      piecesOf(given).map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    ),
    { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
}

function chatEvents({ text: said, given }: Said): readonly object[] {
  const chunk = (delta: object, finish_reason: string | null = null): object => ({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason }],
  });
  const call = (each: object): object => chunk({ tool_calls: [{ index: 0, ...each }] });
  return [
    chunk({ role: 'assistant', content: '' }),
    ...piecesOf(said).map((content) => chunk({ content })),
    call({ id: 'call_1', type: 'function', function: { name: 'send', arguments: '' } }),
    ...piecesOf(given).map((each) => call({ function: { arguments: each } })),
    chunk({}, 'tool_calls'),
  ];
}

function responsesEvents({ text: said, given }: Said): readonly object[] {
  const part = (each: string): object => ({ type: 'output_text', text: each, annotations: [] });
  const message = (each: string): object => ({
    id: 'msg_1',
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: each === '' ? [] : [part(each)],
  });
  const call = (each: string): object => ({ id: 'fc_1', type: 'function_call', status: 'completed', call_id: 'call_1', name: 'send', arguments: each });
  const response = (output: readonly object[]): object => ({ id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'm', output });
  const [spoken, called] = [
    { output_index: 0, item_id: 'msg_1', content_index: 0 },
    { output_index: 1, item_id: 'fc_1' },
  ];
  const events = [
    { type: 'response.created', response: response([]) },
    { type: 'response.output_item.added', output_index: 0, item: message('') },
    { type: 'response.content_part.added', ...spoken, part: part('') },
    ...piecesOf(said).map((delta) => ({ type: 'response.output_text.delta', ...spoken, delta })),
    { type: 'response.output_text.done', ...spoken, text: said },
    { type: 'response.content_part.done', ...spoken, part: part(said) },
    { type: 'response.output_item.done', output_index: 0, item: message(said) },
    { type: 'response.output_item.added', output_index: 1, item: call('') },
    ...piecesOf(given).map((delta) => ({ type: 'response.function_call_arguments.delta', ...called, delta })),
    { type: 'response.function_call_arguments.done', ...called, arguments: given },
    { type: 'response.output_item.done', output_index: 1, item: call(given) },
    { type: 'response.completed', response: response([message(said), call(given)]) },
  ];
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}

function geminiEvents({ text: said, given }: Said): readonly object[] {
  const event = (part: object): object => ({ candidates: [{ index: 0, content: { role: 'model', parts: [part] } }], modelVersion: 'm' });
  return [
    ...piecesOf(said).map((each) => event({ text: each })),
    event({ functionCall: { name: 'send', args: JSON.parse(given) }, thoughtSignature: signature }),
  ];
}
