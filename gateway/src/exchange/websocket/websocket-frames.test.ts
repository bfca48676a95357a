import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { OpenedRecord } from '../../domain/record.ts';
import { frameText } from '../recorded/recorded-frame.ts';
import { composeClose, FrameReader, unmask, type FramePiece } from './websocket-frames.ts';

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly mask: Uint8Array;
  readonly payload: Uint8Array;
}

function compose({ opcode, isFinal, mask, payload }: Frame): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = opcode | (isFinal ? 0x80 : 0);
  head[1] = (length < 126 ? length : length < 65_536 ? 126 : 127) | (mask.length > 0 ? 0x80 : 0);
  if (head.length === 4) {
    head.writeUInt16BE(length, 2);
  } else if (head.length === 10) {
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, mask, unmask(payload, mask, 0)]);
}

function readAll(reader: FrameReader, pieces: readonly Buffer[]): FramePiece[] {
  const read: FramePiece[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let next = reader.next(); next !== null; next = reader.next()) {
      read.push(next);
    }
  }
  return read;
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].toSorted((a, b) => a - b);
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

const mask = fc.uint8Array({ minLength: 4, maxLength: 4 });
const cuts = fc.array(fc.nat());
const frame = fc.record({
  opcode: fc.constantFrom(1, 2, 9, 10),
  isFinal: fc.constant(true),
  mask,
  payload: fc.uint8Array({ minLength: 2, maxLength: 125 }),
});

test('however frames arrive, each comes out once, whole and as it came', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 20 }), cuts, (frames, at) => {
      const composed = frames.map(compose);
      const pieces = readAll(new FrameReader(true), split(Buffer.concat(composed), at));
      assert.deepEqual(
        pieces.map(({ bytes }) => Buffer.concat(bytes)),
        composed,
      );
      assert.ok(pieces.every(({ isLast }) => isLast));
    }),
  );
});

function recordOf(seq: number, content: Uint8Array, attributes: Attributes, continues = false): OpenedRecord {
  const meta = { channel: 1, request: 0, attributes };
  return { session: '', seq, timeMs: 0, kind: 'response', record: '', meta, channelFacts: null, governance: null, content, continues, withheld: null };
}

/** As the records of the pieces read. */
function textsOf(pieces: readonly FramePiece[]): (string | undefined)[] {
  const records = pieces.map(({ head, offset, bytes, isLast }, seq) =>
    recordOf(
      seq,
      Buffer.concat(bytes),
      {
        'countersign.websocket.opcode': head.opcode,
        'countersign.websocket.final': head.isFinal,
        ...(offset === 0 ? {} : { 'countersign.websocket.offset': offset, 'countersign.websocket.mask': head.mask.toString('hex') }),
      },
      !isLast,
    ),
  );
  return records.map((record) => frameText(record, (seq) => records[seq] ?? null)?.text);
}

test('T4.43: a character that lies across parts of a frame, or across frames, is read', () => {
  const text = '語ö𠮷'.repeat(50_000);
  const bytes = Buffer.from(text);
  for (const fragments of [1, 7]) {
    const size = Math.ceil(bytes.length / fragments);
    const frames = Array.from({ length: fragments }, (_, i) =>
      compose({
        opcode: i === 0 ? 1 : 0,
        isFinal: i === fragments - 1,
        mask: Buffer.from([1, 2, 3, i]),
        payload: bytes.subarray(i * size, (i + 1) * size),
      }),
    );
    const all = Buffer.concat(frames);
    const pieces = readAll(
      new FrameReader(true),
      split(
        all,
        Array.from({ length: 40 }, (_, i) => i * 10_007),
      ),
    );
    assert.ok(pieces.length > 1);
    assert.ok(textsOf(pieces).join('') === text);
  }
});

test('a long frame comes out in parts that each read by themselves', () => {
  for (const length of [125, 126, 65_535, 65_536, 300_000]) {
    const long = { opcode: 1, isFinal: true, mask: Buffer.from([1, 2, 3, 4]), payload: Buffer.from('abcdefg'.repeat(length).slice(0, length)) };
    const pieces = readAll(
      new FrameReader(true),
      split(
        compose(long),
        Array.from({ length: 100 }, (_, i) => i * 3_001),
      ),
    );
    assert.ok(textsOf(pieces).join('') === Buffer.from(long.payload).toString());
    assert.equal(pieces.length > 1, length > 70_000);
    assert.ok(pieces.every(({ bytes }) => Buffer.concat(bytes).length < 80_000));
  }
});

test('fragments make one message; what breaks into it is a violation', () => {
  const of = (opcode: number, isFinal: boolean): Buffer => compose({ opcode, isFinal, mask: Buffer.alloc(0), payload: Buffer.from('x') });
  const message = [of(1, false), of(9, true), of(0, false), of(0, true), of(2, true)];
  assert.equal(readAll(new FrameReader(false), message).length, 5);
  for (const broken of [[of(0, true)], [of(1, false), of(1, true)], [of(1, true), of(0, true)], [composeClose(1000, '', null), of(1, true)]]) {
    assert.throws(() => readAll(new FrameReader(false), broken), { code: 'malformed' });
  }
});

test('any bytes are read, or refused by our own error, and any record is shown', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.uint8Array({ maxLength: 400 }), cuts, (isMasked, bytes, at) => {
      try {
        readAll(new FrameReader(isMasked), split(Buffer.from(bytes), at));
      } catch (error) {
        assert.ok(error instanceof GatewayError && error.code === 'malformed');
      }
      for (const opcode of ['text', 'close', 'ping', 'x']) {
        for (const more of [{}, { 'countersign.websocket.offset': 7, 'countersign.websocket.mask': 'zz' }]) {
          const shown = frameText(recordOf(0, bytes, { 'countersign.websocket.opcode': opcode, ...more }), () => recordOf(0, bytes, {}));
          assert.equal(typeof shown?.text, 'string');
        }
      }
    }),
  );
});
