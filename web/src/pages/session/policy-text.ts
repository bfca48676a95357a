/** A line with which a policy begins in the text of a version: the name of one of a file, or the id of a grant. */
const beginning = /^\/\/ \S+\.cedar:\S+$|^@id\("grant:/;

/** Returns the text of a policy out of that of all policies of a version; null if it is not in it. */
export function policyIn(version: string, policy: string): string | null {
  const lines = version.split('\n');
  const from = lines.findIndex((line) => line === `// ${policy}` || line.startsWith(`@id(${JSON.stringify(policy)})`));
  const next = lines.findIndex((line, at) => at > from && beginning.test(line));
  return from === -1
    ? null
    : lines
        .slice(from, next === -1 ? undefined : next)
        .join('\n')
        .trim();
}
