import { z } from 'zod';
import { eraseQuery, planErase, type EraseAct, type ErasePlan, type ErasingParts, type WantedErase } from '../retention/erase-query.ts';
import type { WaitingErasure } from '../retention/waiting-erasures.ts';

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
    erased: z.boolean(),
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

export async function planned(parts: ErasingParts, wanted: WantedErase, waits: string | null = null): Promise<ErasureByQuery> {
  return answerOf(await planErase(parts, wanted), { erased: false, waits });
}

export async function erased(parts: ErasingParts, act: EraseAct, wanted: WantedErase): Promise<ErasureByQuery> {
  return answerOf(await eraseQuery(parts, act, wanted), { erased: true, waits: null });
}

function answerOf(plan: ErasePlan, more: Pick<ErasureByQuery, 'erased' | 'waits'>): ErasureByQuery {
  return { ...plan, ...more };
}
