import type { Schemas } from '../../api/schema.ts';

type Severity = 'error' | 'warning' | 'info';

/** Something that the gateway says of a policy, at its place. */
export type Finding = Schemas['PolicyProblem'] & { readonly severity: Severity };

interface Checked {
  readonly problems: readonly Schemas['PolicyProblem'][];
  readonly conflicts: readonly Schemas['PolicyProblem'][];
  readonly warnings: readonly Schemas['PolicyProblem'][];
}

/** Returns all that a check says, the gravest first. */
export function findingsOf({ problems, conflicts, warnings }: Checked): readonly Finding[] {
  const as = (found: readonly Schemas['PolicyProblem'][], severity: Severity): readonly Finding[] => found.map((each) => ({ ...each, severity }));
  return [...as(problems, 'error'), ...as(conflicts, 'warning'), ...as(warnings, 'info')];
}

/** Returns where in a text a finding is: from its place to the end of the word there, or of the line. Columns count characters. */
export function rangeOf(text: string, { line, column }: Pick<Finding, 'line' | 'column'>): { readonly from: number; readonly to: number } {
  if (line === null) {
    return { from: 0, to: 0 };
  }
  const lines = text.split('\n');
  const at = Math.min(line, lines.length) - 1;
  const start = lines.slice(0, at).reduce((sum, each) => sum + each.length + 1, 0);
  const present = lines[at] ?? '';
  const before = Array.from(present)
    .slice(0, (column ?? 1) - 1)
    .join('').length;
  const [word = ''] = /^[@"]?[\w.]+"?/.exec(present.slice(before)) ?? [];
  return { from: start + before, to: start + (word === '' ? present.length : before + word.length) };
}
