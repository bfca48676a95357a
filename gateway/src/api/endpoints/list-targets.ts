import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf, paging } from '../paging.ts';
import type { ApiParts } from '../parts.ts';
import { summarizeTarget, targetSummary } from '../target-summary.ts';

export const listTargets = endpoint({
  id: 'listTargets',
  method: 'GET',
  path: '/api/v1/targets',
  summary: 'Lists targets, in the order of the configuration.',
  query: paging,
  answer: json(z.array(targetSummary)),
  errors: ['not_found'],
  act: ({ targets }: Pick<ApiParts, 'targets'>, { query }) => pageOf([...targets().values()], query, ({ name }) => name).map(summarizeTarget),
});
