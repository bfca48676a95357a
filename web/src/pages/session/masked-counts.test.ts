import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import { maskedCounts } from './masked-counts.ts';
import { shownRecord } from './testdata/shown-record.ts';

function mask(...masked: readonly string[]): Schemas['ShownRecord'] {
  return shownRecord(0, { kind: 'mask', action: 'gateway.mask', attributes: masked.length === 0 ? {} : { 'countersign.masked': masked } });
}

test('the values of a class are counted over all masks of an act, whatever the class is called', () => {
  assert.deepEqual(
    [...maskedCounts([mask('card=6', 'email=6'), mask(), mask('card=1', 'a=b=2', '__proto__=1')])],
    [
      ['card', 7],
      ['email', 6],
      ['a=b', 2],
      ['__proto__', 1],
    ],
  );
});
