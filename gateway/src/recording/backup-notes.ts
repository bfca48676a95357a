import { countOf } from '../domain/count-of.ts';
import { openSqlite, type Sqlite } from '../store/sqlite.ts';
import { untellWraps } from './wraps.ts';

/** One row for each directory, because a backup replaces the keys of the one before it there. `untold` is the number of those that are not on record yet. */
export const backupNotesSchema = `
  CREATE TABLE IF NOT EXISTS backups (
    directory TEXT PRIMARY KEY, first INTEGER NOT NULL, newest INTEGER NOT NULL, size INTEGER NOT NULL, untold INTEGER NOT NULL DEFAULT 0) STRICT;
`;

/** The backups that were made into one directory. Each may be elsewhere by now. */
export interface BackupNote {
  /** The SHA-256 of the path of the directory, in hex. */
  readonly directory: string;
  /** Unix ms of the first and of the newest. */
  readonly firstMs: number;
  readonly newestMs: number;
  /** The number of records in the newest. */
  readonly size: number;
  /** The number of those that were made while no gateway ran, and are not on record yet. */
  readonly untold: number;
}

/** Which copies of the key store were made, so that who destroys a key can say where it may still be. */
export class BackupNotes {
  readonly #database: Sqlite;

  constructor(database: Sqlite) {
    this.#database = database;
  }

  /** Notes a backup before it is made. Throws GatewayError `cannot_record`. */
  add({ directory, atMs, size, isTold }: { readonly directory: string; readonly atMs: number; readonly size: number; readonly isTold: boolean }): void {
    this.#database.run(
      `INSERT INTO backups (directory, first, newest, size, untold) VALUES (?1, ?2, ?2, ?3, ?4)
       ON CONFLICT (directory) DO UPDATE SET newest = ?2, size = ?3, untold = untold + ?4`,
      [directory, atMs, size, isTold ? 0 : 1],
    );
  }

  all(): readonly BackupNote[] {
    return this.#database.all('SELECT directory, first, newest, size, untold FROM backups ORDER BY newest').map((row) => ({
      directory: String(row['directory']),
      firstMs: Number(row['first']),
      newestMs: Number(row['newest']),
      size: Number(row['size']),
      untold: Number(row['untold']),
    }));
  }

  /** Notes that all are on record. Throws GatewayError `cannot_record`. */
  told(): void {
    this.#database.run('UPDATE backups SET untold = 0 WHERE untold > 0');
  }
}

/** Says, for the record of an erasure, which backups may still hold the keys that are destroyed: one sentence, or none if there was no backup. */
export function describeBackups(notes: readonly BackupNote[]): readonly string[] {
  if (notes.length === 0) {
    return [];
  }
  const iso = (ms: number): string => new Date(ms).toISOString();
  const [first, newest] = [Math.min(...notes.map(({ firstMs }) => firstMs)), Math.max(...notes.map(({ newestMs }) => newestMs))];
  return [`backups in ${countOf(notes.length, 'directory', 'directories')}, the first of ${iso(first)}, the newest of ${iso(newest)}`];
}

/** Writes a copy of a key store for the backup of a log of `size` records to a new file, while the store goes on. */
export async function copyKeys(keys: Sqlite, file: string, size: number): Promise<void> {
  await keys.copyTo(file);
  using copy = openSqlite(file, { journal: 'truncate', secureDelete: true });
  // The journal of the backup ends there, and a start on it must not take it for an older one.
  copy.run('UPDATE log_seen SET size = min(size, ?)', [size]);
  // Who verifies the backup sees which wraps count. The rest that was told to a longer log is taken back by a start.
  untellWraps(copy, size);
}
