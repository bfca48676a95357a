import { z } from 'zod';
import { eraseQuery, planErase, type EraseAct, type WantedErase } from '../retention/erase-query.ts';
import type { WaitingErasure } from '../retention/waiting-erasures.ts';
import { unknownIn, unknownMember } from './holds.ts';
import type { ApiParts } from './parts.ts';

export const erasureByQuery = z
  .object({
    records: z.int().describe('The records that the query finds and of which something goes.'),
    besides: z.int().describe('Other records that lose the same, because the same secrets seal them.'),
    own: z.int().describe('The records that the query finds and that stay, because they say who did what with the gateway itself.'),
    sessions: z.int(),
    secrets: z.int(),
    refused: z
      .array(z.object({ by: z.string(), secrets: z.int(), sessions: z.array(z.string()).readonly().describe('Some of them.') }))
      .readonly()
      .describe('The holds and floors that keep some of it. While there is one, nothing is erased.'),
    erased: z.boolean().describe('False: it was only planned, it waits, or there is nothing to erase.'),
    unknown: unknownMember,
    waits: z.string().nullable().describe('The id under which it waits for a second person. Null: it does not.'),
  })
  .meta({ id: 'ErasureByQuery', description: 'The effect of an erasure, carried out or only planned.' });

export type ErasureByQuery = z.output<typeof erasureByQuery>;

export const waitingErasure = z
  .object({
    erasure: z.string(),
    query: z.string(),
    facts: z.boolean().describe('True: the facts too. False: contents alone.'),
    reason: z.string(),
    by: z.string().describe('Who asks. Another person confirms it.'),
    onBehalfOf: z.string().nullable(),
    ends: z.iso.datetime().describe('Until then it can be confirmed.'),
    confirmedBy: z.string().nullable().describe('Who has confirmed it: it is on record, and is being carried out. Null: it waits.'),
  })
  .meta({ id: 'WaitingErasure', description: 'An erasure that a second person has to confirm, or has confirmed.' });

export type WaitingErasureSummary = z.output<typeof waitingErasure>;

export function summarizeWaiting({ id, query, facts, reason, by, endMs, confirmedBy }: WaitingErasure): WaitingErasureSummary {
  return { erasure: id, query, facts, reason, by: by.id, onBehalfOf: by.onBehalfOf, ends: new Date(endMs).toISOString(), confirmedBy: confirmedBy?.id ?? null };
}

type Parts = Pick<ApiParts, 'erasing' | 'targets' | 'classNames'>;

export async function planned(parts: Parts, wanted: WantedErase): Promise<ErasureByQuery> {
  const plan = await planErase(parts.erasing, wanted);
  return { ...plan, erased: false, unknown: unknownIn(parts, wanted.query), waits: null };
}

export async function erased(parts: Parts, act: EraseAct, wanted: WantedErase): Promise<ErasureByQuery> {
  const plan = await eraseQuery(parts.erasing, act, wanted);
  return { ...plan, erased: plan.secrets > 0, unknown: unknownIn(parts, wanted.query), waits: null };
}
