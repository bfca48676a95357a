import { cpus } from 'node:os';

/** Prints rows as a Markdown table, first row the head. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const [i, row] of rows.entries()) {
    console.log(`| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
    if (i === 0) {
      console.log(`| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
    }
  }
}

/** Prints date, machine and runtime of a measurement. */
export function printMachine(): void {
  const [cpu] = cpus();
  const runtime = process.versions['bun'] === undefined ? `Node ${process.versions.node}` : `Bun ${process.versions['bun']}`;
  console.log(`${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpu?.model ?? 'unknown'}, ${process.platform} ${process.arch}, ${runtime}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Two digits; empty where one of both was not measured. */
export function ratio(value: number = Number.NaN, of: number = Number.NaN): string {
  return Number.isNaN(value / of) ? '' : (value / of).toFixed(2);
}
