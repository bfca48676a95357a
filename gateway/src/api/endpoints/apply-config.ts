import { z } from 'zod';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { recordOwnDecision } from '../../sessions/own-decision.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { applyConfigAction } from '../policy-history.ts';

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

type Parts = Pick<ApiParts, 'takeUpConfig' | 'recorder' | 'policy' | 'principals' | 'targets'>;

export const applyConfig = endpoint({
  id: 'applyConfig',
  method: 'POST',
  path: '/api/v1/config/apply',
  summary: 'Applies the configuration file as it is now.',
  body: jsonBody(z.strictObject({ force: z.boolean().default(false).describe('True: the file is applied even if it has none of the present principals.') })),
  answer: json(appliedConfig),
  errors: ['config_invalid', 'conflict', 'stopping'],
  act: async ({ takeUpConfig, recorder, policy, principals, targets }: Parts, { caller, body }) => {
    const oldVersion = policy().version;
    const { file, ...taken } = await takeUpConfig(body.force);
    await recordOwnDecision(recorder, {
      action: applyConfigAction,
      verdict: 'allow',
      reason: `the configuration, ${body.force ? 'whoever it leaves' : 'as it is'}`,
      attributes: {
        'user.id': caller.id,
        'client.address': caller.address,
        [ownAttributes.policyOldVersion]: oldVersion,
        [ownAttributes.policyNewVersion]: policy().version,
      },
    });
    return { file, principals: principals().size, targets: targets().size, ...taken };
  },
});
