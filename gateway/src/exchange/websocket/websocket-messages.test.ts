import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { GatewayError } from '../../domain/errors.ts';
import type { Output } from '../../wire/relay.ts';
import type { SocketReader } from '../reading.ts';
import { joinPayloads, unmask } from './websocket-frames.ts';
import type { TakeStep } from '../step.ts';
import { WebSocketRelay } from './websocket-relay.ts';
import { pull } from './testdata/pull.ts';

const reader: SocketReader = {
  ask: (payload) => ({ name: 'say', attributes: { said: payload.toString() } }),
  askLong: async (frames) => Promise.resolve({ name: 'say', attributes: { said: joinPayloads(frames).toString() } }),
  hear: (payload) => ({ attributes: { heard: payload.toString() } }),
  refusal: () => null,
  passed: () => undefined,
  left: () => ({}),
};
const take: TakeStep = (step, input) => step.take(input);
const facts = {
  action: { name: 'open', attributes: {} },
  request: 7,
  opening: Buffer.from('GET /'),
  reader,
  session: 's',
  changes: [],
  changesRequests: false,
  messageBytesMax: 4_096,
  take,
};

function frame(opcode: number, isFinal: boolean, payload: Buffer, mask: Buffer | null): Buffer {
  const head = Buffer.from([opcode | (isFinal ? 0x80 : 0), payload.length | (mask === null ? 0 : 0x80)]);
  return mask === null ? Buffer.concat([head, payload]) : Buffer.concat([head, mask, unmask(payload, mask, 0)]);
}

/** A message in frames of these lengths, with a ping between any two. */
function inFrames(text: string, lengths: readonly number[], mask: Buffer | null): Buffer {
  const bytes = Buffer.from(text);
  const frames: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    frames.push(frame(at === 0 && frames.length === 0 ? 1 : 0, false, bytes.subarray(at, at + length), mask), frame(9, true, Buffer.from('p'), mask));
    at = Math.min(at + length, bytes.length);
  }
  frames.push(frame(frames.length === 0 ? 1 : 0, true, bytes.subarray(at), mask));
  return Buffer.concat(frames);
}

const texts = fc.string({ maxLength: 40 });
const cuts = fc.array(fc.nat(30), { maxLength: 6 });

test('T4.25: in whatever frames and pieces a message comes, it is one record, and its bytes move as they came', () => {
  fc.assert(
    fc.property(texts, cuts, fc.array(fc.nat(60), { maxLength: 8 }), fc.boolean(), (text, lengths, pieces, isClient) => {
      const bytes = inFrames(text, lengths, isClient ? Buffer.from([1, 2, 3, 4]) : null);
      const relay = new WebSocketRelay(facts);
      const outputs: Output[] = [];
      let at = 0;
      for (const length of [...pieces, bytes.length]) {
        const piece = bytes.subarray(at, at + length);
        at += piece.length;
        if (isClient) {
          relay.clientBytes(piece);
        } else {
          relay.upstreamBytes(piece);
        }
        outputs.push(...pull(relay));
      }
      const messages = outputs.flatMap((output) => {
        const attributes = output.type === 'request' ? output.action.attributes : output.type === 'response' ? (output.meta.attributes ?? {}) : {};
        const said = attributes['said'] ?? attributes['heard'];
        return said === undefined || output.type === 'close' ? [] : [[said, joinPayloads(Buffer.concat([...output.bytes])).toString()]];
      });
      assert.deepEqual(messages, [[Buffer.from(text).toString(), Buffer.from(text).toString()]]);
      const moved = outputs.flatMap((output) => (output.type === 'close' ? [] : [...output.bytes]));
      assert.equal(Buffer.concat(moved).length, bytes.length);
    }),
  );
});

test('T4.25: a message that is too long ends the connection before it has come', () => {
  const relay = new WebSocketRelay(facts);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(4_096);
  relay.clientBytes(Buffer.concat([Buffer.from([0x81, 0xfe]), length, Buffer.from([1, 2, 3, 4]), Buffer.alloc(4_096)]));
  const [told, , closed] = pull(relay);
  assert.ok(told?.type === 'response' && Buffer.concat([...told.bytes]).readUInt16BE(2) === 1009);
  const error: GatewayError | undefined = closed?.type === 'close' ? closed.error : undefined;
  assert.equal(error?.code, 'limit_exceeded');
});
