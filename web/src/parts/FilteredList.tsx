import { useState, type ReactNode } from 'react';
import { FilterField } from './FilterField.tsx';
import { hasWords } from './has-words.ts';

interface FilteredListProps<Entry> {
  readonly of: readonly Entry[];
  /** Returns the texts of an entry in which the words of the filter are looked for. */
  readonly textsOf: (entry: Entry) => readonly string[];
  /** The label of the filter, and what is said if there are no entries, or none with these words. */
  readonly words: { readonly filter: string; readonly none: string; readonly noneSo: string };
  /** Shows entries, of which there is at least one. */
  readonly children: (shown: readonly Entry[]) => ReactNode;
}

/** A list with a field that leaves the entries that have its words. */
export function FilteredList<Entry>({ of, textsOf, words, children }: FilteredListProps<Entry>): ReactNode {
  const [filter, setFilter] = useState('');
  const shown = of.filter((entry) => hasWords(filter, ...textsOf(entry)));
  return (
    <>
      {of.length > 0 && <FilterField label={words.filter} value={filter} onChange={setFilter} />}
      {shown.length > 0 ? children(shown) : <p role="status">{of.length === 0 ? words.none : words.noneSo}</p>}
    </>
  );
}
