import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { awsEvent } from '../protocols/llm/testdata/aws-messages.ts';
import { cutAt } from '../protocols/llm/testdata/fixtures.ts';
import { AwsMessages } from './aws-event-stream.ts';
import type { Frame, Splitter } from './frame.ts';
import { Framer, lines, wholeBody } from './framer.ts';
import { JsonDocuments } from './json-documents.ts';
import { SseEvents } from './sse.ts';

const splitters: Readonly<Record<string, () => Splitter>> = {
  'an event stream': () => new SseEvents(),
  'an event stream with its comments': () => new SseEvents({ areCommentsApart: false }),
  'messages of AWS': () => new AwsMessages(),
  'JSON objects': () => new JsonDocuments(),
  'JSON objects, of which the first may be long': () => new JsonDocuments({ scannedBytesMax: 30 }),
  lines,
  'a whole body': wholeBody,
};
const message = awsEvent('metadata', { usage: { inputTokens: 1 } });
const words = fc.array(fc.constantFrom('\r', '\n', '\r\n', '\n\n', ':', 'data: x', 'id: 1', '\u{feff}', '{', '}', '[', ']', '"', '\\', '{"a":"b"}', message), {
  maxLength: 25,
});
const bodies = fc.oneof(
  words.map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part)))),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
);
/** The kinds of frames that say something. */
const said: ReadonlySet<Frame['is']> = new Set(['event', 'message', 'document', 'whole', 'unended', 'damaged']);

function frames(splitter: Splitter, pieces: readonly Uint8Array[], frameBytesMax: number): Frame[] {
  const framer = new Framer(splitter, frameBytesMax);
  return [...pieces.flatMap((piece) => framer.push(Buffer.from(piece))), ...framer.end()];
}

for (const [form, make] of Object.entries(splitters)) {
  test(`the frames of ${form} are its bytes, and however it is cut they are the same`, () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 8 }), (body, places) => {
        const cut = frames(make(), cutAt(body, places), Infinity);
        assert.deepEqual(Buffer.concat(cut.map(({ bytes }) => bytes)), body);
        const saying = (found: readonly Frame[]): unknown[] =>
          found.filter(({ is }) => said.has(is)).map((frame) => (frame.is === 'event' ? frame.event : frame.is === 'damaged' ? frame.is : trimmed(frame)));
        assert.deepEqual(saying(cut), saying(frames(make(), [body], Infinity)));
      }),
      { numRuns: 300 },
    );
  });

  test(`of a frame of ${form} no more is held than the limit, and all of it goes on`, () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 8 }), fc.integer({ min: 12, max: 30 }), (body, places, limit) => {
        const framer = new Framer(make(), limit);
        let held = 0;
        for (const piece of cutAt(body, places)) {
          held += piece.length - framer.push(Buffer.from(piece)).reduce((sum, { bytes }) => sum + bytes.length, 0);
          assert.ok(held <= limit);
        }
        assert.equal(
          framer.end().reduce((sum, { bytes }) => sum + bytes.length, 0),
          held,
        );
      }),
      { numRuns: 300 },
    );
  });
}

test('an object that is a little too long is so however it is cut', () => {
  const body = Buffer.from(`{"a":"${'x'.repeat(24)}"}`);
  for (let at = 0; at <= body.length; at++) {
    const found = frames(new JsonDocuments({ scannedBytesMax: 30 }), [body.subarray(0, at), body.subarray(at)], Infinity);
    assert.deepEqual([body.length, found.map(({ is }) => is)], [32, ['whole']], `cut at ${at}`);
  }
});

test('a frame that comes in one piece is a view of it', () => {
  const body = Buffer.from('data: x\n\n');
  assert.equal(new Framer(new SseEvents(), 100).push(body)[0]?.bytes.buffer, body.buffer);
});

/** A line feed after the carriage return that ended a frame is the beginning of the next one, or a frame of its own, as it came. */
function trimmed({ is, bytes }: Frame): readonly string[] {
  return [is, bytes.toString('latin1').replace(/^\n/, '').replace(/\r\n$/, '\r')];
}
