import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { requireProgram } from '../../../tests/support/require-program.ts';
import { openSqlite, openSqliteReadOnly, type Sqlite } from './sqlite.ts';
import { SqliteRemains } from './sqlite-remains.ts';
import { plantRemains } from './testdata/plant-remains.ts';

const left = Buffer.from('left behind');
const overwriteRemains = join(import.meta.dirname, 'testdata', 'overwrite-remains.ts');

function newFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-remains-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  return join(directory, 'rows.db');
}

/** Opens a database that has no loss of power to survive. */
function openRows(file: string, pragmas = ''): Sqlite {
  const database = openSqlite(file, { journal: 'truncate', secureDelete: true });
  database.exec(`PRAGMA synchronous = OFF; ${pragmas}`);
  return database;
}

/** Makes a database whose pages have bytes of rows in their unused parts. */
function makeWithRemains(file: string, pragmas = ''): void {
  {
    using database = openRows(file, pragmas);
    database.exec('CREATE TABLE rows (name INTEGER PRIMARY KEY, bytes BLOB NOT NULL)');
    database.transaction(() => {
      for (let name = 0; name < 400; name++) {
        database.run('INSERT INTO rows VALUES (?, ?)', [name, Buffer.alloc(60, name)]);
      }
    });
  }
  assert.ok(plantRemains(file, left) > 4);
}

/** Numbers below a limit that are the same in each run. */
function numbers(seed: string): (below: number) => number {
  let count = 0;
  return (below) => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32BE(0) % below;
}

const mixedTables = `
  CREATE TABLE plain (id INTEGER PRIMARY KEY, bytes BLOB); CREATE INDEX plain_bytes ON plain (bytes);
  CREATE TABLE keyed (name BLOB PRIMARY KEY, number INTEGER, bytes BLOB) WITHOUT ROWID; CREATE INDEX keyed_number ON keyed (number)`;

/** Changes rows of all lengths: some need several pages, and pages are given back and used again. */
function changeRows(database: Sqlite, next: (below: number) => number, pageBytes: number): void {
  const bytes = (): Buffer =>
    Buffer.alloc(
      next(10) === 0 ? next(pageBytes * 4) : next(120),
      createHash('sha256')
        .update(String(next(2 ** 31)))
        .digest(),
    );
  database.transaction(() => {
    for (let i = 0; i < 60; i++) {
      const id = next(300);
      const name = createHash('sha256').update(String(id)).digest().subarray(0, 6);
      switch (next(6)) {
        case 0:
          database.run('DELETE FROM plain WHERE id = ?', [id]);
          break;
        case 1:
          database.run('DELETE FROM keyed WHERE number = ?', [next(50)]);
          break;
        case 2:
        case 3:
          database.run('INSERT OR REPLACE INTO plain VALUES (?, ?)', [id, bytes()]);
          break;
        default:
          database.run('INSERT OR REPLACE INTO keyed VALUES (?, ?, ?)', [name, next(50), bytes()]);
      }
    }
    if (next(5) === 0) {
      database.run('DELETE FROM plain WHERE id > ?', [next(300)]);
    }
  });
}

const readRows = (database: Sqlite): unknown => [
  database.all('SELECT id, hex(bytes) AS bytes FROM plain ORDER BY id'),
  database.all('SELECT hex(name) AS name, number, hex(bytes) AS bytes FROM keyed ORDER BY name'),
];

for (const pageBytes of [512, 1024, 4096, 65_536]) {
  test(`no row is harmed in a database with pages of ${pageBytes} bytes, whatever was changed before and meanwhile`, async (t) => {
    let overwritten = 0;
    for (let seed = 0; seed < 4; seed++) {
      const next = numbers(`${pageBytes} ${seed}`);
      const file = newFile(t);
      using database = openRows(file, `PRAGMA page_size = ${pageBytes}; VACUUM; ${mixedTables}`);
      using reader = openSqliteReadOnly(file);
      const remains = new SqliteRemains(file);
      t.after(() => {
        remains[Symbol.dispose]();
      });
      for (let round = 0; round < 10; round++) {
        changeRows(database, next, pageBytes);
        const before = readFileSync(file);
        const done = remains.overwrite();
        for (let turn = next(4); turn > 0; turn--) {
          await nextTurn();
          changeRows(database, next, pageBytes);
        }
        const rows = readRows(database);
        await done;
        overwritten += before.equals(readFileSync(file)) ? 0 : 1;
        assert.equal(database.get('PRAGMA integrity_check')?.['integrity_check'], 'ok', `seed ${seed}, round ${round}`);
        assert.deepEqual(readRows(database), rows, `seed ${seed}, round ${round}`);
        assert.deepEqual(readRows(reader), rows, `seed ${seed}, round ${round}`);
      }
    }
    assert.ok(overwritten > 4, `${overwritten}`);
  });
}

test('a row that can still be read in a damaged page is not overwritten, and the damage is said', async (t) => {
  const file = newFile(t);
  makeWithRemains(file);
  const bytes = readFileSync(file);
  const pageBytes = bytes.readUInt16BE(16);
  const leaf = 13;
  const damaged = [...bytes.keys()].find((at) => at > 0 && at % pageBytes === 0 && bytes[at] === leaf) ?? 0;
  // Where the rows begin: by this value, at the end of the page.
  bytes.writeUInt16BE(0, damaged + 5);
  writeFileSync(file, bytes);
  using database = openRows(file);
  const rows = database.all('SELECT name, bytes FROM rows');
  assert.equal(rows.length, 400);
  const remains = new SqliteRemains(file);
  t.after(() => {
    remains[Symbol.dispose]();
  });
  await assert.rejects(remains.overwrite(), { code: 'store_damaged', message: new RegExp(`Page ${damaged / pageBytes + 1} of .* Restore`) });
  assert.deepEqual(database.all('SELECT name, bytes FROM rows'), rows);
});

test('a database with auto_vacuum is refused, because its pages that lead to others look like pages with rows', async (t) => {
  for (const mode of ['FULL', 'INCREMENTAL']) {
    const file = newFile(t);
    makeWithRemains(file, `PRAGMA auto_vacuum = ${mode}; VACUUM`);
    using database = openRows(file);
    const remains = new SqliteRemains(file);
    t.after(() => {
      remains[Symbol.dispose]();
    });
    const before = readFileSync(file);
    await assert.rejects(remains.overwrite(), { code: 'store_damaged', message: /PRAGMA auto_vacuum = NONE; VACUUM/ });
    assert.ok(before.equals(readFileSync(file)));
    // The message says to do this.
    database.exec('PRAGMA auto_vacuum = NONE; VACUUM');
    await remains.overwrite();
    assert.ok(!readFileSync(file).includes(left));
  }
});

test('a write that ends early is not taken for a whole one', requireProgram('prlimit'), (t) => {
  const file = newFile(t);
  makeWithRemains(file);
  const bytes = readFileSync(file);
  // A limit of the process, in the middle of what is left in the last page: a write there ends early, and the next one fails.
  const last = bytes.lastIndexOf(left);
  const limited = spawnSync('prlimit', [`--fsize=${last - 100}`, process.execPath, overwriteRemains, file], { encoding: 'utf8' });
  assert.equal(limited.stdout, 'cannot_record', limited.stderr);
  const found = readFileSync(file);
  assert.ok(found.indexOf(left) > bytes.indexOf(left) && found.includes(left));
  assert.equal(spawnSync(process.execPath, [overwriteRemains, file], { encoding: 'utf8' }).stdout, 'done');
  assert.ok(!readFileSync(file).includes(left));
});
