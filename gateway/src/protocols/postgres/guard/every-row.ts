import type { FactsDraft } from './facts.ts';
import { isTree, list, names, ofType, textOf, type Tree } from './tree.ts';

/**
 * Returns whether a condition holds for every row, or for every row or none: it is absent, it names no column, or it compares something with itself. Notes in the draft
 * if the values of constants decide that.
 */
export function isEveryRow(condition: unknown, draft: FactsDraft): boolean {
  if (condition === undefined) {
    return true;
  }
  const bool = ofType(condition, 'BoolExpr');
  if (bool !== null) {
    const parts = list(bool['args']);
    switch (textOf(bool['boolop'])) {
      case 'AND_EXPR':
        return parts.every((part) => isEveryRow(part, draft));
      case 'OR_EXPR':
        return parts.some((part) => isEveryRow(part, draft));
      default:
        return parts.every((part) => isEveryRow(part, draft)) || parts.some((part) => comparesWithItself(part, ['<>', '!=', '<', '>'], draft));
    }
  }
  return !namesColumn(condition) || comparesWithItself(condition, ['=', '<=', '>='], draft);
}

/** Returns whether a condition compares something with itself by one of these operators. */
function comparesWithItself(condition: unknown, operators: readonly string[], draft: FactsDraft): boolean {
  const comparison: Tree | null = ofType(condition, 'A_Expr');
  if (comparison === null || !operators.includes(names(comparison['name']).at(-1) ?? '') || textOf(comparison['kind']) !== 'AEXPR_OP') {
    return false;
  }
  const [left, right] = [withoutPlaces(comparison['lexpr']), withoutPlaces(comparison['rexpr'])];
  draft.isOfConstants ||= left.includes('"A_Const"') && withoutPlaces(comparison['lexpr'], false) === withoutPlaces(comparison['rexpr'], false);
  return left === right;
}

/** Prints a part of a tree without the places of its nodes in the text, and if wanted without the values of its constants. */
function withoutPlaces(node: unknown, withValues = true): string {
  return JSON.stringify(node ?? null, (name, value: unknown) => (name === 'location' || (name === 'A_Const' && !withValues) ? 0 : value));
}

/** Returns whether an expression refers to the row: to a column, or to the position of a cursor. */
function namesColumn(node: unknown): boolean {
  if (Array.isArray(node)) {
    return node.some(namesColumn);
  }
  return isTree(node) && Object.entries(node).some(([type, value]) => type === 'ColumnRef' || type === 'CurrentOfExpr' || namesColumn(value));
}
