import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { localId } from '../../domain/local-administrator.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { invite, type InvitingParts } from '../passkey-invitation.ts';

export const inviteAdministrator = endpoint({
  id: 'inviteAdministrator',
  method: 'POST',
  path: '/api/v1/passkeys/invitations',
  summary: 'Makes a link with which a local administrator registers a passkey, once, within an hour. Only this answer contains it.',
  description: 'Only for the operator on the machine of the gateway. Somebody who has passkeys already gets another one.',
  body: jsonBody(z.strictObject({ name: z.string().max(256).describe('The name of who is invited: the principal is `local/NAME`.') })),
  answer: json(
    z.object({
      principal: z.string().describe('The id of the principal.'),
      link: z.string().describe('The address of the page on which the passkey is registered.'),
      expires: z.iso.datetime(),
    }),
    201,
  ),
  errors: ['refused'],
  act: async (parts: InvitingParts & Pick<ApiParts, 'refusals'>, { caller: { id, address, standing }, body: { name } }) => {
    if (standing !== null) {
      const words = `${id} may not invite administrators: that is for the operator, on the machine of the gateway.`;
      return parts.refusals.refuse({ address, protocol: 'api', principal: id, error: new GatewayError('refused', words) });
    }
    const { link, expiresMs } = await invite(parts, name, address);
    return { principal: localId(name), link, expires: new Date(expiresMs).toISOString() };
  },
});
