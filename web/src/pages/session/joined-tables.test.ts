import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import { joinTables, type Table } from './joined-tables.ts';

function part(...tables: readonly Table[]): Schemas['ShownRecord'] {
  return {
    session: '0'.repeat(32),
    seq: 0,
    time: '2026-11-30T00:00:00.000Z',
    channel: 1,
    target: 'shop',
    protocol: null,
    kind: 'response',
    action: null,
    principal: null,
    verdict: null,
    policies: [],
    attributes: {},
    content: { mediaType: 'text/plain', bytes: 0, tables },
    record: 'log/0',
  };
}

test('rows of one table in several parts are one table; others are others', () => {
  const [one, other] = [['a', 'b'], ['n']];
  const parts = [
    part({ columns: one, rows: [['1', 'x']] }),
    part({ columns: one, rows: [['2', 'y']] }, { columns: other, rows: [['3']] }),
    part({ columns: other, rows: [['4']] }),
    part(),
  ];
  assert.deepEqual(joinTables(parts), [
    {
      columns: one,
      rows: [
        ['1', 'x'],
        ['2', 'y'],
      ],
    },
    { columns: other, rows: [['3'], ['4']] },
  ]);
  assert.deepEqual(joinTables([{ ...part(), content: null }]), []);
});
