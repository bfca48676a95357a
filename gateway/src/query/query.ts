/** A query over records, as `parseQuery` reads it. */
export type Query =
  | { readonly is: 'all' }
  | { readonly is: 'and' | 'or'; readonly parts: readonly Query[] }
  | { readonly is: 'not'; readonly part: Query }
  | Term;

/** Asks about one field. It holds for a record if one of the field's values passes the test. */
export interface Term {
  readonly is: 'term';
  /** A name of `queryFields`, the name of an attribute, or one of `specialFields`. */
  readonly field: string;
  readonly test: ValueTest;
}

/**
 * `equal`: the value as it is written. `like`: the texts between the stars. `range`: numbers, or times in ms since 1970; null: without this end. `phrase`: words that
 * follow one another in the text of the record. `none`: passes none of the tests.
 */
export type ValueTest =
  | { readonly by: 'equal'; readonly value: string }
  | { readonly by: 'like'; readonly texts: readonly string[] }
  | { readonly by: 'range'; readonly least: Bound | null; readonly most: Bound | null }
  | { readonly by: 'phrase'; readonly words: readonly string[] }
  | { readonly by: 'none'; readonly tests: readonly ValueTest[] };

export interface Bound {
  readonly value: number;
  /** True if the value itself is in the range. */
  readonly isIn: boolean;
}

/** The fields that are no values of a record: its time, and the words of its text. */
export const specialFields = { time: 'time', text: 'text' } as const;

/** Holds for every record. */
export const everything: Query = { is: 'all' };
/** Holds for no record. */
export const nothing: Query = { is: 'or', parts: [] };

export function isEverything(query: Query): boolean {
  return query.is === 'all';
}

export function isNothing(query: Query): boolean {
  return query.is === 'or' && query.parts.length === 0;
}

/** Returns the query that holds where one of the parts does. */
export function either(parts: readonly Query[]): Query {
  return parts.some(isEverything) ? everything : joined('or', parts);
}

/** Returns the query that holds where all parts do. */
export function both(parts: readonly Query[]): Query {
  return parts.some(isNothing) ? nothing : joined('and', parts);
}

/** Returns the query that holds where another does not. */
export function except(query: Query): Query {
  return isEverything(query) ? nothing : isNothing(query) ? everything : { is: 'not', part: query };
}

function joined(is: 'and' | 'or', parts: readonly Query[]): Query {
  const needed = parts.filter((part) => !(is === 'and' ? isEverything : isNothing)(part));
  const [only] = needed;
  return only === undefined ? (is === 'and' ? everything : nothing) : needed.length === 1 ? only : { is, parts: needed };
}

/** Returns all terms of a query, also those under `not`. */
export function termsOf(query: Query): readonly Term[] {
  switch (query.is) {
    case 'and':
    case 'or':
      return query.parts.flatMap(termsOf);
    case 'not':
      return termsOf(query.part);
    case 'term':
      return [query];
    default:
      return [];
  }
}

/** Returns the values of a field that a query names as a whole. */
export function namedValues(query: Query, wanted: string): readonly string[] {
  return termsOf(query).flatMap(({ field, test }) => (field === wanted && test.by === 'equal' ? [test.value] : []));
}

/** A query that cannot be read. `at` and `end` are places in its text, in UTF-16 units. */
export interface QueryError {
  readonly at: number;
  readonly end: number;
  readonly message: string;
}

/** Says that a query cannot be read, and points at the place. */
export class UnreadableQuery extends Error {
  readonly place: QueryError;

  constructor(place: QueryError) {
    super(place.message);
    this.place = place;
  }
}

/** Prints the text with a mark below the place that is wrong. */
export function pointAt(text: string, { at, end, message }: QueryError): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  return `${message}\n  ${line}\n  ${' '.repeat(at)}${'^'.repeat(Math.max(1, Math.min(end, line.length) - at))}`;
}
