import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

const policyFile = z
  .object({ file: z.string(), text: z.string(), sha256: z.string().describe('The SHA-256 digest of its text, hexadecimal. Who saves the file says it.') })
  .meta({ id: 'PolicyFile', description: 'A file of policies as it is in the directory.' });

export const listPolicyFiles = endpoint({
  id: 'listPolicyFiles',
  method: 'GET',
  path: '/api/v1/policy/files',
  summary: 'Returns the files of policies as they are in the directory that the configuration names.',
  answer: json(
    z.object({
      place: z.string().nullable().describe('The directory, or the one file; null: the configuration names none.'),
      savingFault: z.string().nullable().describe('Why no file can be saved over the API; null if files can be.'),
      version: z.string().describe('The version of the policies in force.'),
      refused: z.string().nullable().describe('Why the files as they are now are not in force; null if they are.'),
      files: z.array(policyFile).readonly(),
    }),
  ),
  errors: ['config_invalid'],
  act: async ({ policyDesk, policy, refused }: Pick<ApiParts, 'policyDesk' | 'policy' | 'refused'>, { signal }) => ({
    place: policyDesk.place,
    savingFault: policyDesk.savingFault,
    version: policy().version,
    refused: refused(),
    files: await policyDesk.files(signal),
  }),
});
