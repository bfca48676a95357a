import { z } from 'zod';
import type { Review, ReviewSuggestion } from '../../search/found.ts';
import { sightOf } from '../../access/rights.ts';
import { nothing } from '../../query/query.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';
import { findReviews, reviewable } from '../reviews.ts';
import { sessionOverview } from '../session-summary.ts';

const review = {
  by: z.string(),
  note: z.string(),
  time: z.iso.datetime(),
  record: z.string().describe('`LOG/INDEX` of its record.'),
} satisfies Record<keyof Review, z.ZodType>;

const suggestion = {
  model: z.string(),
  risk: z.string().describe('`low`, `medium` or `high`.'),
  records: z.array(z.number()).readonly().describe('The numbers of the records that it names.'),
  asked: z.string().describe('The session in which the model was asked, with its words.'),
  time: z.iso.datetime(),
  record: z.string().describe('`LOG/INDEX` of its record.'),
} satisfies Record<keyof ReviewSuggestion, z.ZodType>;

const reviewedSession = z
  .object({
    ...sessionOverview.shape,
    suggestion: z.object(suggestion).nullable().describe('The opinion of a model, which nobody checked; null: there is none.'),
    review: z.object(review).nullable().describe('The newest review of it; null: there is none.'),
  })
  .meta({ id: 'ReviewedSession' });

export const listReviews = endpoint({
  id: 'listReviews',
  method: 'GET',
  path: '/api/v1/reviews',
  summary: 'Lists the sessions that are to be reviewed and were not, those with the greatest risk first. This is recorded if content is shown.',
  callers: 'list',
  query: {
    ...reviewable,
    all: z.string().optional().describe('With any value, the list includes sessions that were reviewed.'),
    facts: z.string().optional().describe('With any value, nothing of the content is shown: titles are null.'),
  },
  answer: json(z.array(reviewedSession)),
  errors: ['limit_exceeded', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, query: asked }) => {
    const sight = sightOf(caller.rights, 'list');
    if (asked.facts === undefined) {
      await recordAccess(parts.recorder, caller, { what: 'list', act: 'list', session: null, more: asked });
    }
    const { sessions } = await findReviews(parts, asked, asked.facts === undefined ? sight : { ...sight, content: nothing });
    return sessions.filter((session) => asked.all !== undefined || session.review === null);
  },
});
