/** Most lines that are kept of one failure. */
const linesMax = 15;

/**
 * Finds the failures in the output of one test file or of the checks: for each its title and the first lines of its error. `lines` is TAP if tests ran. A test
 * that failed only because of a test inside it is left out. If the output names no failed test (the file did not load, or the checks ran), its last lines are
 * returned.
 */
export function failuresIn(lines: readonly string[]): string[] {
  const failures = lines.flatMap((line, index) => {
    const [, indent, title] = /^( *)not ok \d+ - (.*)$/.exec(line) ?? [];
    if (indent === undefined || title === undefined) {
      return [];
    }
    const after = lines.slice(index + 1);
    const block = after.slice(0, after.indexOf(`${indent}  ...`)).map((text) => text.slice(indent.length));
    if (block.includes("  failureType: 'subtestsFailed'")) {
      return [];
    }
    const error = block.findIndex((text) => text.startsWith('  error: '));
    return [[title, ...block.slice(error).slice(0, linesMax)].join('\n')];
  });
  return failures.length > 0 ? failures : [lines.slice(-linesMax).join('\n')];
}
