import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { localId, localIssuer } from '../../domain/local-administrator.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { recordOwnDecision } from '../../sessions/own-decision.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

type Parts = Pick<ApiParts, 'browserSessions' | 'localAdministrators' | 'recorder'>;

export const removePasskey = endpoint({
  id: 'removePasskey',
  method: 'DELETE',
  path: '/api/v1/passkeys/:passkey',
  summary: 'Removes a passkey of a local administrator, and ends all that the administrator is signed in with.',
  description: 'Who has no passkey left is no administrator any more.',
  params: { passkey: z.string().max(1_400).describe('The id of the passkey.') },
  answer: json(z.object({ removed: z.string().describe('The id of the passkey.'), principal: z.string().describe('Whose it was.') })),
  errors: ['not_found'],
  act: async (parts: Parts, { caller, params: { passkey } }) => {
    const { browserSessions, localAdministrators, recorder } = parts;
    const found = await localAdministrators.find(passkey);
    if (found === null) {
      throw new GatewayError('not_found', 'There is no such passkey: countersign passkey list names them.');
    }
    const principal = localId(found.name);
    await recordOwnDecision(recorder, {
      action: 'gateway.remove_passkey',
      verdict: 'allow',
      isFromReserve: true,
      reason: `a passkey of ${principal}`,
      attributes: { 'user.id': caller.id, 'client.address': caller.address, [ownAttributes.principal]: principal, [ownAttributes.passkey]: passkey },
    });
    await localAdministrators.remove(found, caller.id);
    browserSessions.endAll(localIssuer, found.name);
    return { removed: passkey, principal };
  },
});
