import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { erased, erasureByQuery } from '../erasures.ts';
import { personOf, requirePerson, requireReadable } from '../holds.ts';
import type { ApiParts } from '../parts.ts';

export const confirmErasure = endpoint({
  id: 'confirmErasure',
  method: 'POST',
  path: '/api/v1/erasures/:erasure/confirm',
  summary: 'Carries out an erasure that another person asked for. This is recorded.',
  callers: 'erase',
  params: { erasure: z.string().max(100) },
  body: jsonBody(z.strictObject({})),
  answer: json(erasureByQuery),
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged', 'key_unavailable'],
  act: async (parts: Pick<ApiParts, 'erasing' | 'waitingErasures' | 'boundary' | 'exclusions' | 'targets' | 'classNames'>, { caller, params: { erasure } }) => {
    requirePerson(caller, 'confirms an erasure');
    const person = personOf(caller);
    return parts.waitingErasures.confirm(erasure, person, async ({ by, query, reason, facts }, onAnnounced) => {
      if ([by.id, by.onBehalfOf].some((id) => id !== null && parts.exclusions.suspension(id) !== null)) {
        throw new GatewayError('refused', `${by.id}, who asked for it, is suspended: somebody else asks for it.`);
      }
      requireReadable(parts, caller, query);
      return erased(parts, { persons: [by, person], onAnnounced }, { query, reason, facts });
    });
  },
});
