import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  classKeys,
  dayMs,
  execute,
  forever,
  noon,
  rawsOf,
  readBack,
  record,
  short,
  standard,
  textsOf,
  verify,
} from '../../gateway/src/recording/testdata/kept-recording.ts';

test('whatever days pass and wherever it crashes, each body opens, or is erased exactly when its class key is', async (t) => {
  const act = fc.oneof(
    { weight: 6, arbitrary: fc.record({ keeping: fc.nat(3), bytes: fc.constantFrom(1, 30, 5000) }) },
    { weight: 2, arbitrary: fc.record({ days: fc.integer({ min: -1, max: 3 }) }) },
    { weight: 1, arbitrary: fc.constant('crash' as const) },
  );
  const keepings = [undefined, short, forever, { facts: standard.facts, content: short.content }];
  const common = randomBytes(2500).toString('hex');
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), fc.integer(), async (acts, seed) => {
      let recording = await record(t);
      const said = new Map<string, string[]>([[recording.track.id, []]]);
      for (const [i, each] of acts.entries()) {
        if (each === 'crash') {
          recording = await recording.crash();
          said.set(recording.track.id, []);
        } else if ('days' in each) {
          recording.clock.nowMs += each.days * dayMs;
        } else {
          const text = `${common.slice(0, each.bytes)}${i}`;
          recording.say(text, keepings[each.keeping]);
          said.get(recording.track.id)?.push(text);
        }
      }
      await recording.close();
      const { data } = recording;
      const { verdict, findings, counts } = await verify(data, noon);
      assert.deepEqual([verdict, findings, counts.bodies?.erased], ['holds', [], 0]);
      for (const [session, texts] of said) {
        assert.deepEqual(textsOf(await readBack(data, session)), texts);
      }
      execute(data, `DELETE FROM class_key WHERE (class * 31 + day + ${seed & 0xffff}) % 3 = 0`);
      const left = new Set(classKeys(data));
      for (const [session, texts] of said) {
        const leaves = (await rawsOf(data, session)).filter(({ leaf }) => leaf.kind === 'request');
        assert.deepEqual(
          textsOf(await readBack(data, session)),
          texts.map((text, i) => {
            const { metaClass, metaExpiryDay, contentClass, contentExpiryDay } = leaves[i]?.leaf ?? assert.fail();
            return left.has(`${metaClass}/${metaExpiryDay}`) && left.has(`${contentClass}/${contentExpiryDay}`) ? text : 'erased';
          }),
        );
      }
      rmSync(data, { recursive: true });
    }),
    { numRuns: 30 },
  );
});
