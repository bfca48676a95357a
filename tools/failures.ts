/** Of each failure so many lines are kept. */
const linesMax = 15;

/**
 * What went wrong according to the output of one test file or of the checks, each failure as its title and the first lines of its error. `lines` is TAP where tests ran. A test that failed only because
 * one inside it did is left out. Output that names no failed test (the file did not load, or it is the checks) gives its last lines.
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
