import { closeSync, fdatasync, fstatSync, openSync, read, readSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { GatewayError } from '../domain/errors.ts';
import { changePastSqlite } from './sqlite.ts';
import { systemErrorWords } from './system-error.ts';

const readLater = promisify(read);
const syncLater = promisify(fdatasync);

/** So many pages are read, or overwritten, in one turn of the event loop. */
const pagesAtOnce = 256;
/** A change of the file in the middle of an attempt ends it. After so many the rest is done in one turn. */
const attemptsMax = 10;
const fileHeaderBytes = 100;
const pageBytesMin = 512;
/** Where the header has the length of a page, the number of changes, and something other than zero if the database has `auto_vacuum`: https://sqlite.org/fileformat.html#the_database_header */
const pageBytesAt = 16;
const changesAt = 24;
const autoVacuumAt = 52;
/**
 * The types of pages that hold rows, with the lengths of their headers: https://sqlite.org/fileformat.html#b_tree_pages. The first byte of each other page is the highest byte of the number of a
 * page, so it is less than these types where there are fewer than `pagesMax` pages.
 */
const headerBytes: ReadonlyMap<number, number> = new Map([
  [2, 12],
  [5, 12],
  [10, 8],
  [13, 8],
]);
const pagesMax = 2 ** 25;
const pageBytesMax = 65_536;
const zeros = Buffer.alloc(pageBytesMax);

/**
 * The bytes of rows that are left in unused parts of an SQLite database of journal mode `truncate`. With `secure_delete` SQLite overwrites each row that is deleted, and not the copies that
 * stay behind in a page when it moves rows to another one. Only the thread that owns this may write to the database. To be disposed of after all connections of this process: to close the descriptor ends SQLite's locks.
 */
export class SqliteRemains implements Disposable {
  readonly #file: string;
  #fd: number | null;

  constructor(file: string) {
    this.#file = file;
    this.#fd = openSync(file, 'r+');
  }

  /**
   * Overwrites them with zeros. The database is read without a lock, a slice in each turn of the event loop. It may be changed meanwhile: what rows that are moved then leave behind is left for the next call. Rejects
   * with GatewayError `cannot_record`, `store_damaged` or `limit_exceeded`; then some are still there, and it has to be called again.
   */
  async overwrite(): Promise<void> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (await this.#overwriteAsFound()) {
        await this.#sync();
        return;
      }
    }
    const { pages } = this.#form();
    this.#overwriteIn(Array.from({ length: pages }, (_, page) => page));
    await this.#sync();
  }

  [Symbol.dispose](): void {
    if (this.#fd !== null) {
      closeSync(this.#fd);
      this.#fd = null;
    }
  }

  /** Returns false if the database was changed in the middle: SQLite may have moved a page to where this had looked before. */
  async #overwriteAsFound(): Promise<boolean> {
    let { changes } = this.#form();
    const found = await this.#find();
    while (this.#form().changes === changes) {
      this.#overwriteIn(found.splice(0, pagesAtOnce));
      if (found.length === 0) {
        return true;
      }
      ({ changes } = this.#form());
      await nextTurn();
    }
    return false;
  }

  /** Returns the pages that have something in their unused parts. */
  async #find(): Promise<number[]> {
    const { pageBytes, pages } = this.#form();
    const slice = Buffer.alloc(pageBytes * pagesAtOnce);
    const found: number[] = [];
    for (let from = 0; from < pages; from += pagesAtOnce) {
      const { bytesRead } = await readLater(this.#open(), slice, 0, slice.length, from * pageBytes);
      for (let at = 0; at + pageBytes <= bytesRead; at += pageBytes) {
        const page = from + at / pageBytes;
        if (findRemains(slice.subarray(at, at + pageBytes), page) !== null) {
          found.push(page);
        }
      }
    }
    return found;
  }

  #overwriteIn(pages: readonly number[]): void {
    if (pages.length === 0) {
      return;
    }
    changePastSqlite(this.#file, () => {
      const fd = this.#open();
      const { pageBytes } = this.#form();
      const bytes = Buffer.alloc(pageBytes);
      for (const page of pages) {
        const remains = readSync(fd, bytes, 0, pageBytes, page * pageBytes) === pageBytes ? findRemains(bytes, page) : null;
        if (remains !== null) {
          this.#requireNoRows(bytes, page, remains);
          this.#write(page * pageBytes, remains);
        }
      }
    });
  }

  /** A row is outside of what is overwritten, unless the page is damaged. SQLite may still be able to read it. Throws GatewayError `store_damaged`. */
  #requireNoRows(page: Buffer, number: number, { pointers, begin, end }: Remains): void {
    for (let at = pointers; at < begin; at += 2) {
      if (page.readUInt16BE(at) < end) {
        throw new GatewayError(
          'store_damaged',
          `Page ${number + 1} of ${this.#file} is damaged, so nothing tells there what was destroyed from what is kept. Restore the file from a backup.`,
        );
      }
    }
  }

  /** Throws GatewayError `cannot_record`. */
  #write(page: number, { begin, end }: Remains): void {
    try {
      // A write may end early where the next one fails.
      for (let at = begin; at < end;) {
        at += writeSync(this.#open(), zeros, 0, end - at, page + at);
      }
    } catch (cause) {
      throw this.#cannotWrite(cause);
    }
  }

  /** Rejects with GatewayError `cannot_record`. */
  async #sync(): Promise<void> {
    const fd = this.#open();
    try {
      await syncLater(fd);
    } catch (cause) {
      throw this.#cannotWrite(cause);
    }
  }

  #cannotWrite(cause: unknown): GatewayError {
    return new GatewayError('cannot_record', `${this.#file} cannot be written: ${systemErrorWords(cause) ?? 'it is not known why'}.`, { cause });
  }

  #form(): { readonly pageBytes: number; readonly pages: number; readonly changes: number } {
    const fd = this.#open();
    const head = Buffer.alloc(fileHeaderBytes);
    const length = readSync(fd, head, 0, fileHeaderBytes, 0);
    // The longest is written as 1.
    const pageBytes = head.readUInt16BE(pageBytesAt) === 1 ? pageBytesMax : head.readUInt16BE(pageBytesAt);
    if (length < fileHeaderBytes || pageBytes < pageBytesMin) {
      throw new GatewayError('store_damaged', `${this.#file} is no database any more. Restore it from a backup.`);
    }
    if (head.readUInt32BE(autoVacuumAt) !== 0) {
      throw new GatewayError(
        'store_damaged',
        `${this.#file} has auto_vacuum, which a gateway never gives it, so what was destroyed cannot be overwritten. Stop the gateway and run PRAGMA auto_vacuum = NONE; VACUUM; on the file.`,
      );
    }
    const pages = Math.floor(fstatSync(fd).size / pageBytes);
    if (pages >= pagesMax) {
      throw new GatewayError(
        'limit_exceeded',
        `${this.#file} has ${pages} pages; what was destroyed can be overwritten in a database with fewer than ${pagesMax}.`,
      );
    }
    return { pageBytes, pages, changes: head.readUInt32BE(changesAt) };
  }

  #open(): number {
    if (this.#fd === null) {
      throw new Error('the database was closed before all that was destroyed was overwritten');
    }
    return this.#fd;
  }
}

/** Says where in a page the pointers to its rows begin, and where bytes begin and end that belong to no row: they are between the pointers and the rows. */
interface Remains {
  readonly pointers: number;
  readonly begin: number;
  readonly end: number;
}

/** Returns null if it is nothing but zeros. */
function findRemains(page: Buffer, number: number): Remains | null {
  const header = number === 0 ? fileHeaderBytes : 0;
  const length = headerBytes.get(page.readUInt8(header));
  if (length === undefined) {
    return null;
  }
  const pointers = header + length;
  const begin = pointers + 2 * page.readUInt16BE(header + 3);
  // The offset 65536 is written as 0.
  const end = Math.min(page.readUInt16BE(header + 5) || page.length, page.length);
  return begin >= end || zeros.compare(page, begin, end, 0, end - begin) === 0 ? null : { pointers, begin, end };
}
