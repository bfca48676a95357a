import { ownAttributes } from '../domain/own-attributes.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import type { SavedSearch } from './found.ts';
import type { RecordSearch } from './record-search.ts';

/** The actions of the records of saved searches. The list of them is made of these records alone. */
export const savedSearchActions = { save: 'gateway.save_search', delete: 'gateway.delete_search' } as const;

interface Asked {
  readonly nowMs: number;
  /** The checkpoint under which the records must be in the log. */
  readonly checkpoint: PublishedCheckpoint;
}

/** Returns the saved searches, by their names, of which each person has some. Each is read from its record; no client can cause one with these actions. Rejects as a search does. */
export async function findSavedSearches(search: RecordSearch, asked: Asked): Promise<readonly SavedSearch[]> {
  const { save, delete: removal } = savedSearchActions;
  /** By name and person the newest record; null: it was deleted. */
  const newest = new Map<string, SavedSearch | null>();
  for await (const { action, attributes, time, record } of search.verified(`action:(${save} or ${removal})`, asked)) {
    const { [ownAttributes.searchName]: name, [ownAttributes.searchQuery]: query, 'user.id': actor, [ownAttributes.principal]: by = actor } = attributes;
    const key = `${String(name)} ${String(by)}`;
    if (typeof name === 'string' && !newest.has(key)) {
      newest.set(key, action === save ? { name, query: String(query), by: String(by), time, record } : null);
    }
  }
  return [...newest.values()].flatMap((saved) => saved ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
