import { escapeControls, printJson } from './terminal.ts';

/** Options of every command that prints a list. */
export interface RowOptions {
  readonly json?: boolean;
}

/** Prints rows as they come: with `--json` one JSON object in each line, otherwise the text that `describe` makes. Controls are escaped. Resolves with the number of rows. */
export async function printRows<Row>(rows: AsyncIterable<Row> | Iterable<Row>, { json }: RowOptions, describe: (row: Row) => string): Promise<number> {
  let count = 0;
  for await (const row of rows) {
    count += 1;
    if (json === true) {
      printJson(row);
    } else {
      console.log(describe(row));
    }
  }
  return count;
}

/** Formats a line of a table. A dash stands for an empty value. */
export function columns(...values: readonly (string | readonly string[])[]): string {
  return values.map((value) => escapeControls(typeof value === 'string' ? value : value.join(','), 'nothing') || '-').join('  ');
}
