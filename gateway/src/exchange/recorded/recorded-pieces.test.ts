import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenedRecord } from '../../domain/record.ts';
import { readPiece } from './recorded-pieces.ts';

function response(seq: number, request: number, text: string): OpenedRecord {
  return {
    session: '0'.repeat(32),
    seq,
    timeMs: seq,
    kind: 'response',
    record: `0000000000000000/${seq}`,
    meta: { channel: 1, request },
    channelFacts: null,
    governance: null,
    content: Buffer.from(text),
    continues: false,
    withheld: null,
  };
}

test('pieces of an answer are looked for behind its request, and not before, also where its beginning is missing', () => {
  const asked = new Set<number>();
  const { head, lead, bytes } = readPiece(response(43, 40, 'end'), (seq) => {
    asked.add(seq);
    return seq === 42 ? response(42, 40, 'middle ') : seq < 40 ? response(seq, 30, 'other') : null;
  });
  assert.deepEqual([head, lead.toString(), bytes.toString()], [null, 'middle ', 'end']);
  assert.ok(
    [...asked].every((seq) => seq >= 40),
    [...asked].join(),
  );
});
