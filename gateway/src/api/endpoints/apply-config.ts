import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { recordAct } from '../recorded-acts.ts';

const appliedConfig = z
  .object({
    file: z.string(),
    principals: z.int(),
    targets: z.int(),
    waiting: z.array(z.string()).readonly().describe('The sections of the file that were changed since the start and need a restart.'),
    changes: z.string().nullable().describe('The number of policies, and those that were removed, added and changed; null if they are the same.'),
    withdrawn: z.int().describe('The number of approvals that were withdrawn because of the change.'),
  })
  .meta({ id: 'AppliedConfig', description: 'The configuration that is now in force.' });

/** The configuration that is now in force. */
export type AppliedConfig = z.output<typeof appliedConfig>;

export const applyConfig = endpoint({
  id: 'applyConfig',
  method: 'POST',
  path: '/api/v1/config/apply',
  summary: 'Applies the configuration file as it is now.',
  body: jsonBody(z.strictObject({ force: z.boolean().default(false).describe('True: the file is applied even if it has none of the present principals.') })),
  answer: json(appliedConfig),
  errors: ['config_invalid', 'conflict', 'stopping'],
  act: async ({ takeUpConfig, recorder, principals, targets }: Pick<ApiParts, 'takeUpConfig' | 'recorder' | 'principals' | 'targets'>, { caller, body }) => {
    const { file, ...taken } = await takeUpConfig(body.force);
    await recordAct(recorder, caller, 'gateway.apply_config', `the configuration, ${body.force ? 'whoever it leaves' : 'as it is'}`);
    return { file, principals: principals().size, targets: targets().size, ...taken };
  },
});
