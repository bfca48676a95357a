import { ownAttributes } from '../domain/own-attributes.ts';
import type { ShownRecord } from '../feed/shown-record.ts';

/** Says that the content of a record was not kept, and which policy says so. Null if that is not the reason why there is none. */
export function unkeptText({ attributes }: Pick<ShownRecord, 'attributes'>): string | null {
  if (attributes[ownAttributes.withheld] !== 'not_kept') {
    return null;
  }
  const obligations = attributes[ownAttributes.obligations];
  const [, policy] = /^record .*\bpolicy=(.*)$/m.exec(Array.isArray(obligations) ? obligations.join('\n') : '') ?? [];
  return `content not kept${policy === undefined ? '' : ` (policy ${policy})`}`;
}
