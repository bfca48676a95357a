import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemorySqlite } from '../store/sqlite.ts';
import { BackupNotes, backupNotesSchema, describeBackups } from './backup-notes.ts';

test('an erasure names how many directories have backups, and since when', () => {
  using database = openMemorySqlite();
  database.exec(backupNotesSchema);
  const notes = new BackupNotes(database);
  assert.deepEqual(describeBackups(notes.all()), []);
  notes.add({ directory: 'a', atMs: 0, size: 1, isTold: true });
  notes.add({ directory: 'a', atMs: 86_400_000, size: 2, isTold: false });
  notes.add({ directory: 'b', atMs: 1000, size: 1, isTold: true });
  assert.deepEqual(describeBackups(notes.all()), ['backups in 2 directories, the first of 1970-01-01T00:00:00.000Z, the newest of 1970-01-02T00:00:00.000Z']);
  assert.deepEqual(
    notes.all().map(({ directory, untold }) => [directory, untold]),
    [
      ['b', 0],
      ['a', 1],
    ],
  );
  notes.told();
  assert.ok(notes.all().every(({ untold }) => untold === 0));
});
