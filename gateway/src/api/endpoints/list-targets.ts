import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { summarizeTarget, targetSummary } from '../target-summary.ts';

export const listTargets = endpoint({
  id: 'listTargets',
  method: 'GET',
  path: '/api/targets',
  summary: 'Lists targets, in the order of the configuration.',
  answer: json(z.array(targetSummary)),
  act: ({ targets }: Pick<ApiParts, 'targets'>) => [...targets().values()].map(summarizeTarget),
});
