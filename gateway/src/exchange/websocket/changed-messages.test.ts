import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TextChange } from '../../domain/text-change.ts';
import type { Output } from '../../wire/relay.ts';
import { composeClose, composeMessage, composeText, joinPayloads } from './websocket-frames.ts';
import { WebSocketRelay } from './websocket-relay.ts';

const stars: TextChange = (text) => text.replaceAll(/secret-\w+/g, '***');
const allowed = { verdict: 'allow', policies: [], policyVersion: '1', reason: '', obligations: [] } as const;

function open(changes: readonly TextChange[]): WebSocketRelay {
  const action = { name: 'http.upgrade', attributes: {} };
  return new WebSocketRelay({ action, request: 7, reader: null, changes, session: 's', messageBytesMax: 1_000, take: (step, input) => step.take(input) });
}

/** Returns the bytes that the client gets if the target sends these bytes in pieces of this length. */
function released(relay: WebSocketRelay, bytes: Buffer, pieceBytes = bytes.length): Buffer {
  const outputs: Output[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    relay.upstreamBytes(bytes.subarray(at, at + pieceBytes));
    for (let output = relay.next(); output !== null; output = relay.next()) {
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

test('a message that is no text, and one that is too long, end the connection before any of it is released', () => {
  for (const [bytes, code] of [
    [Buffer.from([0x82, 2, 0xff, 0xfe]), 1008],
    [composeText('x'.repeat(2_000)), 1011],
  ] as const) {
    assert.equal(joinPayloads(released(open([stars]), bytes)).readUInt16BE(0), code);
  }
});

test('changes that come with a later decision are refused where the messages are not read', () => {
  const relay = open([]);
  assert.deepEqual(released(relay, composeText('secret-1')), composeText('secret-1'));
  relay.decided(allowed, 8, [stars]);
  assert.equal(joinPayloads(released(relay, composeText('secret-2'))).readUInt16BE(0), 1008);
});
