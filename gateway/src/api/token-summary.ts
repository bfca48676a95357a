import type { StoredToken } from '../store/tokens.ts';

/** A token as it is listed: one line of `token list --json`. */
export interface TokenSummary {
  readonly id: string;
  readonly principal: string;
  readonly onBehalfOf: string | null;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly expires: string;
  readonly revoked: string | null;
}

export function summarizeToken({ id, principal, onBehalfOf, createdMs, expiresMs, revokedMs }: StoredToken): TokenSummary {
  return {
    id,
    principal,
    onBehalfOf,
    created: new Date(createdMs).toISOString(),
    expires: new Date(expiresMs).toISOString(),
    revoked: revokedMs === null ? null : new Date(revokedMs).toISOString(),
  };
}
