import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutAnywhere, maskAll } from '../../../../tests/support/every-cut.ts';
import type { TextChange } from '../../domain/text-change.ts';
import type { Output, RequestOutput } from '../../wire/relay.ts';
import type { SocketReader } from '../reading.ts';
import { composeClose, composeMessage, composeText, joinPayloads, readHead } from './websocket-frames.ts';
import { WebSocketRelay } from './websocket-relay.ts';
import { allowed } from './testdata/pull.ts';

const stars: TextChange = (text) => text.replaceAll(/secret-\w+/g, '***');

function open(changes: readonly TextChange[], read: SocketReader | null = null): WebSocketRelay {
  const action = { name: 'http.upgrade', attributes: {} };
  return new WebSocketRelay({
    action,
    request: 7,
    opening: Buffer.from('GET /'),
    reader: read,
    changes,
    changesRequests: false,
    session: 's',
    messageBytesMax: 1_000,
    take: (step, input) => step.take(input),
  });
}

/** Returns the bytes that the client gets if the target sends these bytes in pieces of this length. */
function released(relay: WebSocketRelay, bytes: Buffer, pieceBytes = bytes.length): Buffer {
  const outputs: Output[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    relay.upstreamBytes(bytes.subarray(at, at + pieceBytes));
    for (let output = relay.next(); output !== null; output = relay.next()) {
      assert.ok(output.type !== 'pause');
      outputs.push(output);
    }
  }
  return Buffer.concat(outputs.flatMap((output) => (output.type === 'response' ? [...output.bytes] : [])));
}

/** A message in two frames, with a ping between them. */
const cut = Buffer.concat([Buffer.from([0x01, 4]), Buffer.from('secr'), Buffer.from([0x89, 1, 0x70]), Buffer.from([0x80, 4]), Buffer.from('et-1')]);

test('the texts of messages are changed, whatever their opcode and their frames; other frames come out as they came', () => {
  const plain = Buffer.concat([Buffer.from([0x01, 1, 0x61]), Buffer.from([0x80, 1, 0x62])]);
  const bytes = Buffer.concat([composeText('{"say":"secret-1"}'), cut, plain, composeMessage('secret-2', 'binary'), composeClose(1000, 'no secret-3', null)]);
  const ping = Buffer.from([0x89, 1, 0x70]);
  const expected = Buffer.concat([
    composeText('{"say":"***"}'),
    ping,
    composeText('***'),
    plain,
    composeMessage('***', 'binary'),
    composeClose(1000, 'no ***', null),
  ]);
  for (const pieceBytes of [1, 3, bytes.length]) {
    assert.deepEqual(released(open([stars]), bytes, pieceBytes), expected);
  }
});

test('a message is masked alike in however many frames and pieces it comes', () => {
  const said = Buffer.from('{"to":"ada.lovelace7c1a@example.com","order":"4111-2200-17"}');
  const expected = composeText('{"to":"[email]","order":"4111-2200-17"}');
  const asFrames = (pieces: readonly Buffer[]): Buffer =>
    Buffer.concat(pieces.flatMap((piece, i) => [Buffer.from([(i === pieces.length - 1 ? 0x80 : 0) | (i === 0 ? 0x01 : 0), piece.length]), piece]));
  const cuts = cutAnywhere(said)
    .map(asFrames)
    .chain((bytes) => cutAnywhere(Buffer.concat([bytes, bytes])));
  fc.assert(
    fc.property(cuts, (pieces) => {
      const relay = open([maskAll()]);
      assert.deepEqual(Buffer.concat(pieces.map((piece) => released(relay, piece))), Buffer.concat([expected, expected]));
    }),
  );
});

test('a message that is no text, and one that is too long, end the connection before any of it is released', () => {
  for (const [bytes, code] of [
    [Buffer.from([0x82, 2, 0xff, 0xfe]), 1008],
    [composeText('x'.repeat(2_000)), 1011],
  ] as const) {
    assert.equal(joinPayloads(released(open([stars]), bytes)).readUInt16BE(0), code);
  }
});

