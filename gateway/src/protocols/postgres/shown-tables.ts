import type { RenderedTable } from '../../domain/record.ts';
import { ShownText } from './shown-text.ts';

interface GrowingTable extends RenderedTable {
  readonly rows: (readonly string[])[];
}

/** Collects the rows of an answer as tables, up to the same limit as their text. */
export class ShownTables extends ShownText {
  readonly #tables: GrowingTable[] = [];
  readonly #columnsBefore: readonly string[] | null;
  #hasLong = false;

  /** `columnsBefore` are those of the rows with which an answer begins that continues an earlier part. */
  constructor(columnsBefore: readonly string[] | null) {
    super();
    this.#columnsBefore = columnsBefore;
  }

  /** The tables. None if a row was too long to be one. */
  get tables(): readonly RenderedTable[] {
    return this.#hasLong ? [] : this.#tables;
  }

  override addColumns(names: readonly string[]): void {
    super.addColumns(names);
    this.#tables.push({ columns: names, rows: [] });
  }

  override addRow(cells: readonly string[]): void {
    if (!this.isFull) {
      this.#table().rows.push(cells);
    }
    super.addRow(cells);
  }

  override addLong(text: string): void {
    super.addLong(text);
    this.#hasLong = true;
  }

  override goOn(text: string): void {
    super.goOn(text);
    this.#hasLong = true;
  }

  #table(): GrowingTable {
    const last = this.#tables.at(-1) ?? { columns: this.#columnsBefore, rows: [] };
    if (this.#tables.length === 0) {
      this.#tables.push(last);
    }
    return last;
  }
}
