import { z } from 'zod';
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
  act: async (parts: Pick<ApiParts, 'erasing' | 'waitingErasures' | 'boundary'>, { caller, params: { erasure } }) => {
    requirePerson(caller, 'confirms an erasure');
    const { by, query, reason, facts } = parts.waitingErasures.find(erasure, personOf(caller));
    requireReadable(parts, caller, query);
    const answer = await erased(parts.erasing, [by, personOf(caller)], { query, reason, facts });
    parts.waitingErasures.remove(erasure);
    return answer;
  },
});
