import { unknownClass } from '../domain/seen.ts';
import { knownNames } from '../domain/suggest.ts';
import { namedValues, type Query } from './query.ts';

/** The names of the targets and of the data classes that there are. */
export interface ConfiguredNames {
  readonly target: readonly string[];
  readonly class: readonly string[];
}

/**
 * Says of each target and each class that a query names and that there is not that it is unknown, and which was probably meant. That is no fault of the query: there may
 * be records of former ones.
 */
export function unknownNames(query: Query, known: ConfiguredNames): readonly string[] {
  return (['target', 'class'] as const).flatMap((field) =>
    [...new Set(namedValues(query, field))]
      .filter((name) => !known[field].includes(name) && !(field === 'class' && name === unknownClass))
      .map((name) => `there is no ${field} ${JSON.stringify(name)}${knownNames(name, known[field])}`),
  );
}
