import type { Schemas } from '../../api/schema.ts';

type Row = Schemas['ComparedRequests'];

/** A difference, or what is the same between two of them. */
export type Folded = { readonly row: Row } | { readonly same: readonly Row[] };

/** Puts requests together that follow each other and are the same. */
export function fold(rows: readonly Row[]): readonly Folded[] {
  const folded: ({ readonly row: Row } | { readonly same: Row[] })[] = [];
  for (const row of rows) {
    const last = folded.at(-1);
    if (row.change !== 'same') {
      folded.push({ row });
    } else if (last !== undefined && 'same' in last) {
      last.same.push(row);
    } else {
      folded.push({ same: [row] });
    }
  }
  return folded;
}

/** Counts the requests with each change. */
export function countChanges(rows: readonly Row[]): ReadonlyMap<Row['change'], number> {
  const counts = new Map<Row['change'], number>();
  for (const { change } of rows) {
    counts.set(change, (counts.get(change) ?? 0) + 1);
  }
  return counts;
}
