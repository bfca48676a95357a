import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { savedSearch, savedSearches } from '../saved-searches.ts';

export const listSavedSearches = endpoint({
  id: 'listSavedSearches',
  method: 'GET',
  path: '/api/v1/saved-searches',
  summary: 'Lists the searches that were saved, by their names. All who may search all records share them; others see their own.',
  callers: 'search',
  answer: json(z.array(savedSearch).readonly()),
  errors: ['catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller }) => savedSearches(parts, caller),
});
