import { readFileSync, writeFileSync } from 'node:fs';

/** The types of pages that have rows, and the length of their header: https://sqlite.org/fileformat.html#b_tree_pages */
const leafTypes: ReadonlySet<number> = new Set([10, 13]);
const leafHeaderBytes = 8;

/**
 * Writes bytes, again and again, into the unused parts of an SQLite database that nobody has open: SQLite leaves bytes of rows there that it moves, too seldom for a test.
 * Returns in how many pages they are.
 */
export function plantRemains(file: string, left: Uint8Array): number {
  const bytes = readFileSync(file);
  const pageBytes = bytes.readUInt16BE(16);
  let pages = 0;
  // The first page has the schema alone.
  for (let at = pageBytes; at < bytes.length; at += pageBytes) {
    const page = bytes.subarray(at, at + pageBytes);
    const unused = leafTypes.has(page.readUInt8(0)) ? page.subarray(leafHeaderBytes + 2 * page.readUInt16BE(3), page.readUInt16BE(5)) : null;
    if (unused !== null && unused.length >= left.length) {
      unused.fill(left);
      pages += 1;
    }
  }
  writeFileSync(file, bytes);
  return pages;
}
