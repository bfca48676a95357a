import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assertStopsWhole } from '../support/evidence.ts';
import { requireProgram } from '../support/require-program.ts';
import { runProgram } from '../support/run.ts';
import { openShop } from '../support/shop.ts';

test('a result of 512 MiB and rows of 70 MiB stream through flat memory, and the record holds', requireProgram('psql'), async () => {
  await using shop = await openShop();
  const peakMiB = (): number => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${shop.gateway.pid}/status`, 'utf8'))?.[1]) / 1024;
  const count = async (statement: string): Promise<number> => {
    const { stdout, stderr } = await runProgram('sh', ['-c', 'psql -XAt -c "$1" | wc -c', 'sh', statement], shop.through);
    assert.equal(stderr, '');
    return Number(stdout);
  };
  const rows = (n: number): string => `select repeat('x', 1000) from generate_series(1, ${n})`;
  const row = "select repeat('x', 70 * 1024 * 1024)";
  assert.equal(await count(rows(65_536)), 65_536 * 1001);
  // From here on all is in memory that searches need.
  assert.equal(shop.gateway.command(['search', 'kind:request']).status, 0);
  const beforeMiB = peakMiB();
  assert.equal(await count(rows(540_000)), 540_000 * 1001);
  assert.equal(await count(row), 70 * 1024 * 1024 + 1);
  assert.equal(await count(`copy (${row}) to stdout`), 70 * 1024 * 1024 + 1);
  const grownMiB = peakMiB() - beforeMiB;
  assert.ok(beforeMiB > 50 && grownMiB < 128, `${grownMiB} MiB more than ${beforeMiB} MiB`);
  await assertStopsWhole(shop.gateway);
});
