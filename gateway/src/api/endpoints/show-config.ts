import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const showConfig = endpoint({
  id: 'showConfig',
  method: 'GET',
  path: '/api/v1/config',
  summary: 'Explains the configuration in force, with what is not written in it. Secrets and what may be one are left out.',
  answer: json(
    z
      .object({
        file: z.string(),
        since: z.iso.datetime().describe('When it came into force.'),
        policyVersion: z.string().describe('The version of the policies in force, as every decision names it.'),
        software: z.string(),
        refused: z.string().nullable().describe('Why the files as they are now are not in force, with line and column; null if they are.'),
        waiting: z.array(z.string()).readonly().describe('The sections of the file that were changed since the start and need a restart.'),
        listeners: z
          .array(z.object({ name: z.string(), address: z.string() }))
          .readonly()
          .describe('Where the gateway listens.'),
        isEncrypted: z.boolean().describe('True: the listeners have a certificate.'),
        lines: z
          .array(z.object({ what: z.string().describe('A kind of thing, as `sink`; `NOTE` for what is probably not intended.'), text: z.string() }))
          .readonly(),
      })
      .meta({ id: 'ConfigInForce', description: 'The configuration in force, as `config check` explains a file.' }),
  ),
  act: ({
    addresses,
    explainConfig,
    isEncrypted,
    policy,
    refused,
    software,
  }: Pick<ApiParts, 'addresses' | 'explainConfig' | 'isEncrypted' | 'policy' | 'refused' | 'software'>) => {
    const { file, sinceMs, waiting, lines } = explainConfig();
    return {
      file,
      since: new Date(sinceMs).toISOString(),
      policyVersion: policy().version,
      software,
      refused: refused(),
      waiting,
      listeners: Object.entries(addresses()).map(([name, address]) => ({ name, address })),
      isEncrypted,
      lines,
    };
  },
});
