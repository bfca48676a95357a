import { passes, isWithin } from '../query/matches.ts';
import { specialFields, termsOf, type Query, type Term } from '../query/query.ts';
import { allRows, type Block } from './block.ts';
import { RowSet } from './row-set.ts';

/** To look into a block counts as so many bytes of a turn. */
export const blockCost = 64 * 1024;

/**
 * Finds the rows of a block for which a query holds. The index does not know the order of words, so with a phrase of several words the answer is a limit: `most` has all rows for which the
 * query may hold, `least` only such for which it holds.
 */
export function findRows(query: Query, block: Block, limit: 'most' | 'least'): RowSet {
  switch (query.is) {
    case 'all':
      return allRows(block);
    case 'and': {
      const [first, ...rest] = query.parts.filter((part) => !holdsForAll(part, block)).toSorted((a, b) => costOf(a) - costOf(b));
      const rows = first === undefined ? allRows(block) : findRows(first, block, limit);
      for (const part of rest) {
        if (rows.isEmpty) {
          break;
        }
        rows.keep(findRows(part, block, limit));
      }
      return rows;
    }
    case 'or': {
      const rows = new RowSet();
      for (const part of query.parts) {
        rows.addAll(findRows(part, block, limit));
      }
      return rows;
    }
    case 'not': {
      const rows = allRows(block);
      rows.remove(findRows(query.part, block, limit === 'most' ? 'least' : 'most'));
      return rows;
    }
    case 'term':
      return rowsOfTerm(query, block, limit);
    default:
      return query satisfies never;
  }
}

/** Returns whether the index alone knows for which records a query holds. */
export function isExact(query: Query): boolean {
  return termsOf(query).every(({ test }) => test.by !== 'phrase' || test.words.length === 1);
}

/** Returns whether the times of a block alone say that a query holds for all of its rows. */
function holdsForAll(query: Query, { firstMs, lastMs }: Block): boolean {
  return (
    query.is === 'term' && query.field === specialFields.time && query.test.by === 'range' && isWithin(query.test, firstMs) && isWithin(query.test, lastMs)
  );
}

function rowsOfTerm(query: Term, block: Block, limit: 'most' | 'least'): RowSet {
  const { field, test } = query;
  if (test.by === 'phrase') {
    return test.words.length > 1 && limit === 'least' ? new RowSet() : rowsWithWords(test.words, block);
  }
  if (field === specialFields.time && test.by === 'range') {
    if (holdsForAll(query, block)) {
      return allRows(block);
    }
    if ((test.most !== null && block.firstMs > test.most.value) || (test.least !== null && block.lastMs < test.least.value)) {
      return new RowSet();
    }
  }
  return block.rowsWith(field, (value) => passes(field, test, value));
}

function rowsWithWords([first = '', ...rest]: readonly string[], block: Block): RowSet {
  const rows = block.rowsWithWord(first);
  for (const word of rest) {
    if (rows.isEmpty) {
      break;
    }
    rows.keep(block.rowsWithWord(word));
  }
  return rows;
}

/** The lower, the earlier a part is looked up: first those that are cheap and leave few rows. */
function costOf(query: Query): number {
  return query.is !== 'term' ? 2 : query.field === specialFields.time ? 0 : query.test.by === 'equal' || query.test.by === 'phrase' ? 1 : 3;
}
