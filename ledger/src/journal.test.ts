import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  bodyOffsets,
  bodyStreams,
  decodeEntryHeader,
  decodeFrameHeader,
  decodeSegmentHeader,
  encodeEntryHeader,
  encodeFrameHeader,
  encodeSegmentHeader,
  measureEntry,
  entryOffsets,
  frameBodyBytesMax,
  frameBytes,
  parseSegmentName,
  segmentBytesMax,
  segmentChainHolds,
  segmentName,
} from './journal.ts';
import { MalformedError } from './malformed.ts';
import { frameEntries, isFrame, readFrames, SegmentReader, type Frame, type SegmentEnd, type SegmentSource } from './segment-reader.ts';
import { writeGoldenStore } from './testdata/golden-store.ts';
import { entriesOf, segmentsOf } from './testdata/tamper.ts';
import { frameOf, sha } from './testdata/store-writer.ts';

const golden = writeGoldenStore().writer;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function sourceOf(bytes: Uint8Array): SegmentSource {
  return {
    bytes: bytes.length,
    read: async (offset, length) => new Uint8Array(bytes.subarray(offset, offset + length)),
  };
}

async function readAll(bytes: Uint8Array): Promise<{ frames: Frame[]; end: SegmentEnd }> {
  const reader = await SegmentReader.open(sourceOf(bytes));
  const frames: Frame[] = [];
  const steps = readFrames(reader);
  for (;;) {
    const step = await steps.next();
    if (step.done === true) {
      return { frames, end: step.value };
    }
    frames.push(step.value);
  }
}

/** A segment 1 with these frames, chained. */
function segmentWith(...frames: readonly Buffer[]): Buffer {
  const head = Buffer.from(segmentsOf(golden.files)[0]?.header ?? []);
  let chain = sha(head);
  const parts = [head, chain];
  for (const frame of frames) {
    chain = sha(chain, frame);
    parts.push(frame, chain);
  }
  return Buffer.concat(parts);
}

void test('headers of segments, frames and entries are those of a second writer, byte for byte', () => {
  for (const { path, header, frames } of segmentsOf(golden.files)) {
    const bytes = golden.files.get(path) ?? Buffer.alloc(0);
    const decoded = decodeSegmentHeader(bytes);
    assert.equal(segmentChainHolds(bytes), true);
    assert.equal(segmentName(decoded.segment), path.slice('journal/'.length));
    assert.deepEqual(Buffer.from(encodeSegmentHeader(decoded)).subarray(0, 96), Buffer.from(header));
    assert.deepEqual(Buffer.from(encodeSegmentHeader(decoded)), bytes.subarray(0, 128));
    for (const frame of frames) {
      const frameHeader = decodeFrameHeader(viewOf(frame), 0);
      assert.ok(frameHeader);
      assert.equal(frameBytes(frameHeader.bodyBytes), frame.length + 32);
      const encoded = Buffer.alloc(40, 0xee);
      encodeFrameHeader(frameHeader, encoded, 4);
      assert.deepEqual(encoded.subarray(4, 36), Buffer.from(frame.subarray(0, 32)));
      for (const entry of entriesOf(frame) ?? []) {
        const entryHeader = decodeEntryHeader(viewOf(entry), 0, entry.length);
        assert.ok(entryHeader);
        assert.equal(measureEntry(viewOf(entry), 0, entry.length), entry.length);
        const copy = Buffer.from(entry).fill(0xee, 164, 196);
        encodeEntryHeader(entryHeader, copy, 0);
        assert.deepEqual(copy, Buffer.from(entry));
      }
    }
  }
});

void test('segment names are twelve digits from 1', () => {
  assert.equal(segmentName(1), '000000000001.segment');
  assert.equal(parseSegmentName('000000000012.segment'), 12);
  for (const name of ['000000000000.segment', '1.segment', '000000000001.segment.tmp', 'x', '']) {
    assert.equal(parseSegmentName(name), undefined);
  }
});

void test("the frames of a segment are read with their entries, whatever the segment's end", async () => {
  for (const { path, frames } of segmentsOf(golden.files)) {
    const bytes = golden.files.get(path) ?? Buffer.alloc(0);
    const read = await readAll(bytes);
    assert.deepEqual([read.end.state, read.end.offset], ['clean', bytes.length]);
    assert.deepEqual(
      read.frames.map((frame) => frame.end - frame.offset),
      frames.map((frame) => frame.length + 32),
    );
    for (const [i, frame] of read.frames.entries()) {
      const entries = entriesOf(frames[i] ?? Buffer.alloc(0));
      if (entries !== undefined) {
        const found = [...frameEntries(frame)];
        assert.deepEqual(
          found.map(({ leaf, storedMeta, storedContent }) => [leaf, storedMeta, storedContent].map((part) => Buffer.from(part))),
          entries.map((entry) => {
            const metaEnd = 196 + entry.readUInt32BE(164);
            return [
              [0, 164],
              [196, metaEnd],
              [metaEnd, entry.length],
            ].map(([from, to]) => Buffer.from(entry.subarray(from, to)));
          }),
        );
      }
    }
    const zeros = await readAll(Buffer.concat([bytes, Buffer.alloc(5_000_000)]));
    assert.deepEqual([zeros.end.state, zeros.end.offset], ['zeros', bytes.length]);
    const behind = Buffer.alloc(5_000_000);
    behind[4_999_999] = 1;
    const damaged = await readAll(Buffer.concat([bytes, behind]));
    assert.deepEqual([damaged.end.state, damaged.end.offset], ['damaged', bytes.length]);
    const cut = await readAll(bytes.subarray(0, -1));
    assert.equal(cut.end.state, 'cut');
    assert.equal(cut.frames.length, frames.length - 1);
  }
});

