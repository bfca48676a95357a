/** PostgreSQL's own types have lower ids, and always the same. */
export const ownTypesMax = 10_000;

/**
 * A text of SQL as the guard takes it from a client. If its Parse named types for its parameters that are not PostgreSQL's own, the ids of these stand before it, with
 * a zero character after them, which no text of SQL has: to read a value of such a type, a domain for instance, may run functions of its maker.
 */
export function sentText(text: string, types: readonly number[]): string {
  const others = types.filter((type) => type >= ownTypesMax);
  return others.length === 0 ? text : `${others.join(' ')}\0${text}`;
}

/** Returns the text of SQL and the ids that `sentText` put together. */
export function partsOfSent(sent: string): { readonly text: string; readonly types: readonly number[] } {
  const end = sent.indexOf('\0');
  const ids = end < 0 ? '' : sent.slice(0, end);
  return /^\d+(?: \d+)*$/.test(ids) ? { text: sent.slice(end + 1), types: ids.split(' ').map(Number) } : { text: sent, types: [] };
}
