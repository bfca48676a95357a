import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../domain/errors.ts';
import type { TakeStep } from '../step.ts';
import { composeClose, composeMessage } from './websocket-frames.ts';
import { WebSocketRelay } from './websocket-relay.ts';
import { pull } from './testdata/pull.ts';

const take: TakeStep = (step, input) => step.take(input);
const facts = {
  action: { name: 'http.upgrade', attributes: {} },
  request: 7,
  reader: null,
  opening: Buffer.from('GET / HTTP/1.1'),
  session: 's',
  changes: [],
  changesRequests: false,
  messageBytesMax: 1_000,
  take,
};
/** The head of a client's frame of 200,000 bytes, and as many as make a part. */
const longFrame = Buffer.concat([Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 3, 0x0d, 0x40, 1, 2, 3, 4]), Buffer.alloc(70_000)]);
const shortFrame = Buffer.from([0x81, 0x02, 0x68, 0x69]);

test('an end is told to both sides', () => {
  const relay = new WebSocketRelay(facts);
  relay.upstreamBytes(shortFrame);
  assert.deepEqual(
    pull(relay).map(({ type }) => type),
    ['response'],
  );
  relay.fail(new GatewayError('halted', 'ended'));
  const [told, , closed] = pull(relay);
  assert.ok(
    told?.type === 'response' &&
      Buffer.concat([...told.bytes])
        .subarray(2, 4)
        .readUInt16BE() === 1008,
  );
  assert.equal(closed?.type, 'close');
});

test('a side that has received a part of a frame gets no close frame in the middle of it', () => {
  const relay = new WebSocketRelay(facts);
  relay.clientBytes(longFrame);
  const [part] = pull(relay);
  assert.ok(part?.type === 'request' && part.relation?.continues === true);
  relay.fail(new GatewayError('halted', 'ended'));
  assert.deepEqual(
    pull(relay).map(({ type }) => type),
    ['response', 'close'],
  );
});

test('B20: a message that is sent again is known again, although its mask is another one', () => {
  const known = (text: string, mask: number): string => {
    const relay = new WebSocketRelay(facts);
    relay.clientBytes(composeMessage(text, 'text', Buffer.alloc(4, mask)));
    const [asked] = pull(relay);
    return asked?.type === 'request' ? Buffer.concat([...(asked.action.known?.() ?? [])]).toString() : '';
  };
  assert.equal(known('said', 1), known('said', 2));
  assert.notEqual(known('said', 1), known('says', 1));
});

test('the end of a connection and the answer to a ping ask for nothing, any other control frame may', () => {
  const relay = new WebSocketRelay({ ...facts, action: { name: 'http.upgrade', attributes: { 'countersign.effects': ['unknown'] } } });
  const mask = Buffer.from([1, 2, 3, 4]);
  const pong = (text: string): Buffer => {
    const frame = composeMessage(text, 'text', mask);
    frame[0] = 0x8a;
    return frame;
  };
  const effectsOf = (frame: Buffer): unknown => {
    relay.clientBytes(frame);
    const [asked] = pull(relay);
    return asked?.type === 'request' ? asked.action.attributes['countersign.effects'] : null;
  };
  relay.upstreamBytes(Buffer.from([0x89, 0x02, 0x68, 0x69]));
  pull(relay);
  assert.deepEqual(effectsOf(pong('ho')), ['unknown']);
  assert.deepEqual(effectsOf(pong('hi')), []);
  assert.deepEqual(effectsOf(pong('hi')), ['unknown'], 'it was answered');
  assert.deepEqual(effectsOf(composeClose(1000, 'done', mask)), []);
});

test('B20: a message is known again only on a connection that was opened in the same way, whatever its mask is', () => {
  const known = (opening: string, mask: number): string => {
    const relay = new WebSocketRelay({ ...facts, opening: Buffer.from(opening) });
    relay.clientBytes(Buffer.from([0x81, 0x82, mask, mask, mask, mask, 0x68 ^ mask, 0x69 ^ mask]));
    const [asked] = pull(relay);
    return asked?.type === 'request' ? Buffer.concat([...(asked.action.known?.() ?? [])]).toString() : assert.fail();
  };
  assert.equal(known('GET /one', 1), known('GET /one', 2));
  assert.notEqual(known('GET /one', 1), known('GET /two', 1));
});
