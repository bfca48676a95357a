import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectThrough } from '../support/marks.ts';
import { openShop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';

test('T4.14, E43: a gateway whose journal was removed answers no more requests, and ends', async () => {
  await using shop = await openShop();
  const client = await connectThrough(shop);
  await client.query('select 1');
  rmSync(join(shop.gateway.data, 'journal'), { recursive: true });
  let refusal: unknown;
  await waitUntil(async () => {
    refusal = await client.query('select 1').then(
      () => null,
      (error: unknown) => error,
    );
    return refusal !== null;
  });
  assert.equal(refusal instanceof Error && 'code' in refusal && refusal.code, '53100');
  await waitUntil(() => shop.gateway.exitCode !== null);
  assert.equal(shop.gateway.exitCode, 1);
  assert.match(shop.gateway.log, /journal\/\d+\.segment is gone while the gateway ran|journal is gone while the gateway ran/);
});
