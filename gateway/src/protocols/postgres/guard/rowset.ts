/**
 * The columns that a value comes from, each as `schema.table.column`. The column `*` stands for any column of the table, and `*` alone for any column of the
 * target.
 */
export type Sources = ReadonlySet<string>;

export const noSources: Sources = new Set();
export const anySource: Sources = new Set(['*']);

/** A column of a result, with all that its values may hold. */
export interface Output {
  readonly name: string;
  readonly sources: Sources;
  /** True if the values are those of a column of a table, as they are there. */
  readonly isPlain: boolean;
}

/** The columns of a result. */
export interface Rowset {
  readonly columns: readonly Output[];
  /** Null: there are no other columns. Otherwise there may be more, anywhere, and this is where they come from. */
  readonly others: Sources | null;
}

export const noRows: Rowset = { columns: [], others: null };
export const anyRows: Rowset = { columns: [], others: anySource };

export function union(all: Iterable<Sources>): Sources {
  const filled = [...all].filter(({ size }) => size > 0);
  return filled.length > 1 ? new Set(filled.flatMap((each) => [...each])) : (filled[0] ?? noSources);
}

/** Returns where any value of a row comes from. */
export function sourcesOf({ columns, others }: Rowset): Sources {
  return union([...columns.map(({ sources }) => sources), others ?? noSources]);
}

/** Returns the rows of both. The names are those of the first. */
export function either(one: Rowset, other: Rowset): Rowset {
  if (one.others !== null || other.others !== null || one.columns.length !== other.columns.length) {
    const all = union([sourcesOf(one), sourcesOf(other)]);
    return { columns: one.columns.map(({ name }) => ({ name, sources: all, isPlain: false })), others: all };
  }
  return {
    columns: one.columns.map(({ name, sources, isPlain }, i) => ({
      name,
      sources: union([sources, other.columns[i]?.sources ?? noSources]),
      isPlain: isPlain && other.columns[i]?.isPlain === true,
    })),
    others: null,
  };
}

/** Returns the rows with other names for their first columns. */
export function renamed(rows: Rowset, names: readonly string[]): Rowset {
  const known = rows.columns.map((column, i) => ({ ...column, name: names[i] ?? column.name }));
  const added = rows.others === null ? [] : names.slice(known.length).map((name) => ({ name, sources: rows.others ?? noSources, isPlain: false }));
  return { columns: [...known, ...added], others: rows.others };
}

/** Returns the rows side by side. */
export function beside(all: readonly Rowset[]): Rowset {
  const others = all.flatMap((each) => each.others ?? []);
  return { columns: all.flatMap(({ columns }) => columns), others: others.length === 0 ? null : union(others) };
}
