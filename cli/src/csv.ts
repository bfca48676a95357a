/** A cell that begins so would be a formula in a spreadsheet (ATTACKS C30). */
const formula = /^[=+\-@\t\r]/;

/** Writes a line of CSV (RFC 4180, without its end). Lists and objects are written as JSON. No cell is a formula: one that would be begins with an apostrophe. */
export function csvLine(cells: readonly unknown[]): string {
  return cells.map(cellOf).join(',');
}

function cellOf(value: unknown): string {
  const text = value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  const safe = formula.test(text) && typeof value === 'string' ? `'${text}` : text;
  return /[",\r\n]/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
