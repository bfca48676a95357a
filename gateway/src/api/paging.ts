import { z } from 'zod';
import { wholeNumber } from './input.ts';

const limitMax = 999_999_999;

/** The part of a list that is asked for; all of it where neither is given. Lists begin with the oldest. */
export const paging = {
  after: z.string().optional().describe('The id of the last one of the part before: what follows it is listed.'),
  limit: wholeNumber('a number from 1 on is expected', { min: 1, max: limitMax }).optional().describe('How many are listed at most.'),
};
