import { fstatSync, readSync } from 'node:fs';

/** Pages are read so many at a time. */
const pagesAtOnce = 256;
const fileHeaderBytes = 100;
/** The types of pages that hold rows, with the lengths of their headers: https://sqlite.org/fileformat.html#b_tree_pages */
const headerBytes: ReadonlyMap<number, number> = new Map([
  [2, 12],
  [5, 12],
  [10, 8],
  [13, 8],
]);

/**
 * Returns the bytes of rows that are left in unused parts of an SQLite database. With `secure_delete` SQLite overwrites each row that is deleted, and not
 * the copies that stay behind in a page when it moves rows to another one. `fd` is the open file, to which nobody writes meanwhile. It must not be closed while this process has the database open: that would end SQLite's locks.
 */
export function readRemains(fd: number): Buffer {
  const head = Buffer.alloc(fileHeaderBytes);
  if (readSync(fd, head, 0, fileHeaderBytes, 0) < fileHeaderBytes) {
    return Buffer.alloc(0);
  }
  // The length 65536 is written as 1.
  const pageBytes = head.readUInt16BE(16) === 1 ? 65_536 : head.readUInt16BE(16);
  const { size } = fstatSync(fd);
  const slice = Buffer.alloc(pageBytes * pagesAtOnce);
  const found: Buffer[] = [];
  for (let at = 0; at < size; at += slice.length) {
    const length = readSync(fd, slice, 0, slice.length, at);
    for (let page = 0; page + pageBytes <= length; page += pageBytes) {
      const unused = unusedPart(slice.subarray(page, page + pageBytes), at + page === 0 ? fileHeaderBytes : 0);
      if (hasRows(unused, pageBytes)) {
        found.push(Buffer.from(unused));
      }
    }
  }
  return Buffer.concat(found);
}

/** Returns what lies between the pointers of a page to its rows, and its rows. */
function unusedPart(page: Buffer, header: number): Buffer {
  const length = headerBytes.get(page.readUInt8(header));
  if (length === undefined) {
    return page.subarray(0, 0);
  }
  const begin = header + length + 2 * page.readUInt16BE(header + 3);
  // The offset 65536 is written as 0.
  return page.subarray(begin, page.readUInt16BE(header + 5) || page.length);
}

/** Old pointers are left there too, and each of them is an offset in the page. */
function hasRows(unused: Buffer, pageBytes: number): boolean {
  for (let at = 0; at + 2 <= unused.length; at += 2) {
    if (unused.readUInt16BE(at) > pageBytes) {
      return true;
    }
  }
  return false;
}
