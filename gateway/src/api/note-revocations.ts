import { GatewayError } from '../domain/errors.ts';
import type { ApiParts } from './parts.ts';

/** Notes the number of revocations and suspensions, so that the next start recognises an older `identity.db`. If it cannot be written now, the next start notes it. */
export function noteRevocations({ keys, tokens }: Pick<ApiParts, 'keys' | 'tokens'>): void {
  try {
    keys.noteRevocations(tokens.revocations());
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
  }
}
