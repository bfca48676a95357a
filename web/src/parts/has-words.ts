/** Returns whether the texts of an entry have each word of a filter, whatever their case. */
export function hasWords(filter: string, ...texts: readonly string[]): boolean {
  const all = texts.join('\n').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
