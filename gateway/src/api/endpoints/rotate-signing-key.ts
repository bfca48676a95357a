import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { recordAct } from '../recorded-acts.ts';
import { recordSigningKey } from '../key-records.ts';

const rotatedSigner = z
  .object({
    vkey: z.string().describe('The verifier key of the log that is in force now, as log/key has it.'),
    from: z.int().describe('The size of the log from which it signs.'),
    keys: z.int().describe('How many signing keys the log has had, this one included.'),
  })
  .meta({ id: 'RotatedSigningKey', description: 'A signing key that took the place of the one before.' });

export type ShownSigner = z.output<typeof rotatedSigner>;

export const rotateSigningKey = endpoint({
  id: 'rotateSigningKey',
  method: 'POST',
  path: '/api/v1/keys/rotate-signing',
  summary: 'Makes a new signing key, with which the log is signed from now on. What the key before has signed still holds.',
  description: 'A record announces the key before it is in force. The keyring at /log/keys lets everybody who has one key of the log find the others.',
  body: jsonBody(z.strictObject({ reason: z.string().min(1).max(2_000).describe('Why. It is recorded.') })),
  answer: json(rotatedSigner),
  errors: ['conflict', 'key_unavailable', 'catching_up'],
  act: async ({ signingRotation, keys, recorder }: Pick<ApiParts, 'signingRotation' | 'keys' | 'recorder'>, { caller, body }) => {
    await recordAct(recorder, caller, 'gateway.rotate_signing_key', body.reason);
    const rotated = await signingRotation.rotate();
    await recordSigningKey(recorder, keys);
    return rotated;
  },
});