test('a text that comes in several messages is changed as one, and its end comes before the frame that closes the connection', () => {
  const inPieces: SocketReader = { ...reader, findParts: () => ({ parts: new Map([['delta', 'said']]), ends: null }) };
  const piece = (delta: string): Buffer => composeText(JSON.stringify({ delta }));
  const close = composeClose(1000, 'no more', null);
  assert.deepEqual(
    released(open([stars], inPieces), Buffer.concat([piece('a secr'), piece('et-1'), close])),
    Buffer.concat([piece(''), piece('a ***'), close]),
  );
});

test('changes that come with a later decision are made in the messages after it, and in the reason for a close', () => {
  const relay = open([stars], reader);
  assert.deepEqual(released(relay, composeText('secret-1')), composeText('***'));
  relay.decided(allowed, 8, [(text) => text.replaceAll('secret', 'public')]);
  const bytes = Buffer.concat([composeText('secret-2'), composeClose(1000, 'no secret-3', null)]);
  assert.deepEqual(released(relay, bytes), Buffer.concat([composeText('public-2'), composeClose(1000, 'no public-3', null)]));
});

test('changes that come with a later decision are refused where the messages are not read', () => {
  const relay = open([]);
  assert.deepEqual(released(relay, composeText('secret-1')), composeText('secret-1'));
  relay.decided(allowed, 8, [stars]);
  assert.equal(joinPayloads(released(relay, composeText('secret-2'))).readUInt16BE(0), 1008);
});

const mask = Buffer.from([1, 2, 3, 4]);
/** A message of a client in two frames, with a ping between them. */
const cutByClient = Buffer.concat([composeMessage('say secr', 'text', mask), composeMessage('p', 'binary', mask), composeMessage('et-1', 'binary', mask)]);
cutByClient[0] = 0x01;
cutByClient[14] = 0x89;
cutByClient[21] = 0x80;

/** Reads the text of a message as the name of its action. A text with `unread` cannot be read. */
const reader: SocketReader = {
  ask: (payload) => ({ name: payload.toString(), attributes: {} }),
  askLong: async (frames) => Promise.resolve({ name: `long ${joinPayloads(frames).length}`, attributes: {} }),
  hear: () => ({ attributes: {} }),
  refusal: (problem) => `refused: ${problem.code}`,
  passed: () => undefined,
  left: () => ({}),
};

/** Returns the requests of a client that sends these bytes in pieces of this length, after policy has changed their texts, and what it is told. */
async function asked(bytes: Buffer, { read = null as SocketReader | null, isHeld = true, pieceBytes = bytes.length, messageBytesMax = 1_000 } = {}) {
  const action = { name: 'http.upgrade', attributes: {} };
  const facts = { action, request: 7, opening: Buffer.from('GET /'), reader: read, changes: [], changesRequests: isHeld, session: 's', messageBytesMax };
  const relay = new WebSocketRelay({ ...facts, take: (step, input) => step.take(input) });
  const change = { texts: [stars], obligations: [] };
  const requests: RequestOutput[] = [];
  const told: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    relay.clientBytes(bytes.subarray(at, at + pieceBytes));
    for (let output = relay.next(); output !== null; output = relay.next()) {
      if (output.type === 'request') {
        const whole = (await output.reading) ?? output;
        const changed = whole.byGateway === true || whole.refused !== undefined ? whole : (whole.change?.(change) ?? undefined);
        let request = changed;
        while (request?.reading !== undefined) {
          request = await request.reading;
        }
        requests.push(request ?? { ...whole, refused: 'It cannot be changed.' });
        relay.decided({ ...allowed, verdict: request?.refused === undefined && request !== undefined ? 'allow' : 'deny' }, 8);
        assert.ok(request === undefined || request.refused !== undefined || request.byGateway === true || request.relation?.change === change);
        assert.ok(request?.change === undefined || request.refused !== undefined, 'nothing is changed twice');
      } else if (output.type === 'response') {
        told.push(...output.bytes.map((each) => Buffer.from(each)));
      }
    }
  }
  return { requests, told: Buffer.concat(told) };
}

