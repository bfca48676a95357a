import type { Schemas } from '../../api/schema.ts';

export type Table = NonNullable<NonNullable<Schemas['ShownRecord']['content']>['tables']>[number];

/** Joins the rows of the parts of an answer, which come in order: where a part begins with rows of the table of the part before, they are one table. */
export function joinTables(parts: readonly Schemas['ShownRecord'][]): readonly Table[] {
  const joined: Table[] = [];
  for (const { content } of parts) {
    const [first, ...rest] = content?.tables ?? [];
    const before = joined.at(-1);
    if (first !== undefined && before !== undefined && String(before.columns) === String(first.columns)) {
      joined.splice(-1, 1, { columns: before.columns, rows: [...before.rows, ...first.rows] }, ...rest);
    } else if (first !== undefined) {
      joined.push(first, ...rest);
    }
  }
  return joined;
}
