import { GatewayError } from '../domain/errors.ts';
import { isIssuedName } from '../domain/issuer.ts';
import { localNameOf } from '../domain/local-administrator.ts';
import type { ApiParts } from './parts.ts';

/** Throws GatewayError `unknown_principal` for an id that is none of the configuration, of a local administrator or of those that its issuers may name. */
export function requireKnownPrincipal({ principals, issuers }: Pick<ApiParts, 'principals' | 'issuers'>, id: string): void {
  if (!principals().has(id) && !isIssuedName(id, issuers()) && localNameOf(id) === null) {
    throw new GatewayError(
      'unknown_principal',
      `There is no principal "${id.slice(0, 64)}" in the configuration, and it is not of one of its issuers: countersign principal list names the principals.`,
    );
  }
}
