import { escapeControls } from './terminal.ts';

/** A cell that begins so would be a formula in a spreadsheet, in some languages also with the wide form of the sign (ATTACKS C30). */
const formula = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/u;

/** Writes a line of CSV (RFC 4180, without its end). Lists and objects are written as JSON. No cell is a formula: one that would be begins with an apostrophe. Controls are escaped. */
export function csvLine(cells: readonly unknown[]): string {
  return cells.map(cellOf).join(',');
}

function cellOf(value: unknown): string {
  const text = value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  const safe = escapeControls(formula.test(text) && typeof value === 'string' ? `'${text}` : text, 'lines');
  return /[",\n]/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
