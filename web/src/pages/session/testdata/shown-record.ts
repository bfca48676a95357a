import type { Schemas } from '../../../api/schema.ts';

/** Returns a record of a session, a request that was allowed unless something else is said of it. */
export function shownRecord(seq: number, facts: Partial<Schemas['ShownRecord']> = {}): Schemas['ShownRecord'] {
  return {
    session: '0'.repeat(32),
    seq,
    time: '2026-11-30T00:00:00.000Z',
    channel: 1,
    target: 'shop',
    protocol: null,
    kind: 'request',
    action: 'postgres.query',
    principal: null,
    verdict: 'allow',
    policies: [],
    attributes: {},
    content: null,
    record: `log/${seq}`,
    ...facts,
  };
}
