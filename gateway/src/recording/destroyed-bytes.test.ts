import assert from 'node:assert/strict';
import { createHash, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openSqlite, openSqliteReadOnly, type Sqlite } from '../store/sqlite.ts';
import { SqliteRemains } from '../store/sqlite-remains.ts';
import { plantRemains } from '../store/testdata/plant-remains.ts';
import { KeyStore } from './key-store.ts';
import { temporaryDirectory } from './testdata/kept-recording.ts';

/** Numbers below a limit that are the same in each run: they decide where SQLite puts rows. */
function numbers(seed: string): (below: number) => number {
  let count = 0;
  return (below) => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32BE(0) % below;
}

const ofWraps = 'SELECT key, slot, class, day, wrapped FROM wraps';
const blobOf = (value: unknown): Uint8Array => {
  assert.ok(value instanceof Uint8Array);
  return value;
};

test('nothing of a destroyed secret is in the file, also where SQLite moved it to another page before', async (t) => {
  const file = join(temporaryDirectory(t), 'keys.db');
  using keys = KeyStore.open(file, createSecretKey(Buffer.alloc(32, 1)));
  const next = numbers('wraps 0');
  const day = 20_000;
  const { keyId: first } = keys.take({ class: 1, day }, { class: 1, day }, day);
  for (let i = 1; i < 500; i++) {
    keys.take({ class: 1, day }, { class: 1, day }, day);
  }
  for (let round = 0; round < 80; round++) {
    for (let i = 0; i < 4; i++) {
      const some = new Map(Array.from({ length: 16 }, () => [first + next(500), { slot: next(2) === 0 ? 'meta' : 'content' } as const]));
      keys.wrap(
        [...some].map(([key, { slot }]) => ({ key, slot })),
        { class: 1 + next(4), day: day + next(20) },
      );
    }
    const secrets = Array.from({ length: 6 }, () => [first + next(500), 1 + next(2)] as const);
    const doomed = readDoomed(file, secrets);
    keys.destroy({ keys: [], secrets });
    await keys.overwriteRemains();
    const bytes = readFileSync(file);
    assert.equal(doomed.filter((one) => bytes.includes(one)).length, 0, `round ${round}`);
  }
});

function readDoomed(file: string, secrets: readonly (readonly [number, number])[]): readonly Uint8Array[] {
  using database = openSqliteReadOnly(file);
  return secrets.flatMap(([key, slot]) => [
    ...database.all(`${ofWraps} WHERE key = ? AND slot = ?`, [key, slot]).map(({ wrapped }) => blobOf(wrapped)),
    ...database.all(`SELECT ${slot === 1 ? 'meta' : 'content'} AS wrapped FROM session_secrets WHERE id = ?`, [key]).flatMap(({ wrapped }) => {
      const bytes = blobOf(wrapped);
      return bytes.length === 0 ? [] : [bytes];
    }),
  ]);
}

interface WithRemains {
  readonly database: Sqlite;
  readonly remains: SqliteRemains;
  /** Whether something of a row that was deleted before is in the file. */
  readonly isLeft: () => boolean;
}

const rowsTable = 'CREATE TABLE rows (name INTEGER PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID';

/** Opens a database that has no loss of power to survive. */
function openRows(file: string): Sqlite {
  const database = openSqlite(file, { journal: 'truncate', secureDelete: true });
  database.exec('PRAGMA synchronous = OFF');
  return database;
}

/** Opens a database that is closed after the test. */
function openWithRemains(t: TestContext, file: string): Pick<WithRemains, 'database' | 'remains'> {
  const [database, remains] = [openRows(file), new SqliteRemains(file)];
  t.after(() => {
    database.close();
    remains[Symbol.dispose]();
  });
  return { database, remains };
}

/** Inserts and deletes rows until SQLite has left one behind. */
function leaveRemains(t: TestContext): WithRemains {
  const file = join(temporaryDirectory(t), 'rows.db');
  const { database, remains } = openWithRemains(t, file);
  database.exec(rowsTable);
  const next = numbers('rows');
  const deleted: Buffer[] = [];
  const isLeft = (): boolean => {
    const all = readFileSync(file);
    return deleted.some((bytes) => all.includes(bytes));
  };
  for (let i = 0; i < 20_000 && (i % 50 > 0 || !isLeft()); i++) {
    const [name, bytes] = [next(400), Buffer.alloc(60, createHash('sha256').update(String(i)).digest())];
    const found = database.get('SELECT bytes FROM rows WHERE name = ?', [name]);
    if (found === undefined) {
      database.run('INSERT INTO rows (name, bytes) VALUES (?, ?)', [name, bytes]);
    } else {
      database.run('DELETE FROM rows WHERE name = ?', [name]);
      deleted.push(Buffer.from(blobOf(found['bytes'])));
    }
  }
  assert.ok(isLeft(), 'with secure_delete SQLite leaves bytes of deleted rows: if it does not any more, this module can go');
  return { database, remains, isLeft };
}

test('rows that SQLite leaves behind are overwritten, the others stay, and no page that was read before brings them back', async (t) => {
  const { database, remains, isLeft } = leaveRemains(t);
  const rows = 'SELECT name, bytes FROM rows ORDER BY name';
  // All pages are in the memory of this connection from here on.
  const before = database.all(rows);
  await remains.overwrite();
  assert.ok(!isLeft());
  assert.deepEqual(database.all(rows), before);
  assert.equal(database.get('PRAGMA integrity_check')?.['integrity_check'], 'ok');
  database.run('UPDATE rows SET bytes = randomblob(length(bytes))');
  assert.ok(!isLeft());
});

test('nothing is overwritten in a file that was closed meanwhile', async (t) => {
  const { remains, isLeft } = leaveRemains(t);
  const overwritten = remains.overwrite();
  remains[Symbol.dispose]();
  await assert.rejects(overwritten);
  assert.ok(isLeft());
});

test('they are overwritten while rows are inserted in every turn, for which SQLite moves pages to where was looked already', async (t) => {
  const file = join(temporaryDirectory(t), 'rows.db');
  const next = numbers('moved');
  const insert = (into: Sqlite, count: number): void => {
    into.transaction(() => {
      for (let i = 0; i < count; i++) {
        into.run('INSERT OR IGNORE INTO rows VALUES (?, randomblob(60))', [next(1e9)]);
      }
    });
  };
  {
    using made = openRows(file);
    // The pages of this table come first in the file, and are free later. SQLite sorts the pages that it divides rows among by their numbers.
    made.exec(`CREATE TABLE first (bytes BLOB); INSERT INTO first VALUES (zeroblob(1000000)); ${rowsTable}`);
    insert(made, 400);
    made.exec('DROP TABLE first');
  }
  const left = Buffer.from('left behind');
  assert.ok(plantRemains(file, left) > 4);
  const { database, remains } = openWithRemains(t, file);
  let isDone = false;
  const overwrite = async (): Promise<void> => {
    await remains.overwrite();
    isDone = true;
  };
  const overwritten = overwrite();
  while (!isDone) {
    insert(database, 50);
    await nextTurn();
  }
  await overwritten;
  assert.ok(!readFileSync(file).includes(left));
  assert.equal(database.get('PRAGMA integrity_check')?.['integrity_check'], 'ok');
});
