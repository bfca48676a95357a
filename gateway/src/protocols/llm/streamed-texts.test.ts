import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MaskControl } from '../../../../tests/support/controls/mask.ts';
import { framerOf, type TextFramer } from '../../content/text-framer.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ChangedAnswer } from '../../exchange/answer/changed-answer.ts';
import { ReceivedAnswer } from '../../exchange/answer/testdata/received-answer.ts';
import { findParts } from './streamed-texts.ts';
import { anthropic, dataOf, forms, joined, sse, type Event } from './testdata/streamed-forms.ts';

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

test('an event that repeats another one but for its piece is read as if it came alone', () => {
  const written = fc.constantFrom(
    'a',
    ' b',
    '',
    '\\n',
    '\\u0041',
    '\\/',
    '\\"',
    '\\\\',
    'ü',
    '\\ud83d',
    '\t',
    '\\x',
    '"',
    '","text":"',
    '"}],"object":"',
    'text/plain',
  );
  const events = [
    (a: string, b: string) => `{"object":"${b}","choices":[{"index":0,"delta":{"content":"${a}","n":1.50}},{"index":1,"delta":{"content":"${b}"}}]}`,
    (a: string, b: string) => `{"choices":[{"index":0,"delta":{"content":"${a}"}}],"object":"${b}"}`,
    (a: string, b: string) => `{"choices":[{"index":0,"delta":{"mimeType":"${a}","data":"YWJj","audio":{"transcript":"${b}"}}}]}`,
    (a: string, b: string) => `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${a}","${b}":"c"}}`,
    (a: string, b: string) => `{"type":"response.output_text.delta","item_id":"${b}","delta":"${a}"}`,
    (a: string, b: string) => `{"type":"response.output_text.d${b}","delta":"${a}"}`,
    (a: string, b: string) => `[{"candidates":[{"content":{"parts":[{"text":"${a}"},{"text":"${b}"}]}}]}]`,
  ];
  const event = fc.record({ form: fc.constantFrom(...events), first: fc.array(written, { maxLength: 2 }), second: fc.array(written, { maxLength: 1 }) });
  /** The frame of an event, or the code of the error for it. */
  const read = (framer: TextFramer | null, data: string): unknown => {
    try {
      return framer?.push(Buffer.from(`data: ${data}\n\n`)).map((frame) => ({
        bytes: frame.bytes,
        found: frame.texts,
        ends: frame.ends === null ? null : ['block 0', ' response.output_text  0'].map(frame.ends),
        // Each text is changed once, and all of them are left as they are.
        composed: [...frame.texts.keys(), -1].map((i) => frame.compose(frame.texts.map(({ text }, at) => (at === i ? `${text}"x` : text))).toString()),
      }));
    } catch (error) {
      return error instanceof GatewayError ? error.code : error;
    }
  };
  fc.assert(
    fc.property(fc.array(event, { minLength: 2, maxLength: 8 }), fc.boolean(), (stream, isSame) => {
      const framer = framerOf('text/event-stream', { frameBytesMax: 10_000, findParts });
      for (const { form, first, second } of stream) {
        const data = (isSame ? (stream[0]?.form ?? form) : form)(first.join(''), second.join(''));
        assert.deepEqual(read(framer, data), read(framerOf('text/event-stream', { frameBytesMax: 10_000, findParts }), data), data);
      }
    }),
    { numRuns: 500 },
  );
});

test('a transcription of what was said to a live model ends with the event that says so, or that it failed', () => {
  const event = { item_id: 'item', content_index: 0 };
  const type = 'conversation.item.input_audio_transcription';
  const name = findParts({ ...event, type: `${type}.delta`, delta: 's' }).parts.get('delta') ?? assert.fail('no piece');
  for (const end of ['completed', 'failed']) {
    assert.equal(findParts({ ...event, type: `${type}.${end}` }).ends?.(name), true, end);
  }
});
