import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { Framer } from './framer.ts';
import { JsonDocuments } from './json-documents.ts';
import { cutAt } from '../protocols/llm/testdata/fixtures.ts';

function find(pieces: readonly (string | Uint8Array)[], bytesMax = Infinity): { documents: string[]; skipped: number; isInside: boolean } {
  const framer = new Framer(new JsonDocuments(), bytesMax);
  const frames = pieces.flatMap((piece) => framer.push(Buffer.from(piece)));
  return {
    documents: frames.flatMap(({ is, bytes }) => (is === 'document' ? [String(bytes)] : [])),
    skipped: frames.filter(({ is }) => is === 'long').length,
    isInside: framer.end().length > 0,
  };
}

test('one object, a list of them, one after another', () => {
  assert.deepEqual(find([' {"a":[{}]}\n']).documents, ['{"a":[{}]}']);
  assert.deepEqual(find(['[{"a":1}\n,\r\n{"b":"}\\"{"}]']).documents, ['{"a":1}', '{"b":"}\\"{"}']);
  assert.deepEqual(find(['{"a":1}\n{"b":2}\n']).documents, ['{"a":1}', '{"b":2}']);
});

test('a document that is cut is not given out', () => {
  assert.deepEqual(find(['[{"a":1},{"b":']), { documents: ['{"a":1}'], skipped: 0, isInside: true });
});

test('any cutting finds the same', () => {
  const words = fc.array(fc.constantFrom('{', '}', '[', ']', '"', '\\', 'ä', ',', '{"k":"v"}'), { maxLength: 30 });
  fc.assert(
    fc.property(words, fc.array(fc.nat(), { maxLength: 8 }), (text, places) => {
      const bytes = Buffer.from(text.join(''));
      assert.deepEqual(find(cutAt(bytes, places), 12), find([bytes], 12));
    }),
    { numRuns: 500 },
  );
});

test('bytes between objects are no long object, in one piece or in several', () => {
  const between = 'ä}}ä}ä,ä[';
  assert.deepEqual(find([between], 12), { documents: [], skipped: 0, isInside: false });
  assert.deepEqual(find([between.slice(0, 4), between.slice(4)], 12), { documents: [], skipped: 0, isInside: false });
});

test('JSON is found again as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 4 }), (values) => {
      assert.deepEqual(
        find([JSON.stringify(values, null, 1)]).documents.map((document) => JSON.parse(document)),
        JSON.parse(JSON.stringify(values)),
      );
    }),
  );
});

test('an object past the limit is skipped and counted, those around it are found', () => {
  const long = JSON.stringify({ a: 'x'.repeat(100) });
  assert.deepEqual(find([`[{"a":1},${long},{"b":2}]`], 20), { documents: ['{"a":1}', '{"b":2}'], skipped: 1, isInside: false });
});
