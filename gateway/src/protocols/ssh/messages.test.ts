import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import type { OpenedRecord } from '../../domain/record.ts';
import {
  data,
  errorData,
  exitSignal,
  exitStatus,
  globalFailure,
  globalRequest,
  login,
  open,
  openFailure,
  place,
  plain,
  request,
  sizeOf,
  strings,
  terminal,
} from './compose.ts';
import {
  FrameReader,
  messageBytesMax,
  readExitCode,
  readExitSignal,
  readMessages,
  readPlace,
  readSize,
  readTerminal,
  readText,
  readVariable,
} from './messages.ts';
import { render } from './render.ts';

const size = { columns: 100, rows: 30, width: 1000, height: 0xffff_fff0 };

test('what is composed is read again', () => {
  const frames = [
    login('orders+deploy'),
    open(3),
    open(4, 'direct-tcpip', place('::1', 5432)),
    openFailure(4, 'no'),
    globalRequest('tcpip-forward', place('', 0)),
    globalFailure,
    request(3, 'env', { wantsReply: false, body: strings('LANG', 'de') }),
    request(3, 'pty-req', { wantsReply: true, body: terminal('xterm', size) }),
    request(3, 'exec', { wantsReply: true, body: strings('ls ä') }),
    request(3, 'window-change', { wantsReply: false, body: sizeOf(size) }),
    data(3, Buffer.from('in')),
    errorData(3, Buffer.from('err')),
    exitStatus(3, 0xffff_ffff),
    exitSignal(3, 'TERM', { hasCore: true, words: 'so' }),
    ...(['success', 'failure', 'eof', 'close'] as const).map((kind) => plain(kind, 3)),
  ];
  const read = readMessages(frames).map((message) => {
    const body = 'body' in message ? message.body : Buffer.alloc(0);
    const { kind } = message;
    switch (kind === 'request' ? message.type : kind) {
      case 'open':
        return body.length === 0 ? 'session' : readPlace('direct-tcpip', body);
      case 'globalRequest':
        return readPlace('tcpip-forward', body);
      case 'env':
        return readVariable(body);
      case 'pty-req':
        return readTerminal(body);
      case 'exec':
        return readText(body);
      case 'window-change':
        return readSize(body);
      case 'exit-status':
        return readExitCode(body);
      case 'exit-signal':
        return readExitSignal(body);
      default:
        return 'bytes' in message ? message.bytes.toString() : 'user' in message ? message.user : 'words' in message ? message.words : kind;
    }
  });
  assert.deepEqual(read, [
    'orders+deploy',
    'session',
    '::1:5432',
    'no',
    ':0',
    'globalFailure',
    ['LANG', 'de'],
    { term: 'xterm', ...size },
    'ls ä',
    size,
    'in',
    'err',
    0xffff_ffff,
    { signal: 'TERM', hasCore: true, words: 'so' },
    'success',
    'failure',
    'eof',
    'close',
  ]);
});

test('frames are cut at the same places wherever the bytes are', () => {
  const bytes = Buffer.concat([open(1), data(1, Buffer.from('abc')), plain('close', 1)]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
      const reader = new FrameReader();
      const frames: Buffer[] = [];
      const ends = [...cuts, bytes.length].toSorted((a, b) => a - b);
      for (const [i, end] of ends.entries()) {
        reader.push(bytes.subarray(ends[i - 1] ?? 0, end));
        for (let frame = reader.next(); frame !== null; frame = reader.next()) {
          frames.push(frame);
        }
      }
      assert.equal(frames.length, 3);
      assert.deepEqual(Buffer.concat(frames), bytes);
    }),
  );
});

test('a message with a length over the limit is refused before it is read', () => {
  const reader = new FrameReader();
  const head = Buffer.alloc(4);
  head.writeUInt32BE(messageBytesMax + 1);
  reader.push(head);
  assert.throws(() => reader.next(), { code: 'limit_exceeded' });
});

test('whatever bytes come, only a GatewayError does, and a rendering always does', () => {
  const frame = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((payload) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(payload.length);
    return Buffer.concat([head, payload]);
  });
  const numbered = fc.tuple(fc.constantFrom(50, 80, 90, 92, 94, 95, 98), frame).map(([number, bytes]) => {
    bytes[4] = number;
    return bytes;
  });
  const readers = [readText, readVariable, readTerminal, readSize, readExitCode, readExitSignal, (body: Buffer) => readPlace('', body)];
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), frame, numbered), (bytes) => {
      const tryIt = (read: () => unknown): void => {
        try {
          read();
        } catch (error) {
          assert.ok(error instanceof GatewayError, String(error));
        }
      };
      tryIt(() => readMessages([bytes]));
      for (const read of readers) {
        tryIt(() => read(Buffer.from(bytes)));
      }
      assert.equal(typeof render(recordOf(bytes), () => null).text, 'string');
    }),
    { numRuns: 2000 },
  );
});

test('a character that is split between two records is shown in the second', () => {
  const bytes = Buffer.from('aä€😀z');
  for (let cut = 1; cut < bytes.length; cut += 1) {
    const records = [data(1, bytes.subarray(0, cut)), data(1, bytes.subarray(cut))].map((content, i) => recordOf(content, { seq: 5 + i }));
    const shown = records.map((record) => render(record, (seq) => records.find((each) => each.seq === seq) ?? null).text);
    assert.equal(shown.join(''), 'aä€😀z', `cut after ${cut} bytes`);
  }
});

function recordOf(content: Uint8Array, { seq = 5 }: { readonly seq?: number } = {}): OpenedRecord {
  return {
    session: '0'.repeat(32),
    seq,
    timeMs: 0,
    kind: 'response',
    record: 'log/5',
    meta: { channel: 1, request: 4 },
    channelFacts: null,
    governance: null,
    content,
    continues: true,
    withheld: null,
  };
}
