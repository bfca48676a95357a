import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { SessionSummary, ShownRecord } from '../../gateway/src/domain/shown-record.ts';
import { requireProgram } from '../support/require-program.ts';
import { openShop, type Shop } from '../support/shop.ts';

const rounds = 4;

for (const durability of ['process', 'disk'] as const) {
  test(
    `C28: kill -9 under load (${durability}): every statement that reached the database is in the record, receipts hold, the start needs no hand`,
    requireProgram('psql'),
    async () => {
      await using shop = await openShop({ durability });
      await inDatabase(shop, 'create table marks (mark text primary key)');
      const receipts: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const load = startLoad(shop, round);
        await delay(randomInt(150, 700));
        receipts.push(...takeReceipts(shop));
        await shop.gateway.signal('SIGKILL');
        await load;
        await shop.gateway.start();
      }
      const reached = await inDatabase(shop, 'select mark from marks');
      assert.ok(reached.length > rounds, 'the load did something');
      const recorded = recordedStatements(shop);
      for (const { mark } of reached) {
        assert.ok(recorded.has(`insert into marks values ('${mark}')`), `${mark} reached the database and is not in the record`);
      }
      assert.ok(receipts.length > 0);
      for (const receipt of receipts) {
        assertReceipt(shop, receipt);
      }
      await shop.gateway.signal('SIGTERM');
      assert.equal(shop.gateway.verify().status, 0, shop.gateway.verify().stdout);
    },
  );
}

/** Four clients insert marks until the gateway is gone. */
async function startLoad(shop: Shop, round: number): Promise<void> {
  await Promise.all(
    Array.from({ length: 4 }, async (_, client) => {
      const connection = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'agent', password: shop.token, database: 'shop' });
      connection.on('error', () => undefined);
      try {
        await connection.connect();
        for (let i = 0; ; i++) {
          await connection.query(`insert into marks values ('${round}-${client}-${i}')`);
        }
      } catch {
        // The gateway was killed.
      } finally {
        // Not awaited: on a connection that broke it may never resolve.
        void connection.end().catch(() => undefined);
      }
    }),
  );
}

async function inDatabase(shop: Shop, statement: string): Promise<{ mark: string }[]> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: shop.database.port,
    user: shop.database.user,
    password: shop.database.password,
    database: 'postgres',
  });
  await client.connect();
  const { rows } = await client.query(statement);
  await client.end();
  return rows;
}

function recordedStatements(shop: Shop): ReadonlySet<string> {
  const statements = new Set<string>();
  for (const { session } of shop.gateway.rows<SessionSummary>(['session', 'list'])) {
    for (const record of shop.gateway.rows<ShownRecord>(['session', 'show', session])) {
      statements.add(String(record.attributes['db.query.text']));
    }
  }
  return statements;
}

function takeReceipts(shop: Shop): string[] {
  const [newest] = shop.gateway.rows<SessionSummary>(['session', 'list']).slice(-1);
  const records = newest === undefined ? [] : shop.gateway.rows<ShownRecord>(['session', 'show', newest.session]);
  const record = records.at(-1)?.record;
  const { status, stdout } = record === undefined ? { status: 1, stdout: '' } : shop.gateway.cli(['receipt', record]);
  return status === 0 ? [stdout] : [];
}

function assertReceipt(shop: Shop, receipt: string): void {
  const file = join(shop.gateway.directory, 'receipt.tlog-proof');
  writeFileSync(file, receipt);
  const key = readFileSync(join(shop.gateway.data, 'log', 'key'), 'utf8').trim();
  const { status, stdout } = shop.gateway.cli(['verify', file, '--key', key]);
  assert.equal(status, 0, stdout);
}
