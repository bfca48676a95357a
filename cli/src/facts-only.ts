import { countOf } from '@countersign/gateway/count-of';

/** Says of how many records only the facts are kept; nothing if there is none. */
export function describeFactsOnly(count: number): string[] {
  return count === 0
    ? []
    : [
        `${countOf(count, 'record')} ${count === 1 ? 'holds' : 'hold'} facts only: by policy the content was not kept, and nobody can show it or prove what it was`,
      ];
}
