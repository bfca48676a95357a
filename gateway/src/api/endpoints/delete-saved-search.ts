import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { findSavedSearch, recordSavedSearch, savedSearchName } from '../saved-searches.ts';

export const deleteSavedSearch = endpoint({
  id: 'deleteSavedSearch',
  method: 'DELETE',
  path: '/api/v1/saved-searches/:name',
  summary: 'Deletes a saved search: that of the caller, or else what somebody else saved last, if the caller sees it. This is recorded.',
  callers: 'search',
  params: { name: savedSearchName },
  answer: json(z.object({ deleted: z.string() })),
  errors: ['not_found', 'catching_up', 'store_damaged', 'cannot_record'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { name } }) => {
    const { by } = await findSavedSearch(parts, caller, name);
    await recordSavedSearch(parts, caller, { name, query: null, by });
    return { deleted: name };
  },
});
