import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeRow, holdsTexts } from './row-texts.ts';

const stars = [(text: string): string => text.replaceAll(/secret-\w+/g, '***')];

/** A DataRow; null is NULL. */
function row(...values: readonly (Buffer | null)[]): Buffer {
  const columns = values.map((value) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value?.length ?? -1);
    return value === null ? length : Buffer.concat([length, value]);
  });
  const head = Buffer.alloc(7);
  head.write('D');
  head.writeInt32BE(6 + columns.reduce((sum, column) => sum + column.length, 0), 1);
  head.writeInt16BE(values.length, 5);
  return Buffer.concat([head, ...columns]);
}

test('the values of a row are changed, NULL and values that are not UTF-8 stay, and lengths are right', () => {
  const binary = Buffer.from([0xff, 0xfe, 0x00]);
  const changed = changeRow(row(Buffer.from('a secret-1 b'), null, binary, Buffer.from('')), stars);
  assert.deepEqual(changed, row(Buffer.from('a *** b'), null, binary, Buffer.from('')));
});

test('COPY data are one text', () => {
  const changed = changeRow(Buffer.from('d\0\0\0\x10secret-1\tx\n\n'), stars);
  assert.equal(changed.toString('latin1'), 'd\0\0\0\x0b***\tx\n\n');
  assert.ok(holdsTexts(0x64) && holdsTexts(0x44) && !holdsTexts(0x5a));
});

test('a row whose columns do not fit into it is refused', () => {
  const short = row(Buffer.from('abc'));
  short.writeInt32BE(4, 7);
  assert.throws(() => changeRow(short, stars), { code: 'malformed' });
  assert.throws(() => changeRow(short.subarray(0, 9), stars), { code: 'malformed' });
});
