import { localId } from '../domain/local-administrator.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { ApiParts } from './parts.ts';
import { passkeyLink } from './passkey-site.ts';

export type InvitingParts = Pick<ApiParts, 'addresses' | 'browser' | 'isEncrypted' | 'localAdministrators' | 'recorder'>;

/**
 * Makes a link with which somebody registers a passkey, and records it before it counts. `name` is null if its holder chooses one. Rejects with GatewayError
 * `malformed` or `cannot_record`.
 */
export async function invite(parts: InvitingParts, name: string | null, address?: string): Promise<{ readonly link: string; readonly expiresMs: number }> {
  const { localAdministrators, recorder } = parts;
  const { secret, invitation } = localAdministrators.newInvitation(name);
  await recordOwnDecision(recorder, {
    action: 'gateway.invite_administrator',
    verdict: 'allow',
    reason: name === null ? 'the first local administrator' : `a passkey for ${localId(name)}`,
    attributes: {
      'user.id': 'operator',
      ...(address === undefined ? {} : { 'client.address': address }),
      ...(name === null ? {} : { [ownAttributes.principal]: localId(name) }),
    },
  });
  await localAdministrators.keepInvitation(invitation);
  return { link: passkeyLink(parts, secret), expiresMs: invitation.expiresMs };
}
