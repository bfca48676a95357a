import { closeSync, copyFileSync, fstatSync, lstatSync, mkdtempSync, openSync, readSync, rmSync, statSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { isUnfinished, openSqliteReadOnly, openSqliteRecovered, type Sqlite } from './sqlite.ts';

const copyAttempts = 3;
const copyBytesMax = 4 * 1024 ** 3;
const headerBytes = 20;
const headerText = 'SQLite format 3\0';
/** The file format versions of a database that has a rollback journal beside it, and no write-ahead log. */
const formatVersions = [1, 1];
const journalMagic = Buffer.from('d9d505f920a163d7', 'hex');

export interface FoundSqlite extends Disposable {
  readonly database: Sqlite;
}

/**
 * A database of journal mode `truncate` that somebody else may have changed, to look at: no file is made or changed where it is. Where a change was left unfinished it
 * is as the next one who writes would find it. Errors: `store_damaged`.
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

/** Only whoever may write can take back an unfinished change: that is done to a copy. */
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

/** Both as they were at one moment. */
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

/** A journal of several databases ends in the name of another file, which SQLite removes when it is done. A gateway never writes such a one. */
function assertNamesNoOther(journal: string): void {
  const end = readPart(journal, Math.max(0, statSync(journal).size - journalMagic.length), journalMagic.length);
  if (end.equals(journalMagic)) {
    throw damaged(journal, 'it names another file');
  }
}

/** SQLite would make files beside a database that has a write-ahead log. */
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
