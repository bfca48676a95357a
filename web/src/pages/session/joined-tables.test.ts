import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import { joinTables, type Table } from './joined-tables.ts';
import { shownRecord } from './testdata/shown-record.ts';

function part(...tables: readonly Table[]): Schemas['ShownRecord'] {
  return shownRecord(0, { kind: 'response', content: { mediaType: 'text/plain', bytes: 0, tables } });
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
