import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { plannedRows } from './planned-rows.ts';

const scan = (rows: unknown, relationship = 'Outer'): object => ({ 'Node Type': 'Seq Scan', 'Parent Relationship': relationship, 'Plan Rows': rows });
const change = (operation: string, ...plans: readonly object[]): object => ({ 'Node Type': 'ModifyTable', Operation: operation, 'Plan Rows': 0, Plans: plans });
const rowsOf = (...plans: readonly object[]): number | null => plannedRows(JSON.stringify(plans.map((plan) => ({ Plan: plan }))));

test('the rows of a plan are those that its changes find, in each partition, in WITH and by each rule', () => {
  assert.equal(rowsOf(change('Update', scan(7))), 7);
  assert.equal(rowsOf(change('Delete', scan(7, 'Member'), scan(8, 'Member'))), 15);
  assert.equal(rowsOf(change('Merge', scan(3), scan(100, 'SubPlan'), scan(100, 'InitPlan'))), 3);
  assert.equal(rowsOf({ 'Node Type': 'Aggregate', 'Plan Rows': 1, Plans: [{ ...change('Delete', scan(9)), 'Parent Relationship': 'InitPlan' }] }), 9);
  assert.equal(rowsOf(change('Update', scan(1)), change('Delete', scan(2))), 3);
  assert.equal(rowsOf(change('Insert', scan(7))), null);
  assert.equal(rowsOf(scan(7)), null);
});

test('E55: any answer of a target is acceptable, and only a number that can be true comes of it', () => {
  for (const rows of [-1, '7', null, undefined, [], 1e300, Number.MAX_SAFE_INTEGER + 1]) {
    assert.equal(rowsOf(change('Update', scan(rows))), null, String(rows));
  }
  assert.equal(rowsOf(change('Update', scan(Number.MAX_SAFE_INTEGER), scan(1))), null);
  let deep = change('Update', scan(1));
  for (let at = 0; at < 200; at += 1) {
    deep = { Plans: [deep] };
  }
  assert.equal(rowsOf(deep), null);
  for (const text of ['', '[', '[]', '{}', 'null', '[null]', '[{"Plan":[]}]', '['.repeat(200_000), `${'['.repeat(100_000)}${']'.repeat(100_000)}`]) {
    assert.equal(plannedRows(text), null, text.slice(0, 20));
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const rows = plannedRows(text);
      assert.ok(rows === null || (Number.isSafeInteger(rows) && rows >= 0));
    }),
  );
});
