import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { openingSummary, summarizeOpening } from '../openings.ts';
import type { ApiParts } from '../parts.ts';

export const listOpenings = endpoint({
  id: 'listOpenings',
  method: 'GET',
  path: '/api/v1/openings',
  summary: 'Lists what was asked for, oldest first: content of sessions that the caller may read together with a second person.',
  callers: 'content',
  answer: json(z.array(openingSummary)),
  errors: ['catching_up', 'store_damaged'],
  act: async ({ reader, openings }: Pick<ApiParts, 'reader' | 'openings'>, { caller }) => {
    const isSeen = async (session: string): Promise<boolean> => {
      try {
        await reader.find(session, caller.contentOfTwo);
        return true;
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'not_found') {
          return false;
        }
        throw error;
      }
    };
    const all = openings.list();
    const seen = await Promise.all(all.map(async ({ session }) => isSeen(session)));
    return all.filter((_, i) => seen[i] === true).map(summarizeOpening);
  },
});
