import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { metaLengthMax } from '../recording/batch.ts';
import { printFacts, printMeta } from './meta.ts';

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

test('T4.9, E55: facts that are too long are cut with their count and their digest', () => {
  const names = Array.from({ length: 1_060 }, (_, i) => `${i}`.padEnd(1_000, 'x'));
  const text = 'ö'.repeat(100_000);
  const facts = JSON.parse(printFacts({ 'gen_ai.tool.names': names, 'url.query': text, model: 'm', tools: 1_060 }));
  assert.deepEqual(facts['gen_ai.tool.names'], names.slice(0, 2));
  assert.equal(facts['url.query'], text.slice(0, 2_048));
  assert.equal(facts.model, 'm');
  assert.equal(facts.tools, 1_060);
  assert.deepEqual(facts['countersign.cut'], [`gen_ai.tool.names 1060 sha256:${digest(names)}`, `url.query 100000 sha256:${digest(text)}`]);
});

test('T4.9, E55: more facts than a record holds are an error for a request, and a digest for what happened already', () => {
  const attributes = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`name ${i}`, 'a value']));
  assert.throws(() => printFacts(attributes), { code: 'limit_exceeded' });
  assert.deepEqual(JSON.parse(printMeta(1, { attributes })), {
    channel: 1,
    attributes: { 'countersign.cut': [`* 5000 sha256:${digest(attributes)}`] },
  });
  assert.throws(() => printMeta(1, { reason: 'x'.repeat(metaLengthMax) }), { code: 'limit_exceeded' });
});

test('short facts are printed as they are, and longer facts never exceed a record', () => {
  assert.equal(printFacts({}), '');
  assert.equal(printMeta(1, {}), '{"channel":1}');
  assert.equal(printMeta(1, { attributes: { a: 1 } }), '{"channel":1,"attributes":{"a":1}}');
  const value = fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.string({ unit: 'binary' }),
    fc.array(fc.string({ unit: 'binary' })),
    fc.nat(20_000).map((length) => '"'.repeat(length)),
    fc.array(fc.nat(3_000).map((length) => '\u0001'.repeat(length))),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), (attributes) => {
      const meta = printMeta(1, { attributes });
      assert.ok(meta.length <= metaLengthMax);
      JSON.parse(meta);
    }),
  );
});
