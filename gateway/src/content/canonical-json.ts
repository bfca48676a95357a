/**
 * Prints JSON as RFC 8785 does: members in the order of the UTF-16 code units of their names, no white space. Members that are undefined are left out, as `JSON.stringify`
 * does, and numbers of `parseExactNumbers` are printed as they were written. The depth of the value is limited by who read or made it.
 */
export function printCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(printCanonicalJson).join()}]`;
  }
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) {
    return JSON.stringify(value);
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${printCanonicalJson(member)}`)
    .join()}}`;
}
