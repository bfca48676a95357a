import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import type { CliResult } from './support/gateway-process.ts';
import { psql } from './support/run.ts';
import { openShop, type Shop } from './support/shop.ts';

/** What somebody could do to the key store, and the exit code of `verify`. */
const tampering: Readonly<Record<string, { readonly sql: string; readonly status: number; readonly says: RegExp }>> = {
  'secrets changed': {
    sql: 'UPDATE session_secrets SET meta = zeroblob(60)',
    status: 1,
    says: /another key/,
  },
  'secrets swapped': {
    sql: 'UPDATE session_secrets SET content = (SELECT other.content FROM session_secrets other WHERE other.id = session_secrets.id - 1) WHERE id > 1',
    status: 1,
    says: /another key/,
  },
  'secrets removed': { sql: 'DELETE FROM session_secrets', status: 3, says: /not in the key store/ },
  'class keys changed': { sql: "UPDATE class_key SET wrapped = x'00'", status: 1, says: /another key/ },
  'class keys removed': { sql: 'DELETE FROM class_key', status: 3, says: /not in the key store/ },
};

describe('C29: the key store is held against the log', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
    for (let i = 0; i < 3; i++) {
      assert.equal((await psql(shop.through, ['-c', 'select 1'])).status, 0);
    }
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  function verifyCopy(change: (data: string) => void): CliResult {
    const data = join(shop.gateway.directory, 'copy');
    rmSync(data, { recursive: true, force: true });
    cpSync(shop.gateway.data, data, { recursive: true });
    change(data);
    return shop.gateway.cli(['verify', '--data', data]);
  }

  test('a running and a stopped gateway verify', async () => {
    assert.match(shop.gateway.verify().stdout, /\d+ keys announced and compared/);
    assert.equal(shop.gateway.verify().status, 0);
    await shop.gateway.signal('SIGTERM');
    assert.equal(shop.gateway.verify().status, 0);
  });

  for (const [name, { sql, status, says }] of Object.entries(tampering)) {
    test(`${name}: exit ${status}`, () => {
      const result = verifyCopy((data) => {
        const database = new DatabaseSync(join(data, 'keys.db'));
        database.exec(sql);
        database.close();
      });
      assert.equal(result.status, status, result.stdout);
      assert.match(result.stdout, says);
    });
  }

  test('a copy without keys verifies, and the report says what that leaves open', () => {
    const result = verifyCopy((data) => {
      rmSync(join(data, 'keys.db'));
    });
    assert.equal(result.status, 0, result.stdout);
    assert.match(result.stdout, /without the key store/);
  });
});
