import { escapeControls, printJson } from './terminal.ts';

/** Options of every command that lists. */
export interface RowOptions {
  readonly json?: boolean;
}

/** Prints rows as they come: for programs one JSON object a line, for people what `describe` makes of them, controls escaped. */
export async function printRows<Row>(rows: AsyncIterable<Row> | Iterable<Row>, { json }: RowOptions, describe: (row: Row) => string): Promise<void> {
  for await (const row of rows) {
    if (json === true) {
      printJson(row);
    } else {
      console.log(describe(row));
    }
  }
}

/** A line of a table: what has no value is a dash. */
export function columns(...values: readonly (string | readonly string[])[]): string {
  return values.map((value) => escapeControls(typeof value === 'string' ? value : value.join(','), 'nothing') || '-').join('  ');
}
