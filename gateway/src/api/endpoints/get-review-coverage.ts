import { z } from 'zod';
import type { ReviewCoverage } from '../../search/found.ts';
import { sightOf } from '../../access/rights.ts';
import { nothing } from '../../query/query.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { findReviews, reviewable } from '../reviews.ts';

const coverage = {
  threshold: z.int(),
  ended: z.int().describe('How many sessions have ended.'),
  toReview: z.int().describe('How many of them have at least this risk.'),
  reviewed: z.int().describe('How many of these were reviewed.'),
} satisfies Record<keyof ReviewCoverage, z.ZodType>;

export const getReviewCoverage = endpoint({
  id: 'getReviewCoverage',
  method: 'GET',
  path: '/api/v1/reviews/coverage',
  summary: 'Says how many of the sessions that are to be reviewed were.',
  callers: 'list',
  query: reviewable,
  answer: json(z.object(coverage).meta({ id: 'ReviewCoverage' })),
  errors: ['limit_exceeded', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, query }) =>
    (await findReviews(parts, query, { ...sightOf(caller.rights, 'list'), content: nothing })).coverage,
});
