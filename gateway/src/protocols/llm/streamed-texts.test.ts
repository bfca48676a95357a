import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MaskControl } from '../../../../tests/support/controls/mask.ts';
import { AwsMessages, composeAwsMessage } from '../../content/aws-event-stream.ts';
import { jsonTexts } from '../../content/json-texts.ts';
import { Framer } from '../../content/framer.ts';
import { SseEvents } from '../../content/sse.ts';
import { ChangedAnswer } from '../../exchange/answer/changed-answer.ts';
import { ReceivedAnswer } from '../../exchange/answer/testdata/received-answer.ts';
import { findParts } from './streamed-texts.ts';

type Event = Readonly<Record<string, unknown>>;

/** The data of the events in an event stream. */
function dataOf(body: Buffer): string[] {
  return new Framer(new SseEvents(), Infinity).push(body).flatMap((frame) => (frame.is === 'event' ? [frame.event.data] : []));
}

interface Form {
  /** An event with the next piece of the first or of the second text. */
  readonly piece: (which: 0 | 1, text: string) => Event;
  readonly ends?: readonly Event[];
}

/** How events are written as a body, and read from it. */
interface Wire {
  readonly type: string;
  readonly write: (events: readonly Event[]) => Buffer;
  readonly read: (body: Buffer) => readonly string[];
}

const sse: Wire = {
  type: 'text/event-stream',
  write: (events) => Buffer.from(`${events.map((event) => `event: x\ndata: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`),
  read: (body) => dataOf(body).slice(0, -1),
};
const lines: Wire = {
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

const anthropic: Form = {
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
const forms: Readonly<Record<string, readonly [Wire, Form]>> = {
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
function joined(events: readonly string[]): readonly string[] {
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

const control = new MaskControl();
const texts = ['it is secret-abc, "secret-b ü" and secret-3', '{"say":"secret-of the second"}'] as const;
const masked = ['it is secret-***, "secret-*** ü" and secret-***', '{"say":"secret-*** the second"}'];
/** Lengths of pieces, and whether both texts come in turn. */
const cuts = fc.record({ lengths: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2 }), isMixed: fc.boolean(), isWhole: fc.boolean() });

for (const [name, [wire, { piece, ends = [] }]] of Object.entries(forms)) {
  test(`a text that comes in pieces is changed as if it was whole: ${name}`, () => {
    fc.assert(
      fc.property(cuts, ({ lengths, isMixed, isWhole }) => {
        const of = (which: 0 | 1): Event[] => {
          const events: Event[] = [];
          for (let at = 0, i = 0; at < texts[which].length; i += 1) {
            const length = lengths[i % lengths.length] ?? 1;
            events.push(piece(which, texts[which].slice(at, at + length)));
            at += length;
          }
          return events;
        };
        const [first, second] = [of(0), of(1)];
        const events = isMixed ? first.flatMap((event, i) => [event, ...second.slice(i, i + 1)]).concat(second.slice(first.length)) : [...first, ...second];
        const received = new ReceivedAnswer();
        const changes = [control.change(null, { kind: 'test-mask', parameters: isWhole ? { whole: 'yes' } : {} })];
        const answer = new ChangedAnswer({ changes, frameBytesMax: 100_000, findParts }, received);
        answer.onHead({ status: 200, statusText: 'OK', rawHeaders: ['content-type', wire.type] });
        answer.onBytes(wire.write([...events, ...ends]));
        answer.onEnd([]);
        assert.equal(received.error, null);
        const released = wire.read(received.bodyBytes);
        assert.equal(released.length, events.length + ends.length, 'each event is there');
        assert.deepEqual(joined(released), masked);
      }),
    );
  });
}

test('a text goes on piece by piece if the change allows it, and all of it before the answer ends if its end is known', () => {
  const received = new ReceivedAnswer();
  const answer = new ChangedAnswer({ changes: [control.change(null, { kind: 'test-mask', parameters: {} })], frameBytesMax: 1000, findParts }, received);
  const say = (...events: readonly Event[]): readonly string[] => {
    answer.onBytes(Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')));
    return joined(dataOf(received.bodyBytes));
  };
  answer.onHead({ status: 200, statusText: 'OK', rawHeaders: ['content-type', 'text/event-stream'] });
  assert.deepEqual(say(anthropic.piece(0, 'plain ')), ['plain ']);
  assert.deepEqual(say(anthropic.piece(0, 'words sec')), ['plain '], 'an event waits while its text may begin a match');
  assert.deepEqual(say(anthropic.piece(0, 'ret-a')), ['plain words ']);
  assert.deepEqual(say({ type: 'content_block_stop', index: 0 }), ['plain words secret-***']);
});

test('a member of a delta that is whole, or the same in each event, holds nothing back', () => {
  const whole = {
    role: 'secret',
    channel: 'secret',
    annotations: [{ url: 'secret' }],
    tool_calls: [{ index: 0, id: 'secret', function: { name: 'secret', arguments: '' } }],
  };
  const received = new ReceivedAnswer();
  const answer = new ChangedAnswer({ changes: [control.change(null, { kind: 'test-mask', parameters: {} })], frameBytesMax: 1000, findParts }, received);
  answer.onHead({ status: 200, statusText: 'OK', rawHeaders: ['content-type', 'text/event-stream'] });
  answer.onBytes(Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: whole }] })}\n\n`));
  assert.equal(dataOf(received.bodyBytes).length, 1);
});

test('what waits has a limit: a text that must be whole, and events behind one that waits', () => {
  for (const { parameters, events } of [
    { parameters: { whole: 'yes' }, events: Array.from({ length: 200 }, () => anthropic.piece(0, '0123456789')) },
    { parameters: {}, events: [anthropic.piece(0, 'secret-'), ...Array.from({ length: 200 }, (): Event => ({ type: 'ping' }))] },
  ]) {
    const received = new ReceivedAnswer();
    const answer = new ChangedAnswer({ changes: [control.change(null, { kind: 'test-mask', parameters })], frameBytesMax: 1000, findParts }, received);
    answer.onHead({ status: 200, statusText: 'OK', rawHeaders: ['content-type', 'text/event-stream'] });
    answer.onBytes(sse.write(events));
    assert.equal(received.error?.code, 'limit_exceeded');
    assert.ok(!received.body.includes('secret-'));
  }
});

test('a transcription of what was said to a live model ends with the event that says so, or that it failed', () => {
  const event = { item_id: 'item', content_index: 0 };
  const type = 'conversation.item.input_audio_transcription';
  const name = findParts({ ...event, type: `${type}.delta`, delta: 's' }).parts.get('delta') ?? assert.fail('no piece');
  for (const end of ['completed', 'failed']) {
    assert.equal(findParts({ ...event, type: `${type}.${end}` }).ends?.(name), true, end);
  }
});
