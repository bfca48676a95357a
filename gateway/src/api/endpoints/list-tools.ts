import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { requireTarget } from '../target-summary.ts';
import { summarizeTool, toolSummary } from '../tool-summary.ts';

export const listTools = endpoint({
  id: 'listTools',
  method: 'GET',
  path: '/api/v1/targets/:target/tools',
  summary: 'Lists the tools that a target has listed to its clients, and whether their definitions are the pinned ones.',
  params: { target: z.string() },
  answer: json(z.array(toolSummary)),
  errors: ['unknown_target', 'catching_up'],
  act: ({ targets, pinsOf }: Pick<ApiParts, 'targets' | 'pinsOf'>, { params }) => {
    const target = requireTarget(targets(), params.target);
    return (pinsOf(target)?.of(target.name) ?? []).map(summarizeTool);
  },
});
