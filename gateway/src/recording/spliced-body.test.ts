import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RepeatFinder } from './repeat-finder.ts';
import { encodeSpliced, joinSpliced, keptBodiesMax, splicedHeaderBytes } from './spliced-body.ts';
import { Splicer } from './splicer.ts';
import { conversation, text } from './testdata/conversation.ts';

const bytesMax = 1024 * 1024;

/** A reader that took all bodies so far. */
class Reader {
  readonly #kept: Uint8Array[] = [];

  read(spliced: Buffer): Uint8Array | null {
    const joined = joinSpliced(spliced, this.#kept, bytesMax);
    if (joined !== null) {
      this.#kept[joined.place] = joined.plain;
    }
    return joined === null ? null : joined.plain;
  }

  get keptBytes(): number {
    return this.#kept.reduce((sum, { length }) => sum + length, 0);
  }
}

interface Edit {
  readonly conversation: number;
  /** Where, as a share of what there is. */
  readonly at: number;
  readonly removed: number;
  readonly added: { readonly bytes: number; readonly form: 'words' | 'noise' | 'zeros' | 'itself' };
}

const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({
    conversation: fc.nat(20),
    at: fc.oneof(fc.constant(1), fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
    removed: fc.oneof(fc.constant(0), fc.nat(100), fc.nat(30_000)),
    added: fc.record({ bytes: fc.oneof(fc.nat(100), fc.nat(40_000)), form: fc.constantFrom('words', 'noise', 'zeros', 'itself') }),
  }),
  { minLength: 1, maxLength: 60 },
);

function apply(body: Buffer, { at, removed, added: { bytes, form } }: Edit): Buffer {
  const place = Math.floor(body.length * at);
  const made = {
    words: () => Buffer.from(text(bytes)),
    noise: () => randomBytes(bytes),
    zeros: () => Buffer.alloc(bytes),
    itself: () => body.subarray(0, bytes),
  };
  return Buffer.concat([body.subarray(0, place), made[form](), body.subarray(place + removed)]).subarray(0, bytesMax);
}

describe('what is spliced is joined to the exact bytes', () => {
  test('whatever the conversations, however they are edited', () => {
    fc.assert(
      fc.property(edits, (made) => {
        const [finder, reader] = [new RepeatFinder(), new Reader()];
        const bodies = new Map<number, Buffer>();
        for (const edit of made) {
          const body = apply(bodies.get(edit.conversation % 5) ?? Buffer.alloc(0), edit);
          bodies.set(edit.conversation % 5, body);
          const spliced = finder.splice(body);
          assert.ok(spliced.length <= body.length + splicedHeaderBytes);
          assert.ok(body.equals(reader.read(spliced) ?? Buffer.alloc(0)));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('also when the recorder has forgotten what the reader still has', () => {
    const [splicer, reader] = [new Splicer(), new Reader()];
    for (const [i, body] of [...conversation(30)].entries()) {
      if (i % 7 === 6) {
        splicer.forget('one');
      }
      assert.ok(body.equals(reader.read(splicer.splice('one', 1, body)) ?? Buffer.alloc(0)));
    }
  });

  test('text without end that repeats itself, and bodies of the greatest length', () => {
    const [finder, reader] = [new RepeatFinder(), new Reader()];
    for (const body of [
      Buffer.alloc(bytesMax),
      Buffer.alloc(bytesMax, 'ab'),
      Buffer.alloc(bytesMax, text(1000)),
      randomBytes(bytesMax),
      Buffer.alloc(bytesMax),
    ]) {
      assert.ok(body.equals(reader.read(finder.splice(body)) ?? Buffer.alloc(0)));
    }
  });
});

test('50 turns are stored in 1.3 times the bytes of the last request, where they were sent in 20 times that; a request is a few copies', () => {
  const finder = new RepeatFinder();
  let [sent, stored, last] = [0, 0, 0];
  for (const body of conversation(50)) {
    const spliced = finder.splice(body);
    assert.ok(spliced.readUInt16BE(2) < 20);
    sent += body.length;
    stored += spliced.length;
    last = body.length;
  }
  assert.ok(stored < last * 1.3 && sent > last * 20, `${stored} bytes for ${sent} sent, the last ${last}`);
});

test('conversations side by side, also with the same beginning, are each stored once', () => {
  const finder = new RepeatFinder();
  const beginning = text(30_000);
  const bodies = Array.from({ length: 8 }, () => Buffer.from(beginning));
  let stored = 0;
  for (let turn = 0; turn < 30; turn++) {
    for (const [i, body] of bodies.entries()) {
      const next = Buffer.concat([body, Buffer.from(text(1000))]);
      stored += finder.splice(next).length;
      bodies[i] = next;
    }
  }
  assert.ok(stored < (30_000 + 8 * 30 * 1000) * 1.3, `${stored} bytes`);
});

describe('a spliced body that is none is refused, in bounded memory', () => {
  const kept = [Buffer.from('kept before'), undefined];
  const literals = [Buffer.from('new')];
  const copy = { literals: 1, length: 4, from: 0, offset: 0 };
  const valid = encodeSpliced(1, [copy, { ...copy, offset: 5 }], literals);

  function changed(at: number, value: number): Buffer {
    const bytes = Buffer.from(valid);
    bytes.writeUInt8(value, at);
    return bytes;
  }

  test('one that is one is joined', () => {
    assert.deepEqual(joinSpliced(valid, kept, 100), { place: 1, plain: Buffer.from('nkeptebefow'), repeats: [0, 0] });
    assert.deepEqual(joinSpliced(encodeSpliced(0, [], []), [], 100), { place: 0, plain: Buffer.alloc(0), repeats: [] });
    assert.deepEqual(joinSpliced(encodeSpliced(0, [{ ...copy, offset: 7 }], literals), kept, 7)?.plain, Buffer.from('nforeew'));
  });

  const refused: Readonly<Record<string, Buffer>> = {
    'no header': valid.subarray(0, splicedHeaderBytes - 1),
    'fewer copies than it says': changed(3, 200),
    'put into a place that is none': changed(0, keptBodiesMax),
    'a byte that is not zero': changed(1, 1),
    'copied from a place that is empty': encodeSpliced(0, [{ ...copy, from: 1 }], literals),
    'copied from a place that is none': encodeSpliced(0, [{ ...copy, from: 255 }], literals),
    'copied from behind the end': encodeSpliced(0, [{ ...copy, offset: 8 }], literals),
    'copied from far behind the end': encodeSpliced(0, [{ ...copy, offset: 2 ** 24 - 1 }], literals),
    'copied for too long': encodeSpliced(0, [{ ...copy, length: 2 ** 32 - 1 }], literals),
    'literals that are not there': encodeSpliced(0, [{ ...copy, literals: 4 }], literals),
    'literals without end': encodeSpliced(0, [{ ...copy, literals: 2 ** 32 - 1 }], literals),
    'too long in all': encodeSpliced(
      0,
      Array.from({ length: 65_535 }, () => ({ ...copy, literals: 0 })),
      [],
    ),
    'too many literals': encodeSpliced(0, [], [Buffer.alloc(101)]),
  };
  for (const [name, body] of Object.entries(refused)) {
    test(name, () => {
      assert.equal(joinSpliced(body, kept, 100), null);
    });
  }

  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(valid.length - 1), fc.nat(255), (bytes, at, value) => {
        for (const body of [Buffer.from(bytes), changed(at, value)]) {
          const joined = joinSpliced(body, kept, 100);
          assert.ok(joined === null || (joined.plain.length <= 100 && joined.place < keptBodiesMax));
        }
      }),
      { numRuns: 5000 },
    );
  });
});

test('the kept bodies are bounded: for one session, for all sessions, and in the reader', () => {
  const [finder, reader] = [new RepeatFinder(), new Reader()];
  for (let i = 0; i < keptBodiesMax + 5; i++) {
    reader.read(finder.splice(randomBytes(bytesMax)));
  }
  assert.equal(reader.keptBytes, keptBodiesMax * bytesMax);
  assert.ok(finder.memoryBytes < reader.keptBytes * 1.5);
  const most = 1_000_000;
  const splicer = new Splicer(most);
  for (let i = 0; i < 50; i++) {
    splicer.splice(`session ${i}`, i, randomBytes(100_000));
    assert.ok(splicer.memoryBytes <= most);
  }
  assert.ok(splicer.memoryBytes > most / 2);
  for (let i = 0; i < 50; i++) {
    splicer.forget(`session ${i}`);
  }
  assert.equal(splicer.memoryBytes, 0);
});
