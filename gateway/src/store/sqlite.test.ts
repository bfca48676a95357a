import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { GatewayError } from '../domain/errors.ts';
import { migrate } from './migrations.ts';
import { openSqlite } from './sqlite.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'));
after(() => {
  rmSync(directory, { recursive: true });
});

test('a database is readable by its owner only, and durable by default', () => {
  const file = join(directory, 'modes.db');
  using database = openSqlite(file, { journal: 'wal' });
  database.exec('CREATE TABLE t (a INTEGER) STRICT');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(`${file}-wal`).mode & 0o777, 0o600);
  assert.equal(database.get('PRAGMA synchronous')?.['synchronous'], 2);
});

test('a deleted row leaves nothing in the file', () => {
  const file = join(directory, 'secure.db');
  using database = openSqlite(file, { journal: 'truncate', secureDelete: true });
  database.exec('CREATE TABLE t (a TEXT) STRICT');
  database.run('INSERT INTO t VALUES (?)', ['a canary of some length']);
  assert.ok(readFileSync(file).includes('a canary'));
  database.exec('DELETE FROM t');
  assert.ok(!readFileSync(file).includes('canary'));
});

test('a transaction is all or nothing, and its error comes through', () => {
  using database = openSqlite(join(directory, 'transaction.db'), { journal: 'truncate' });
  database.exec('CREATE TABLE t (a INTEGER UNIQUE) STRICT');
  assert.throws(() => {
    database.transaction(() => {
      database.run('INSERT INTO t VALUES (1)');
      database.run('INSERT INTO t VALUES (1)');
    });
  }, /UNIQUE/);
  assert.deepEqual(database.all('SELECT * FROM t'), []);
  // The connection is good for the next one.
  assert.equal(
    database.transaction(() => database.run('INSERT INTO t VALUES (7)')),
    1,
  );
});

test('a file that is no database is said to be damaged', () => {
  const file = join(directory, 'garbage.db');
  writeFileSync(file, 'x'.repeat(4096));
  assert.throws(() => openSqlite(file, { journal: 'wal' }), { code: 'store_damaged' });
});

test('migrations run once, in order, and a failing one changes nothing', () => {
  const file = join(directory, 'migrations.db');
  const first = 'CREATE TABLE one (a INTEGER) STRICT';
  {
    using database = openSqlite(file, { journal: 'truncate' });
    migrate(database, [first]);
  }
  using database = openSqlite(file, { journal: 'truncate' });
  assert.throws(() => {
    migrate(database, [first, 'CREATE TABLE two (a INTEGER) STRICT', 'no SQL at all']);
  });
  assert.equal(database.get("SELECT name FROM sqlite_schema WHERE name = 'two'"), undefined);
  migrate(database, [first, 'CREATE TABLE two (a INTEGER) STRICT']);
  migrate(database, [first, 'CREATE TABLE two (a INTEGER) STRICT']);
  assert.equal(database.get('PRAGMA user_version')?.['user_version'], 2);
  assert.throws(
    () => {
      migrate(database, [first]);
    },
    (error) => error instanceof GatewayError && error.code === 'unsupported',
  );
});
