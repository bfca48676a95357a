/** Returns the term of a query that holds for records in which a field has a value, whatever characters that has. */
export function queryTerm(field: string, value: string): string {
  return `${field}:"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
