import type { Sight } from '../access/rights.ts';
import type { ShowRecord } from '../feed/recordings.ts';
import { isEverything } from '../query/query.ts';
import type { AnswerParts } from './answer.ts';

/** Returns how records are shown to somebody. */
export async function viewOf(
  { openSearch, recordings }: Pick<AnswerParts, 'openSearch' | 'recordings'>,
  { sight, hasTables }: { readonly sight: Sight; readonly hasTables: boolean },
): Promise<ShowRecord> {
  return isEverything(sight.facts) && isEverything(sight.content) ? recordings.whole(hasTables) : (await openSearch()).viewOf(sight, hasTables);
}
