import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { holdReason, holdSummary, keepingQuery, matterName, personOf, requirePerson, requireReadable, summarizeHold } from '../holds.ts';
import type { ApiParts } from '../parts.ts';

export const createHold = endpoint({
  id: 'createHold',
  method: 'POST',
  path: '/api/v1/holds',
  summary: 'Sets a hold: what a query finds now, and what it will find, is kept until another person releases the hold. This is recorded.',
  callers: 'hold',
  body: jsonBody(z.strictObject({ matter: matterName, query: keepingQuery, reason: holdReason })),
  answer: json(holdSummary, 201),
  errors: ['conflict', 'catching_up', 'store_damaged', 'key_unavailable'],
  act: async (parts: Pick<ApiParts, 'holds' | 'keys' | 'boundary' | 'targets' | 'classNames'>, { caller, body }) => {
    requirePerson(caller, 'sets a hold');
    requireReadable(parts, caller, body.query);
    return summarizeHold(parts, await parts.holds.create(personOf(caller), body));
  },
});
