import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Frame, SseEvent } from './frame.ts';
import { Framer } from './framer.ts';
import { SseEvents } from './sse.ts';

function frames(pieces: readonly (string | Uint8Array)[], eventBytesMax = Infinity): Frame[] {
  const framer = new Framer(new SseEvents(), eventBytesMax);
  return [...pieces.flatMap((piece) => framer.push(Buffer.from(piece))), ...framer.end()];
}

function parse(pieces: readonly (string | Uint8Array)[], eventBytesMax?: number): { events: SseEvent[]; skipped: number } {
  const cut = frames(pieces, eventBytesMax);
  return { events: cut.flatMap((frame) => (frame.is === 'event' ? [frame.event] : [])), skipped: cut.filter(({ is }) => is === 'long').length };
}

function data(text: string): string[] {
  return parse([text]).events.map((event) => event.data);
}

function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((cut, i) => bytes.subarray(cuts[i], cut));
}

test('the examples of the specification', () => {
  assert.deepEqual(data('data: YHOO\ndata: +2\ndata: 10\n\n'), ['YHOO\n+2\n10']);
  const { events } = parse([': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n']);
  assert.deepEqual(events, [
    { type: 'message', data: 'first event', id: '1' },
    { type: 'message', data: 'second event', id: '' },
    { type: 'message', data: ' third event', id: '' },
  ]);
  assert.deepEqual(data('data\n\ndata\ndata\n\ndata:'), ['', '\n']);
  assert.deepEqual(data('data:test\n\ndata: test\n\n'), ['test', 'test']);
});

test('names, ids and unknown fields are read', () => {
  const { events } = parse(['event: ping\nretry: 5\nfoo: bar\ndata: {}\nid: 7\n\nevent: none\n\nid: a\0b\ndata: x\n\n']);
  assert.deepEqual(events, [
    { type: 'ping', data: '{}', id: '7' },
    { type: 'message', data: 'x', id: '7' },
  ]);
});

test('lines end with CR, LF or both; a byte order mark is read over once', () => {
  assert.deepEqual(data('\u{feff}data: a\rdata: b\r\ndata: c\n\r\n\rdata: d\r\r'), ['a\nb\nc', 'd']);
  assert.deepEqual(data('data: a\n\n\u{feff}data: b\n\n'), ['a']);
});

test('an event without an end is not given out', () => {
  assert.deepEqual(data('data: a\n\ndata: b\n'), ['a']);
});

test('any cutting gives the same events', () => {
  const alphabet = fc.constantFrom('\r', '\n', ':', ' ', 'data', 'data:', 'event: x', 'id: 9', 'ä😀', '\0', '\u{feff}', 'z'.repeat(30));
  const streams = fc.array(alphabet, { maxLength: 40 }).map((words) => Buffer.from(words.join('')));
  const anyBytes = fc.uint8Array({ maxLength: 60 });
  fc.assert(
    fc.property(fc.oneof(streams, anyBytes), fc.array(fc.nat(), { maxLength: 12 }), (bytes, places) => {
      assert.deepEqual(parse(cutAt(bytes, places), 64), parse([bytes], 64));
      assert.deepEqual(
        parse(
          Array.from(bytes, (byte) => Uint8Array.of(byte)),
          64,
        ),
        parse([bytes], 64),
      );
    }),
    { numRuns: 500 },
  );
});

test('an event past the limit is skipped and counted, those around it are read', () => {
  const long = `data: ${'x'.repeat(100)}\n\n`;
  const many = `${'data: 0123456789\n'.repeat(10)}\n`;
  const comment = `: ${'c'.repeat(1000)}\n`;
  const { events, skipped } = parse([`data: a\n\n${long}data: b\n\n${many}${comment}data: c\n\n`], 64);
  assert.deepEqual(
    events.map((event) => event.data),
    ['a', 'b', 'c'],
  );
  assert.equal(skipped, 3, 'nobody holds a long comment either');
});
