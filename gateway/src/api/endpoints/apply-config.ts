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
    waiting: z.array(z.string()).readonly().describe('Sections of the file that were changed since the start, and take a restart.'),
  })
  .meta({ id: 'AppliedConfig', description: 'What is in force.' });

/** The configuration that is now in force. */
export type AppliedConfig = z.output<typeof appliedConfig>;

export const applyConfig = endpoint({
  id: 'applyConfig',
  method: 'POST',
  path: '/api/config/apply',
  summary: 'Takes the configuration file up as it is now.',
  body: jsonBody(z.strictObject({ force: z.boolean().default(false).describe('Also when it leaves nobody who may come in now.') })),
  answer: json(appliedConfig),
  errors: ['config_invalid', 'conflict'],
  act: async ({ takeUpConfig, recorder, principals, targets }: Pick<ApiParts, 'takeUpConfig' | 'recorder' | 'principals' | 'targets'>, { caller, body }) => {
    const { file, waiting } = takeUpConfig(body.force);
    await recordAct(recorder, caller, 'gateway.apply_config', `the configuration, ${body.force ? 'whoever it leaves' : 'as it is'}`);
    return { file, principals: principals().size, targets: targets().size, waiting };
  },
});
