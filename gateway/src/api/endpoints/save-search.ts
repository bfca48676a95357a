import { z } from 'zod';
import { readQuery } from '../../search/read-query.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { findSavedSearch, recordSavedSearch, savedSearch, savedSearchName } from '../saved-searches.ts';

const queryLengthMax = 4096;

export const saveSearch = endpoint({
  id: 'saveSearch',
  method: 'POST',
  path: '/api/v1/saved-searches',
  summary: 'Saves a query under a name, in place of what the caller saved under it before. This is recorded.',
  callers: 'search',
  body: jsonBody(z.strictObject({ name: savedSearchName, query: z.string().max(queryLengthMax) })),
  answer: json(savedSearch, 201),
  errors: ['not_found', 'catching_up', 'store_damaged', 'cannot_record'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, body }) => {
    readQuery(body.query, Date.now());
    await recordSavedSearch(parts, caller, body);
    return findSavedSearch(parts, caller, body.name);
  },
});
