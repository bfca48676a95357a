import { z } from 'zod';
import type { StoredToken } from '../store/tokens.ts';

export const tokenSummary = z
  .object({
    id: z.string(),
    principal: z.string(),
    onBehalfOf: z.string().nullable(),
    created: z.iso.datetime(),
    expires: z.iso.datetime(),
    revoked: z.iso.datetime().nullable(),
  })
  .meta({ id: 'TokenSummary', description: 'A token in a list, without the token itself. Times are in UTC.' });

/** A token in a list: one line of `token list --json`. Times are ISO 8601 in UTC. */
export type TokenSummary = Readonly<z.output<typeof tokenSummary>>;

/** Shows a token in a list. `revokedMs`: when it was revoked, in milliseconds since 1970; null if it was not. */
export function summarizeToken({ id, principal, onBehalfOf, createdMs, expiresMs }: StoredToken, revokedMs: number | null): TokenSummary {
  return {
    id,
    principal,
    onBehalfOf,
    created: new Date(createdMs).toISOString(),
    expires: new Date(expiresMs).toISOString(),
    revoked: revokedMs === null ? null : new Date(revokedMs).toISOString(),
  };
}
