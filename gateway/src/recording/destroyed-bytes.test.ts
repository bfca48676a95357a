import assert from 'node:assert/strict';
import { createHash, createSecretKey } from 'node:crypto';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqlite, openSqliteReadOnly } from '../store/sqlite.ts';
import { readRemains } from '../store/sqlite-remains.ts';
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

test('nothing of a destroyed secret is in the file, also where SQLite moved it to another page before', (t) => {
  const file = join(temporaryDirectory(t), 'keys.db');
  using keys = KeyStore.open(file, createSecretKey(Buffer.alloc(32, 1)));
  const raw = openSync(file, 'r');
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
    const bytes = readFileSync(file);
    assert.equal(doomed.filter((one) => bytes.includes(one)).length, 0, `round ${round}`);
  }
  // A start after a crash does not know what was destroyed already: the crash may have come before the file was written anew.
  keys.destroy({ keys: [], secrets: [[first, 1]] });
  keys.destroy({ keys: [], secrets: [[first, 1]] });
  assert.equal(readRemains(raw).length, 0);
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

test('rows that SQLite leaves behind are found, and are gone once the file is written anew', (t) => {
  const file = join(temporaryDirectory(t), 'rows.db');
  using database = openSqlite(file, { journal: 'truncate', secureDelete: true });
  // This file has no loss of power to survive.
  database.exec('PRAGMA synchronous = OFF');
  database.exec('CREATE TABLE rows (name INTEGER PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID');
  const raw = openSync(file, 'r');
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
  const remains = readRemains(raw);
  assert.ok(deleted.some((bytes) => remains.includes(bytes)));
  database.compact();
  assert.ok(!isLeft());
  assert.equal(readRemains(raw).length, 0);
});
