import { countOf } from '@countersign/gateway/count-of';
import type { ShownRecord } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';

/** Says of how many records only the facts are kept; nothing if there is none. */
export function describeFactsOnly(count: number): string[] {
  return count === 0
    ? []
    : [
        `${countOf(count, 'record')} ${count === 1 ? 'holds' : 'hold'} facts only: by policy the content was not kept, and nobody can show it or prove what it was`,
      ];
}

/** Says that the content of a record was not kept, and which policy says so. Null if that is not the reason why there is none. */
export function unkeptText({ attributes }: Pick<ShownRecord, 'attributes'>): string | null {
  if (attributes[ownAttributes.withheld] !== 'not_kept') {
    return null;
  }
  const obligations = attributes[ownAttributes.obligations];
  const [, policy] = /^record .*\bpolicy=(.*)$/m.exec(Array.isArray(obligations) ? obligations.join('\n') : '') ?? [];
  return `content not kept${policy === undefined ? '' : ` (policy ${policy})`}`;
}
