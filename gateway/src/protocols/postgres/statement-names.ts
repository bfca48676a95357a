import type { SqlParser } from './guard/parser.ts';
import { tree, type Tree } from './guard/tree.ts';

/**
 * Statements that are not compared: the extension does not count PREPARE and DEALLOCATE, and the gateway sends the others on its own account too, or has a client's own settings among
 * them. Of EXECUTE the extension counts what was prepared, which its text does not say.
 */
const uncompared: ReadonlySet<string> = new Set(['PrepareStmt', 'DeallocateStmt', 'TransactionStmt', 'VariableSetStmt']);
const executing = /\banalyze\b/i;

/**
 * Returns a name for each statement of a text that is compared: its fingerprint, which statements have in common that differ only in their values. An EXECUTE has null in place of
 * a name. Null: the text cannot be read.
 */
export function namesOf(parser: SqlParser, text: string): readonly (string | null)[] | null {
  const statements = parser.statements(text);
  if (statements === null) {
    return null;
  }
  const bytes = Buffer.from(text);
  const names: (string | null)[] = [];
  for (const statement of statements) {
    const [kind = ''] = Object.keys(tree(statement['stmt']));
    const slice = sliceOf(bytes, statement);
    if (!uncompared.has(kind) && (kind !== 'ExplainStmt' || executing.test(slice))) {
      names.push(kind === 'ExecuteStmt' ? null : parser.fingerprint(slice));
    }
  }
  return names;
}

function sliceOf(bytes: Buffer, { stmt_location: from = 0, stmt_len: length }: Tree): string {
  const start = Number(from);
  return bytes.toString('utf8', start, typeof length === 'number' && length > 0 ? start + length : bytes.length);
}
