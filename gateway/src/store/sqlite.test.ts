import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { GatewayError } from '../domain/errors.ts';
import { migrate } from './migrations.ts';
import { changePastSqlite, holdSqlite, isHeldSqlite, openSqlite } from './sqlite.ts';

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

test('what is changed past SQLite is read by a connection that has the page in memory, also if the act fails then, and nobody has the file meanwhile', () => {
  const file = join(directory, 'past.db');
  using database = openSqlite(file, { journal: 'truncate' });
  database.exec("CREATE TABLE t (a TEXT) STRICT; INSERT INTO t VALUES ('what was there before')");
  assert.equal(database.get('SELECT a FROM t')?.['a'], 'what was there before');
  const raw = openSync(file, 'r+');
  after(() => {
    closeSync(raw);
  });
  const act = (): void => {
    assert.ok(isHeldSqlite(file));
    writeSync(raw, 'what is there by now!', readFileSync(raw).indexOf('what was there before'));
    throw new Error('the disk fails');
  };
  assert.throws(() => {
    changePastSqlite(file, act);
  }, /the disk fails/);
  assert.ok(!isHeldSqlite(file));
  assert.equal(database.get('SELECT a FROM t')?.['a'], 'what is there by now!');
});

test('a part of this process that is refused a file does not end the hold of the one that has it', () => {
  const file = join(directory, 'held.lock');
  // Another process, because SQLite itself knows what this one holds.
  const take = `
    const database = new (require('node:sqlite').DatabaseSync)(process.argv[1], { timeout: 0 });
    try { database.exec('BEGIN EXCLUSIVE'); process.stdout.write('taken'); } catch (error) { process.stdout.write(error.message); }`;
  const askOther = (): string => spawnSync(process.execPath, ['-e', take, file], { encoding: 'utf8' }).stdout;
  {
    using _held = holdSqlite(file, 0);
    assert.equal(askOther(), 'database is locked');
    assert.equal(holdSqlite(file, 0), null);
    assert.ok(isHeldSqlite(file));
    assert.equal(askOther(), 'database is locked');
  }
  assert.equal(askOther(), 'taken');
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
