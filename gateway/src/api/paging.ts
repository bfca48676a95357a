import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import { wholeNumber } from './input.ts';

const limitMax = 999_999_999;

/** The query parameters of every list. They select a part of it; without them the answer is the whole list. */
export const paging = {
  after: z.string().optional().describe('The id of the last entry of the part before. The list continues after it.'),
  limit: wholeNumber('a number from 1 on is expected', { min: 1, max: limitMax }).optional().describe('The greatest number of entries in the answer.'),
};

interface Page {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** Returns the selected part of a list that is in memory. Throws GatewayError `not_found`. */
export function pageOf<Item>(items: readonly Item[], { after, limit }: Page, idOf: (item: Item) => string): Item[] {
  const begin = after === undefined ? 0 : items.findIndex((item) => idOf(item) === after) + 1;
  if (after !== undefined && begin === 0) {
    throw new GatewayError('not_found', 'after: nothing in the list has this id.');
  }
  return items.slice(begin, limit === undefined ? undefined : begin + limit);
}
