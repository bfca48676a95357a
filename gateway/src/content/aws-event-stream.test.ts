import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { AwsMessages } from './aws-event-stream.ts';
import type { AwsMessage } from './frame.ts';
import { Framer } from './framer.ts';
import { awsEvent, awsMessage, sealed } from '../protocols/llm/testdata/aws-messages.ts';
import { cutAt } from '../protocols/llm/testdata/fixtures.ts';

function read(pieces: readonly Uint8Array[], messageBytesMax = Infinity): { messages: AwsMessage[]; skipped: number } {
  const framer = new Framer(new AwsMessages(), messageBytesMax);
  const frames = pieces.flatMap((piece) => framer.push(Buffer.from(piece)));
  return {
    messages: frames.flatMap((frame) => (frame.is === 'message' ? [frame.message] : [])),
    skipped: frames.filter(({ is }) => is === 'damaged' || is === 'long').length,
  };
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

const first = awsEvent('messageStart', { role: 'assistant' });
const second = awsMessage({ ':event-type': 'ä', x: '' }, Buffer.from('payload'));

test('the shortest message there is: lengths, their checksum, the checksum of it all', () => {
  const { messages, skipped } = read([Buffer.from('000000100000000005c248eb7d98c8ff', 'hex')]);
  assert.deepEqual([messages.length, messages[0]?.payload.length, messages[0]?.headers.size, skipped], [1, 0, 0, 0]);
});

test('headers and payload', () => {
  const { messages } = read([Buffer.concat([first, second])]);
  assert.deepEqual(
    messages.map(({ headers, payload }) => [Object.fromEntries(headers), payload.toString()]),
    [
      [{ ':event-type': 'messageStart', ':content-type': 'application/json', ':message-type': 'event' }, '{"role":"assistant"}'],
      [{ ':event-type': 'ä', x: '' }, 'payload'],
    ],
  );
});

test('headers of all types are read over, those of an unknown type make the message unreadable', () => {
  const typed = ['016100', '016201', '016302ff', '016403ffff', '016504ffffffff', `016605${'ff'.repeat(8)}`, '0167060002ffff', `016808${'ff'.repeat(8)}`];
  const headers = [...typed, `016909${'ff'.repeat(16)}`, '016a07000178'].join('');
  const build = (hex: string): Buffer => withHeaders(Buffer.from(hex, 'hex'));
  const { messages, skipped } = read([build(headers)]);
  assert.deepEqual([messages.map((message) => Object.fromEntries(message.headers)), skipped], [[{ j: 'x' }], 0]);
  assert.deepEqual(read([build('01610a'), first]).messages.length, 1);
  // Lengths that go past the headers.
  assert.deepEqual([read([build('0161070005')]).skipped, read([build('ff61')]).skipped], [1, 1]);
});

function withHeaders(headers: Buffer): Buffer {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(16 + headers.length);
  lengths.writeUInt32BE(headers.length, 4);
  return sealed(lengths, headers);
}

test('any cutting gives the same messages', () => {
  const streams = fc.array(
    fc.oneof(
      fc.constantFrom(first, second, flipped(second, second.length - 6)),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    ),
    {
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(streams, fc.array(fc.nat(), { maxLength: 12 }), (parts, places) => {
      const bytes = Buffer.concat(parts);
      assert.deepEqual(read(cutAt(bytes, places)), read([bytes]));
      assert.deepEqual(read(Array.from(bytes, (byte) => Uint8Array.of(byte))), read([bytes]));
    }),
  );
});

test('every flipped bit is noticed; after a damaged prelude nothing is read', () => {
  for (let at = 0; at < first.length; at += 1) {
    const { messages, skipped } = read([flipped(first, at), second]);
    assert.equal(skipped, 1, `byte ${at}`);
    assert.equal(messages.length, at < 12 ? 0 : 1, `byte ${at}`);
  }
});

test('a message past the limit is skipped and counted, those around it are read', () => {
  const long = awsMessage({}, Buffer.alloc(1000));
  const { messages, skipped } = read([...cutAt(Buffer.concat([first, long, second]), [50, 200, 400])], 200);
  assert.deepEqual([messages.length, skipped], [2, 1]);
});

test('a length that is less than what must be there is refused', () => {
  const lengths = Buffer.from([0, 0, 0, 15, 0, 0, 0, 0]);
  assert.deepEqual(read([sealed(lengths, Buffer.alloc(0))]), { messages: [], skipped: 1 });
  const headersPastTheEnd = Buffer.from([0, 0, 0, 20, 0, 0, 0, 5]);
  assert.deepEqual(read([sealed(headersPastTheEnd, Buffer.alloc(4))]), { messages: [], skipped: 1 });
});
