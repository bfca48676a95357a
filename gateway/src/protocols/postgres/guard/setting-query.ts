import { constantText, isColumn, list, names, ofType, type Tree } from './tree.ts';

/** Returns the setting of which a query reads the row of pg_settings, and no other row; null if it reads something else. */
export function settingOf({ fromClause, whereClause }: Tree): string | null {
  const [from, ...more] = list(fromClause).map((node) => ofType(node, 'RangeVar'));
  const where = ofType(whereClause, 'A_Expr');
  const isOne = more.length === 0 && from?.['relname'] === 'pg_settings' && (from['schemaname'] === undefined || from['schemaname'] === 'pg_catalog');
  const isEqual = where?.['kind'] === 'AEXPR_OP' && names(where['name']).join('.') === '=' && isColumn(where['lexpr'], 'name');
  return isOne && isEqual && from['alias'] === undefined ? constantText(where['rexpr']) : null;
}
