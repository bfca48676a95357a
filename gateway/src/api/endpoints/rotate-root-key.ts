import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { recordAct } from '../recorded-acts.ts';
import { recordRootKey } from '../key-records.ts';

const rotatedRoot = z
  .object({
    root: z.int().describe('The number of the root secret that is in force now.'),
    provider: z.string().describe('What wraps it.'),
    classKeys: z.int().describe('How many class keys were wrapped anew.'),
  })
  .meta({ id: 'RotatedRootKey', description: 'A root secret that took the place of the one before.' });

export type ShownRotation = z.output<typeof rotatedRoot>;

export const rotateRootKey = endpoint({
  id: 'rotateRootKey',
  method: 'POST',
  path: '/api/v1/keys/rotate-root',
  summary: 'Makes a new root secret and wraps all keys by it. Nothing that was recorded is sealed anew.',
  description: 'The class keys are announced in the log as they are wrapped then, before the new root secret is in force.',
  body: jsonBody(z.strictObject({ reason: z.string().min(1).max(2_000).describe('Why. It is recorded.') })),
  answer: json(rotatedRoot),
  errors: ['conflict', 'key_unavailable', 'catching_up'],
  act: async ({ rootRotation, keys, recorder }: Pick<ApiParts, 'rootRotation' | 'keys' | 'recorder'>, { caller, body }) => {
    await recordAct(recorder, caller, 'gateway.rotate_root_key', body.reason);
    const rotated = await rootRotation.rotate();
    await recordRootKey(recorder, keys);
    return rotated;
  },
});
