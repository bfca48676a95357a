import { z } from 'zod';
import { openingActions, recordedOpening, type Opening } from '../access/openings.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Caller } from './caller.ts';
import type { ApiParts } from './parts.ts';

export const openingSummary = z
  .object({
    opening: z.string(),
    session: z.string(),
    by: z.string().describe('Who asks for the content.'),
    reason: z.string(),
    grantedBy: z.string().nullable().describe('The second person. Null: it waits for one.'),
    ends: z.iso.datetime().describe('When it ends: a day after it was asked for, an hour after it was granted.'),
  })
  .meta({ id: 'Opening', description: 'The content of a session that nobody reads alone.' });

export type OpeningSummary = z.output<typeof openingSummary>;

export function summarizeOpening({ id, session, by, reason, grantedBy, endMs }: Opening): OpeningSummary {
  return { opening: id, session, by, reason, grantedBy, ends: new Date(endMs).toISOString() };
}

/** Records that the caller asks for the content of a session, or opens it as the second person; then it counts. */
export async function keepOpening(
  { recorder, openings }: Pick<ApiParts, 'recorder' | 'openings'>,
  caller: Caller,
  opening: Opening,
  reason: string,
): Promise<OpeningSummary> {
  await recordOwnDecision(recorder, {
    action: opening.open === null ? openingActions.ask : openingActions.grant,
    verdict: 'allow',
    ...(reason === '' ? {} : { reason }),
    attributes: { 'user.id': caller.id, 'client.address': caller.address, ...recordedOpening(opening) },
  });
  openings.keep(opening);
  return summarizeOpening(opening);
}
