import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutAnywhere, maskAll } from '../../../../tests/support/every-cut.ts';
import { CopiedRows } from './copied-rows.ts';
import type { CopyForm } from './guard/lineage.ts';
import { message } from './testdata/shorthand.ts';

const text: CopyForm = { format: 'text', delimiter: '\t', null: String.raw`\N`, quote: '"', escape: '"', hasHeader: false };
const csv: CopyForm = { ...text, format: 'csv', delimiter: ',', null: '' };
const mail = 'ada.lovelace7c1a@example.com';

const cases: readonly (readonly [name: string, form: CopyForm, rows: string, expected: string])[] = [
  ['text', text, `1\tto ${mail}\\n;\t\\N\n2\t4111-2200-17\t\n`, '1\tto [email]\\n;\t\\N\n2\t4111-2200-17\t\n'],
  ['text with a delimiter of its own', { ...text, delimiter: ';' }, `1;a\\;${mail}\n2;b\n`, '1;a\\;[email]\n2;b\n'],
  ['CSV', csv, `1,"to ${mail}\n""x"", y",\n2,${mail},""\n`, '1,"to [email]\n""x"", y",\n2,"[email]",""\n'],
  [
    'CSV with a header and an escape of its own',
    { ...csv, escape: '\\', hasHeader: true },
    `id,"a\n${mail}"\n1,"\\"${mail}\n\\\\"\n`,
    `id,"a\n${mail}"\n1,"\\"[email]\n\\\\"\n`,
  ],
];

for (const [name, form, rows, expected] of cases) {
  test(`rows of COPY are masked alike, in however many messages they come: ${name}`, () => {
    const run = (pieces: readonly Buffer[]): string => {
      const mask = maskAll();
      const copied = new CopiedRows(form, (value) => mask(value), 10_000);
      const whole = [...pieces.map((piece) => copied.push(message('d', piece))), copied.end()];
      return whole.map((each) => (each === null ? '' : copied.changed(each).toString('utf8', 5))).join('');
    };
    const bytes = Buffer.from(rows);
    assert.equal(run([bytes]), expected);
    assert.equal(run(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))), expected, 'byte by byte');
    fc.assert(
      fc.property(cutAnywhere(bytes), (pieces) => {
        assert.equal(run(pieces), expected);
      }),
    );
  });
}
