import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changeText, type TextChange } from '../domain/text-change.ts';
import { atOnce } from './in-turns.ts';
import { SlicedTexts } from './sliced-texts.ts';

/** Stars for secrets, and for all of a text from a covered source. */
const change: TextChange = (text, sources, isDerived) =>
  sources?.includes('covered') === true ? (isDerived === true ? '!' : '*') : text.replaceAll('s', '***');
const asked = fc.array(
  fc.tuple(fc.constantFrom('a', 'b', 's', 'as', ''), fc.constantFrom(undefined, ['plain'], ['covered'], ['plain', 'covered']), fc.boolean()),
);

test('a message that is read twice has the same texts as one that is read once, also of a reader that stops at a text that is changed', () => {
  fc.assert(
    fc.property(fc.array(asked), (groups) => {
      const read = (changed: (...each: Parameters<TextChange>) => string): readonly string[][] =>
        groups.map((group) => {
          const texts: string[] = [];
          group.every(([text, sources, isDerived]) => {
            texts.push(changed(text, sources === undefined ? undefined : [...sources], isDerived));
            return texts.at(-1) === text;
          });
          return texts;
        });
      const sliced = new SlicedTexts([change]);
      const twice = atOnce(sliced.inSlices(Infinity, () => read((...each) => sliced.change(...each))));
      assert.deepEqual(
        twice,
        read((text, ...rest) => changeText([change], text, ...rest)),
      );
    }),
  );
});
