import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MaskControl } from '../../../../tests/support/controls/mask.ts';
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

test('a transcription of what was said to a live model ends with the event that says so, or that it failed', () => {
  const event = { item_id: 'item', content_index: 0 };
  const type = 'conversation.item.input_audio_transcription';
  const name = findParts({ ...event, type: `${type}.delta`, delta: 's' }).parts.get('delta') ?? assert.fail('no piece');
  for (const end of ['completed', 'failed']) {
    assert.equal(findParts({ ...event, type: `${type}.${end}` }).ends?.(name), true, end);
  }
});
