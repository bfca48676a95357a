import type { Schemas } from '../../api/schema.ts';

/** Says whether a token is valid at a time, in milliseconds since 1970, or why it is not. */
export function stateOf({ revoked, expires }: Pick<Schemas['TokenSummary'], 'revoked' | 'expires'>, nowMs: number): 'valid' | 'revoked' | 'expired' {
  return revoked !== null ? 'revoked' : Date.parse(expires) <= nowMs ? 'expired' : 'valid';
}
