import { closeSync, copyFileSync, fstatSync, lstatSync, mkdtempSync, openSync, readSync, rmSync, statSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { isUnfinished, openSqliteReadOnly, openSqliteRecovered, type Sqlite } from './sqlite.ts';

const copyAttempts = 3;
const copyBytesMax = 4 * 1024 ** 3;
const headerBytes = 20;
const headerText = 'SQLite format 3\0';
/** The two format versions in the file of a database that uses a rollback journal and no write-ahead log. */
const formatVersions = [1, 1];
const journalMagic = Buffer.from('d9d505f920a163d7', 'hex');

export interface FoundSqlite extends Disposable {
  readonly database: Sqlite;
}

/**
 * Opens a database of journal mode `truncate` for reading, as somebody else may have left it. No file is made or changed in its directory. If a change was left
 * unfinished, the database is read as the next writer would find it. Throws GatewayError `store_damaged`.
 */
export function openAsFound(file: string): FoundSqlite {
  assertForm(file);
  const database = openSqliteReadOnly(file);
  try {
    database.get('SELECT count(*) FROM sqlite_schema');
    return {
      database,
      [Symbol.dispose]: () => {
        database.close();
      },
    };
  } catch (error) {
    database.close();
    if (isUnfinished(error)) {
      return openCopy(file);
    }
    throw error;
  }
}

/** Opens a copy, because only a writer can take back an unfinished change. */
function openCopy(file: string): FoundSqlite {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-copy-'));
  const remove = (): void => {
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const copy = join(directory, 'copy');
    copyTogether([file, `${file}-journal`], [copy, `${copy}-journal`]);
    assertNamesNoOther(`${copy}-journal`);
    const database = openSqliteRecovered(copy);
    return {
      database,
      [Symbol.dispose]: () => {
        database.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/**
 * Copies the files as they were at one moment: if one of them changes meanwhile, all are copied again. Throws GatewayError `store_damaged` if they keep
 * changing.
 */
function copyTogether(files: readonly string[], copies: readonly string[]): void {
  for (let attempt = 0; attempt < copyAttempts; attempt++) {
    const before = files.map(statOf);
    files.forEach((file, i) => {
      copyFileSync(file, copies[i] ?? '');
    });
    if (files.every((file, i) => isSame(statOf(file), before[i]))) {
      return;
    }
  }
  throw damaged(files[0] ?? '', 'it changes while it is read');
}

function statOf(file: string): Stats {
  const stats = lstatSync(file);
  if (!stats.isFile() || stats.size > copyBytesMax) {
    throw damaged(file, 'it is no file, or too long');
  }
  return stats;
}

function isSame(stats: Stats, before: Stats | undefined): boolean {
  return stats.ino === before?.ino && stats.size === before.size && stats.mtimeMs === before.mtimeMs;
}

/**
 * Throws GatewayError `store_damaged` if the journal names another file. SQLite removes that file at the end of a change over several databases; a gateway
 * never makes such a change.
 */
function assertNamesNoOther(journal: string): void {
  const end = readPart(journal, Math.max(0, statSync(journal).size - journalMagic.length), journalMagic.length);
  if (end.equals(journalMagic)) {
    throw damaged(journal, 'it names another file');
  }
}

/** Throws GatewayError `store_damaged` if the database has a write-ahead log: SQLite would make files beside it. */
function assertForm(file: string): void {
  const header = readPart(file, 0, headerBytes);
  if (header.toString('latin1', 0, headerText.length) !== headerText || formatVersions.some((version, i) => header[headerText.length + 2 + i] !== version)) {
    throw damaged(file, 'it is not as a gateway writes it');
  }
}

function readPart(file: string, offset: number, length: number): Buffer {
  if (!statSync(file).isFile()) {
    throw damaged(file, 'it is no file');
  }
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(Math.min(length, fstatSync(fd).size));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(fd);
  }
}

function damaged(file: string, reason: string): GatewayError {
  return new GatewayError('store_damaged', `${file} cannot be read: ${reason}.`);
}
