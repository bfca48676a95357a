import { isTree, list, names, ofType, textOf, type Tree } from './tree.ts';

/** Returns whether a condition holds for every row, or for every row or none: it is absent, it names no column, or it compares something with itself. */
export function isEveryRow(condition: unknown): boolean {
  if (condition === undefined) {
    return true;
  }
  const bool = ofType(condition, 'BoolExpr');
  if (bool !== null) {
    const parts = list(bool['args']);
    switch (textOf(bool['boolop'])) {
      case 'AND_EXPR':
        return parts.every(isEveryRow);
      case 'OR_EXPR':
        return parts.some(isEveryRow);
      default:
        return parts.every(isEveryRow) || parts.some(neverHolds);
    }
  }
  return !namesColumn(condition) || comparesWithItself(condition, ['=', '<=', '>=']);
}

/** Returns whether a condition compares something with itself so that it holds for no row. */
function neverHolds(condition: unknown): boolean {
  return comparesWithItself(condition, ['<>', '!=', '<', '>']);
}

function comparesWithItself(condition: unknown, operators: readonly string[]): boolean {
  const comparison: Tree | null = ofType(condition, 'A_Expr');
  return (
    comparison !== null &&
    operators.includes(names(comparison['name']).at(-1) ?? '') &&
    textOf(comparison['kind']) === 'AEXPR_OP' &&
    withoutPlaces(comparison['lexpr']) === withoutPlaces(comparison['rexpr'])
  );
}

function withoutPlaces(node: unknown): string {
  return JSON.stringify(node ?? null, (name, value: unknown) => (name === 'location' ? undefined : value));
}

/** Returns whether an expression refers to the row: to a column, or to the position of a cursor. */
function namesColumn(node: unknown): boolean {
  if (Array.isArray(node)) {
    return node.some(namesColumn);
  }
  return isTree(node) && Object.entries(node).some(([type, value]) => type === 'ColumnRef' || type === 'CurrentOfExpr' || namesColumn(value));
}