void test('frames larger than a window and many small ones are read alike', async () => {
  const note = Buffer.from('x'.repeat(1000));
  const small = Array.from({ length: 9000 }, () => frameOf(2, note, { entries: 0, index: 0, durable: 0 }));
  const large = [9_000_000, frameBodyBytesMax].map((length) => frameOf(2, Buffer.alloc(length, 5), { entries: 0, index: 0, durable: 0 }));
  const bytes = segmentWith(...large, ...small, ...large);
  const { frames, end } = await readAll(bytes);
  assert.equal(end.state, 'clean');
  assert.equal(frames.length, small.length + 4);
  assert.equal(frames.at(-1)?.body.length, frameBodyBytesMax);
});

void test('D33: lengths and counts of a frame are checked before anything is read', async () => {
  const body = Buffer.alloc(400, 1);
  const good = frameOf(1, body, { entries: 2, index: 0, durable: 0 });
  assert.equal((await readAll(segmentWith(good))).frames.length, 1);
  const change = (at: number, value: number, length = 4): Buffer => {
    const frame = Buffer.from(good);
    frame.writeUIntBE(value, at, length);
    return frame;
  };
  const wrong = [
    change(0, 0),
    change(4, 3, 1),
    change(4, 0, 1),
    change(4, 2, 1),
    change(5, 1, 1),
    change(7, 1, 1),
    change(8, 0),
    change(8, frameBodyBytesMax + 1),
    change(8, 0xffff_ffff),
    change(12, 0),
    change(12, 3),
    change(12, 0xffff_ffff),
    change(16, 0xff, 1),
    change(24, 0xff, 1),
    change(24, 0x1000, 6),
  ];
  for (const [i, frame] of wrong.entries()) {
    const { frames, end } = await readAll(segmentWith(frame));
    assert.deepEqual([frames.length, end.state], [0, 'damaged'], `case ${i}`);
  }
  const padded = Buffer.from(frameOf(2, Buffer.alloc(3, 1), { entries: 0, index: 0, durable: 0 }));
  padded[padded.length - 1] = 1;
  assert.equal((await readAll(segmentWith(padded))).end.what, 'a frame is not padded with zeros');
});

void test('D33: entries that do not fill their batch are malformed', async () => {
  const [frame] = segmentsOf(golden.files)[0]?.frames ?? [];
  const [entry] = entriesOf(frame ?? Buffer.alloc(0)) ?? [];
  assert.ok(entry);
  const change = (at: number, value: number): Buffer => {
    const changed = Buffer.from(entry);
    changed[at] = value;
    return changed;
  };
  const bodies = [
    Buffer.concat([entry, Buffer.alloc(8)]),
    entry.subarray(0, -1),
    change(164, 0xff),
    change(180, 0xff),
    change(168, 3),
    change(169, 2),
    change(169, 1),
    change(170, 1),
    change(172, 0xff),
    change(179, 8),
  ];
  for (const [i, body] of bodies.entries()) {
    const { frames } = await readAll(segmentWith(frameOf(1, body, { entries: 1, index: 0, durable: 0 })));
    const [batch] = frames;
    assert.ok(batch, `case ${i}`);
    assert.throws(() => [...frameEntries(batch)], MalformedError, `case ${i}`);
  }
});

void test('a sealed body is plain, compressed, spliced, or spliced and compressed', async () => {
  const [frame] = segmentsOf(golden.files)[0]?.frames ?? [];
  const [entry] = entriesOf(frame ?? Buffer.alloc(0)) ?? [];
  for (let encoding = 0; encoding <= 4; encoding++) {
    const body = Buffer.from(entry ?? []);
    body.set([bodyStreams.meta, encoding], entryOffsets.meta + bodyOffsets.stream);
    const [batch] = (await readAll(segmentWith(frameOf(1, body, { entries: 1, index: 0, durable: 0 })))).frames;
    assert.ok(batch);
    if (encoding < 4) {
      assert.equal([...frameEntries(batch)][0]?.header.meta.encoding, encoding);
    } else {
      assert.throws(() => [...frameEntries(batch)], MalformedError);
    }
  }
});

void test('a file that is not a segment gives a MalformedError', async () => {
  const bytes = segmentWith();
  const wrong = [Buffer.alloc(0), bytes.subarray(0, 127), Buffer.alloc(128), Buffer.concat([Buffer.from('CSSEGv2\n'), bytes.subarray(8)])];
  for (let at = 0; at < 128; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 0x40;
    wrong.push(changed);
  }
  for (const segment of wrong) {
    await assert.rejects(SegmentReader.open(sourceOf(segment)), MalformedError);
  }
  const huge = { bytes: segmentBytesMax + 1, read: async () => assert.fail('read before checked') };
  await assert.rejects(SegmentReader.open(huge), MalformedError);
});

void test('D33: any bytes behind a header are frames or an end, never an error', async () => {
  const whole = golden.files.get('journal/000000000001.segment') ?? Buffer.alloc(0);
  const edits = fc.array(fc.tuple(fc.integer({ min: 128, max: whole.length - 1 }), fc.nat(255)), {
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(edits, fc.uint8Array({ maxLength: 300 }), async (changes, tail) => {
      const bytes = Buffer.concat([whole, tail]);
      for (const [at, value] of changes) {
        bytes[at] = value;
      }
      const reader = await SegmentReader.open(sourceOf(bytes));
      const { frames, end } = await readAll(bytes);
      assert.ok(frames.every(isFrame));
      assert.ok(end.offset >= 128 && end.offset <= bytes.length);
      assert.equal(end.state === 'clean', end.offset === bytes.length);
      assert.ok((await reader.durableBehind(end)) <= bytes.length);
    }),
    { numRuns: 300 },
  );
});
