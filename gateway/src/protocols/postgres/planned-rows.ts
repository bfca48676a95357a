import { list, textOf, tree, type Tree } from './guard/tree.ts';

/** Deepest nesting of nodes of a plan that is read. */
const nodesDeepMax = 100;
const changing: ReadonlySet<string> = new Set(['Update', 'Delete', 'Merge']);
/** The places of the nodes that find the rows for one that changes them: `Member` before PostgreSQL 14, where each partition has its own. */
const finding: ReadonlySet<string> = new Set(['Outer', 'Member']);

/**
 * Returns how many rows a plan updates, deletes or merges, from the answer to `EXPLAIN (FORMAT JSON)`. Any text is acceptable; null if it is no such plan, changes no rows,
 * or says something that cannot be true.
 */
export function plannedRows(json: string): number | null {
  const counts = list(parsed(json)).flatMap((each) => changedRows(tree(tree(each)['Plan']), 1));
  const rows = counts.reduce((sum, count) => sum + count, 0);
  return counts.length > 0 && Number.isSafeInteger(rows) ? rows : null;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** Returns the number of rows of each node of a plan that changes rows, also of those in WITH. It is NaN where the plan does not say a number. */
function changedRows(node: Tree, deep: number): readonly number[] {
  if (deep > nodesDeepMax) {
    return [NaN];
  }
  const below = list(node['Plans']).map(tree);
  const isChange = node['Node Type'] === 'ModifyTable' && changing.has(textOf(node['Operation']));
  const found = isChange ? below.filter((each) => finding.has(textOf(each['Parent Relationship']))).map((each) => countOf(each['Plan Rows'])) : [];
  return [...found, ...below.flatMap((each) => changedRows(each, deep + 1))];
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? Math.round(value) : NaN;
}
