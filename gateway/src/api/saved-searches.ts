import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { SavedSearch } from '../search/found.ts';
import { savedSearchActions } from '../search/saved-searches.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Caller } from './caller.ts';
import type { ApiParts } from './parts.ts';

export const savedSearchName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a name of small letters, digits, dots, dashes and underscores is expected, at most 63')
  .describe('The name of a saved search.');

export const savedSearch = z
  .object({
    name: z.string(),
    query: z.string(),
    by: z.string().describe('Who saved it.'),
    time: z.iso.datetime(),
    record: z.string().describe('`LOG/INDEX` of its record.'),
  } satisfies Record<keyof SavedSearch, z.ZodType>)
  .meta({ id: 'SavedSearch' });

type Parts = Pick<ApiParts, 'reader' | 'recorder'>;

export async function savedSearches({ reader, recorder }: Parts): Promise<readonly SavedSearch[]> {
  return reader.savedSearches(Date.now(), await recorder.publish());
}

/** Rejects with GatewayError `not_found`. */
export async function findSavedSearch(parts: Parts, name: string): Promise<SavedSearch> {
  const found = (await savedSearches(parts)).find((each) => each.name === name);
  if (found === undefined) {
    throw new GatewayError('not_found', `No search is saved as ${name}: countersign search list names them.`);
  }
  return found;
}

/** Records that somebody saved a search, or deleted one if `query` is null. */
export async function recordSavedSearch(
  { recorder }: Parts,
  caller: Caller,
  { name, query }: { readonly name: string; readonly query: string | null },
): Promise<void> {
  await recordOwnDecision(recorder, {
    action: query === null ? savedSearchActions.delete : savedSearchActions.save,
    verdict: 'allow',
    attributes: {
      'user.id': caller.id,
      'client.address': caller.address,
      [ownAttributes.searchName]: name,
      ...(query === null ? {} : { [ownAttributes.searchQuery]: query }),
    },
  });
}
