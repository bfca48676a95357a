import { z } from 'zod';
import { isEverything } from '../../query/query.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { openingSummary, summarizeOpening } from '../openings.ts';
import type { ApiParts } from '../parts.ts';
import { hasAny } from '../readings.ts';

export const listOpenings = endpoint({
  id: 'listOpenings',
  method: 'GET',
  path: '/api/v1/openings',
  summary: 'Lists what was asked for, oldest first: content of sessions that the caller may read together with a second person.',
  callers: 'content',
  answer: json(z.array(openingSummary)),
  errors: ['catching_up', 'store_damaged'],
  act: async ({ reader, openings }: Pick<ApiParts, 'reader' | 'openings'>, { caller }) => {
    const all = openings.list();
    if (isEverything(caller.contentOfTwo)) {
      return all.map(summarizeOpening);
    }
    const sessions = [...new Set(all.map(({ session }) => session))];
    const seen = await Promise.all(sessions.map(async (session) => hasAny({ reader }, session, caller.contentOfTwo)));
    const shown = new Set(sessions.filter((_, i) => seen[i] === true));
    return all.filter(({ session }) => shown.has(session)).map(summarizeOpening);
  },
});
