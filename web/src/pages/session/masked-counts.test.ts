import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import { maskedCounts } from './masked-counts.ts';

function mask(...masked: readonly string[]): Schemas['ShownRecord'] {
  return {
    session: '0'.repeat(32),
    seq: 0,
    time: '2026-11-30T00:00:00.000Z',
    channel: 1,
    target: 'shop',
    protocol: null,
    kind: 'mask',
    action: 'gateway.mask',
    principal: null,
    verdict: null,
    policies: [],
    attributes: masked.length === 0 ? {} : { 'countersign.masked': masked },
    content: null,
    record: 'log/0',
  };
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
