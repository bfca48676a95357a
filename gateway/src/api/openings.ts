import { z } from 'zod';
import type { Opening } from '../access/openings.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
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

/** Records that somebody asks for the content of a session, or that a second person opens it. */
export async function recordOpening(
  { recorder }: Pick<ApiParts, 'recorder'>,
  caller: Caller,
  { action, session, reason }: { readonly action: 'gateway.ask_content' | 'gateway.open_content'; readonly session: string; readonly reason: string },
): Promise<void> {
  await recordOwnDecision(recorder, {
    action,
    verdict: 'allow',
    ...(reason === '' ? {} : { reason }),
    attributes: { 'user.id': caller.id, 'client.address': caller.address, [ownAttributes.accessSession]: session },
  });
}
