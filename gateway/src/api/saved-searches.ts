import { z } from 'zod';
import { scopeOf } from '../access/rights.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { SavedSearch } from '../search/found.ts';
import { isEverything } from '../query/query.ts';
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

/** Returns the saved searches that somebody sees: all, or their own if they may search only some records, because a query may name what they must not know of. */
export async function savedSearches({ reader, recorder }: Parts, caller: Caller): Promise<readonly SavedSearch[]> {
  const all = await reader.savedSearches(Date.now(), await recorder.publish());
  return isEverything(scopeOf(caller.rights, 'search')) ? all : all.filter(({ by }) => by === caller.id);
}

/** Finds what the caller saved under a name, or else what somebody else saved last. Rejects with GatewayError `not_found`. */
export async function findSavedSearch(parts: Parts, caller: Caller, name: string): Promise<SavedSearch> {
  const named = (await savedSearches(parts, caller)).filter((each) => each.name === name);
  const found = named.find(({ by }) => by === caller.id) ?? named.toSorted((a, b) => (a.time < b.time ? 1 : -1))[0];
  if (found === undefined) {
    throw new GatewayError('not_found', `No search is saved as ${name}: countersign search list names them.`);
  }
  return found;
}

/** Records that somebody saved a search, or deleted one of `by` if `query` is null. */
export async function recordSavedSearch(
  { recorder }: Parts,
  caller: Caller,
  { name, query, by }: { readonly name: string; readonly query: string | null; readonly by?: string },
): Promise<void> {
  await recordOwnDecision(recorder, {
    action: query === null ? savedSearchActions.delete : savedSearchActions.save,
    verdict: 'allow',
    attributes: {
      'user.id': caller.id,
      'client.address': caller.address,
      [ownAttributes.searchName]: name,
      ...(query === null ? {} : { [ownAttributes.searchQuery]: query }),
      ...(by === undefined ? {} : { [ownAttributes.principal]: by }),
    },
  });
}
