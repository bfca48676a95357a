import { termsOf, type Query } from '../query/query.ts';

const snippetCharacters = 160;
const beforeCharacters = 40;

/** Returns the part of a text that shows a word that the query looks for, or its beginning. White space counts as one space. */
export function snippetOf(text: string, query: Query): string {
  const flat = text.replaceAll(/\s+/gu, ' ').trim();
  const lower = flat.toLowerCase();
  const at = termsOf(query)
    .flatMap(({ test }) => (test.by === 'phrase' ? test.words.slice(0, 1) : []))
    .map((word) => lower.indexOf(word))
    .find((place) => place >= 0);
  const start = Math.max(0, (at ?? 0) - beforeCharacters);
  const end = start + snippetCharacters;
  return `${start > 0 ? '…' : ''}${flat.slice(start, end)}${end < flat.length ? '…' : ''}`;
}
