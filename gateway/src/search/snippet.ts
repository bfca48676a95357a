import type { Query } from '../query/query.ts';

const snippetCharacters = 160;
const beforeCharacters = 40;

/** Returns the part of a text that shows a word that the query looks for, or its beginning. White space counts as one space. */
export function snippetOf(text: string, query: Query): string {
  const flat = text.replaceAll(/\s+/gu, ' ').trim();
  const at = phrasesOf(query)
    .map(([word = '']) => flat.toLowerCase().indexOf(word))
    .find((place) => place >= 0);
  const start = Math.max(0, (at ?? 0) - beforeCharacters);
  const end = start + snippetCharacters;
  return `${start > 0 ? '…' : ''}${flat.slice(start, end)}${end < flat.length ? '…' : ''}`;
}

function phrasesOf(query: Query): readonly (readonly string[])[] {
  switch (query.is) {
    case 'and':
    case 'or':
      return query.parts.flatMap(phrasesOf);
    case 'term':
      return query.test.by === 'phrase' ? [query.test.words] : [];
    default:
      return [];
  }
}