const payloadOf = ({ bytes }: RequestOutput): string => joinPayloads(Buffer.concat(bytes)).toString();

test('the texts of a client’s messages are changed, however they are cut: each goes on in one frame with another mask, and what stays the same as it came', async () => {
  const same = composeMessage('{"say": "nothing"}', 'text', mask);
  const messages = [composeMessage('{"say":"secret\\u002d1"}', 'text', mask), cutByClient, same, composeMessage('secret-2', 'binary', mask)];
  const bytes = Buffer.concat([...messages, composeClose(1000, 'no secret-3', mask)]);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: bytes.length }), async (pieceBytes) => {
      const { requests, told } = await asked(bytes, { pieceBytes });
      assert.deepEqual(requests.map(payloadOf), ['{"say":"***"}', 'p', 'say ***', '{"say": "nothing"}', '***', '\u0003\ufffdno ***']);
      const heads = requests.map((request) => readHead(Buffer.concat(request.bytes)));
      assert.deepEqual(
        heads.map((head) => [head?.opcode, head?.isFinal, head?.mask.length]),
        ['text', 'ping', 'text', 'text', 'binary', 'close'].map((opcode) => [opcode, true, 4]),
      );
      assert.deepEqual(Buffer.concat([...(requests[3]?.bytes ?? [])]), same);
      assert.notDeepEqual(heads[0]?.mask, mask, 'what one mask hides twice is not hidden');
      assert.equal(told.length, 0);
    }),
    { numRuns: 30 },
  );
});

test('a message that is read is read again as it became, a long one in the thread for steps', async () => {
  const long = composeMessage(`secret-1 ${'x'.repeat(200_000)}`, 'text', mask);
  const { requests } = await asked(Buffer.concat([composeMessage('say secret-1', 'text', mask), long]), { read: reader, messageBytesMax: 1_000_000 });
  assert.deepEqual(
    requests.map(({ action }) => action.name),
    ['say ***', 'long 200004'],
  );
  assert.equal(requests[1] === undefined ? '' : payloadOf(requests[1]), `*** ${'x'.repeat(200_000)}`);
});

test('a client’s message that is no text is refused', async () => {
  const image = composeMessage('secret-1\0', 'binary', mask);
  const unread = await asked(image);
  assert.match(unread.requests[0]?.refused ?? '', /no texts can be found/);
  assert.equal(joinPayloads(unread.told).readUInt16BE(0), 1008);
  const read = await asked(Buffer.concat([image, composeMessage('next', 'text', mask)]), { read: reader });
  assert.equal(joinPayloads(read.told).toString(), 'refused: unsupported');
  assert.deepEqual(read.requests.map(payloadOf), ['secret-1\0', 'next'], 'the connection goes on');
});

test('where messages are not held until they are whole, none can be changed', async () => {
  const { requests } = await asked(composeMessage('secret-1', 'text', mask), { isHeld: false });
  assert.equal(requests[0]?.refused, 'It cannot be changed.');
});

test('B24: a ping or a pong with a text that would be changed ends the connection, from either side', async () => {
  const control = (first: number, own: Buffer | null): Buffer => {
    const frame = composeMessage('secret-1', 'binary', own);
    frame[0] = first;
    return frame;
  };
  for (const first of [0x89, 0x8a]) {
    const told = released(open([stars]), Buffer.concat([composeText('kept'), control(first, null), composeText('never')]));
    assert.deepEqual(told.subarray(0, 6), composeText('kept'));
    assert.deepEqual([joinPayloads(told.subarray(6)).readUInt16BE(0), told.includes('secret')], [1008, false]);
    const { requests } = await asked(control(first, mask));
    assert.match(requests[0]?.refused ?? '', /a ping or a pong has one/);
  }
});
