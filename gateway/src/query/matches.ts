import { formsOf } from './fields.ts';
import { specialFields, type Bound, type Query, type Term, type ValueTest } from './query.ts';

/** A record as a query sees it. */
export interface Facts {
  readonly timeMs: number;
  /** The values of each field, by its name. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** The words of the record's text, in order. */
  readonly words: readonly string[];
}

/** Returns whether a query holds for a record. */
export function matches(query: Query, facts: Facts): boolean {
  switch (query.is) {
    case 'all':
      return true;
    case 'and':
      return query.parts.every((part) => matches(part, facts));
    case 'or':
      return query.parts.some((part) => matches(part, facts));
    case 'not':
      return !matches(query.part, facts);
    case 'term':
      return holds(query, facts);
    default:
      return query satisfies never;
  }
}

function holds({ field, test }: Term, { timeMs, values, words }: Facts): boolean {
  if (field === specialFields.time) {
    return test.by === 'range' && isWithin(test, timeMs);
  }
  if (test.by === 'phrase') {
    return holdsPhrase(words, test.words);
  }
  return (values.get(field) ?? []).some((value) => passes(field, test, value));
}

/** Returns whether a value of a field passes a test. */
export function passes(field: string, test: ValueTest, value: string): boolean {
  switch (test.by) {
    case 'equal':
      return formsOf(field, value).includes(test.value);
    case 'like':
      return formsOf(field, value).some((form) => isLike(form, test.texts));
    case 'range':
      return value !== '' && isWithin(test, Number(value));
    case 'phrase':
      return false;
    case 'none':
      return !test.tests.some((each) => passes(field, each, value));
    default:
      return test satisfies never;
  }
}

/** Returns whether a number is in a range. */
export function isWithin({ least, most }: { readonly least: Bound | null; readonly most: Bound | null }, value: number): boolean {
  return (
    (least === null || value > least.value || (least.isIn && value === least.value)) &&
    (most === null || value < most.value || (most.isIn && value === most.value))
  );
}

/** Returns whether a value has the texts in this order, the first at its beginning and the last at its end. The work is proportional to its length. */
function isLike(value: string, texts: readonly string[]): boolean {
  const [first = '', ...rest] = texts;
  const last = rest.pop();
  if (last === undefined) {
    return value === first;
  }
  if (!value.startsWith(first) || !value.endsWith(last) || value.length < first.length + last.length) {
    return false;
  }
  let at = first.length;
  for (const text of rest) {
    const found = value.indexOf(text, at);
    if (found < 0) {
      return false;
    }
    at = found + text.length;
  }
  return at <= value.length - last.length;
}

function holdsPhrase(words: readonly string[], [first = '', ...rest]: readonly string[]): boolean {
  for (let at = words.indexOf(first); at >= 0; at = words.indexOf(first, at + 1)) {
    if (rest.every((word, i) => words[at + 1 + i] === word)) {
      return true;
    }
  }
  return false;
}
