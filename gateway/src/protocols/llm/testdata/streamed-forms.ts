import { AwsMessages, composeAwsMessage } from '../../../content/aws-event-stream.ts';
import { Framer } from '../../../content/framer.ts';
import { jsonTexts } from '../../../content/json-texts.ts';
import { SseEvents } from '../../../content/sse.ts';
import { findParts } from '../streamed-texts.ts';

/** An event in which a model says something. */
export type Event = Readonly<Record<string, unknown>>;

/** The data of the events in an event stream. */
export function dataOf(body: Buffer): string[] {
  return new Framer(new SseEvents(), Infinity).push(body).flatMap((frame) => (frame.is === 'event' ? [frame.event.data] : []));
}

export interface Form {
  /** An event with the next piece of the first or of the second text. */
  readonly piece: (which: 0 | 1, text: string) => Event;
  readonly ends?: readonly Event[];
}

/** How events are written as a body, and read from it. */
export interface Wire {
  readonly type: string;
  readonly write: (events: readonly Event[]) => Buffer;
  readonly read: (body: Buffer) => readonly string[];
}

export const sse: Wire = {
  type: 'text/event-stream',
  write: (events) => Buffer.from(`${events.map((event) => `event: x\ndata: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`),
  read: (body) => dataOf(body).slice(0, -1),
};
export const lines: Wire = {
  type: 'application/x-ndjson',
  write: (events) => Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join('')),
  read: (body) => body.toString().trim().split('\n'),
};
const list: Wire = {
  type: 'application/json',
  write: (events) => Buffer.from(JSON.stringify(events)),
  read: (body) => JSON.parse(body.toString()).map((event: unknown) => JSON.stringify(event)),
};
const aws: Wire = {
  type: 'application/vnd.amazon.eventstream',
  write: (events) =>
    Buffer.concat(
      events.flatMap((event) =>
        Object.entries(event).map(([type, inner]) =>
          composeAwsMessage({ ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' }, Buffer.from(JSON.stringify(inner))),
        ),
      ),
    ),
  read: (body) =>
    new Framer(new AwsMessages(), Infinity)
      .push(body)
      .flatMap((frame) => (frame.is === 'message' ? [frame.message] : []))
      .map(({ headers, payload }) => `{${JSON.stringify(headers.get(':event-type'))}:${payload.toString()}}`),
};
const awsChunks: Wire = {
  type: aws.type,
  write: (events) => aws.write(events.map((event) => ({ chunk: { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abc' } }))),
  read: (body) => aws.read(body).map((event) => Buffer.from(JSON.parse(event).chunk.bytes, 'base64').toString()),
};

export const anthropic: Form = {
  piece: (which, text) => ({
    type: 'content_block_delta',
    index: which,
    delta: which === 0 ? { type: 'text_delta', text } : { type: 'input_json_delta', partial_json: text },
  }),
  ends: [{ type: 'content_block_stop', index: 0 }, { type: 'content_block_stop', index: 1 }, { type: 'message_stop' }],
};
const gemini: Form = {
  piece: (which, text) => ({ candidates: [{ content: { parts: [which === 0 ? { text } : { text, thought: true }], role: 'model' } }], modelVersion: 'm' }),
};
/** The forms of the streams of all APIs. */
export const forms: Readonly<Record<string, readonly [Wire, Form]>> = {
  'chat completions': [
    sse,
    {
      piece: (which, text) => ({
        id: 'c',
        choices: [{ index: 0, delta: which === 0 ? { content: text } : { tool_calls: [{ index: 0, function: { arguments: text } }] }, finish_reason: null }],
      }),
      ends: [{ id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }],
    },
  ],
  'members that a server has of its own': [
    sse,
    {
      piece: (which, text) => ({
        choices: [
          {
            index: 0,
            delta: { role: 'assistant', ...(which === 0 ? { record_field: text } : { reasoning_details: [{ type: 'reasoning.text', index: 0, text }] }) },
          },
        ],
      }),
    },
  ],
  'content as a list': [
    sse,
    {
      piece: (which, text) => ({
        choices: [{ index: 0, delta: which === 0 ? { content: [{ type: 'text', text }] } : { audio: { id: 'audio_1', transcript: text } } }],
      }),
    },
  ],
  'two choices': [sse, { piece: (which, text) => ({ choices: [{ index: which, delta: { content: text } }] }) }],
  completions: [sse, { piece: (which, text) => ({ choices: [{ index: which, text }] }) }],
  responses: [
    sse,
    {
      piece: (which, delta) =>
        which === 0
          ? { type: 'response.output_text.delta', item_id: 'msg', content_index: 0, delta }
          : { type: 'response.function_call_arguments.delta', item_id: 'fc', delta },
      ends: [
        { type: 'response.output_text.done', item_id: 'msg', content_index: 0 },
        { type: 'response.completed', response: { id: 'resp' } },
      ],
    },
  ],
  messages: [sse, anthropic],
  'messages of Bedrock': [awsChunks, anthropic],
  converse: [
    aws,
    {
      piece: (which, text) => ({ contentBlockDelta: { contentBlockIndex: which, delta: which === 0 ? { text } : { toolUse: { input: text } } } }),
      ends: [{ contentBlockStop: { contentBlockIndex: 0 } }, { messageStop: { stopReason: 'end_turn' } }],
    },
  ],
  gemini: [sse, gemini],
  'gemini as a list': [list, gemini],
  'arguments of gemini': [
    sse,
    {
      piece: (which, text) => ({
        candidates: [
          { content: { parts: [{ functionCall: { partialArgs: [{ jsonPath: which === 0 ? '$.to' : '$.note', stringValue: text, willContinue: true }] } }] } },
        ],
      }),
    },
  ],
  ollama: [
    lines,
    {
      piece: (which, text) => ({
        model: 'm',
        message: { role: 'assistant', ...(which === 0 ? { content: text } : { content: '', thinking: text }) },
        done: false,
      }),
      ends: [{ model: 'm', message: { role: 'assistant', content: '' }, done: true }],
    },
  ],
};

/** The texts of these events that come in pieces, joined. */
export function joined(events: readonly string[]): readonly string[] {
  const texts = new Map<string, string>();
  for (const event of events) {
    const { parts } = findParts(JSON.parse(event));
    for (const { path, text } of jsonTexts(event) ?? []) {
      const name = parts.get(path ?? '');
      if (name !== undefined) {
        texts.set(name, (texts.get(name) ?? '') + text);
      }
    }
  }
  return [...texts.values()].filter((text) => text !== '');
}
