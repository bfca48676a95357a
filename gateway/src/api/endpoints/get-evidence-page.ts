import { GatewayError } from '../../domain/errors.ts';
import { text } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const getEvidencePage = endpoint({
  id: 'getEvidencePage',
  method: 'GET',
  path: '/api/v1/evidence/page',
  summary: 'Returns the page in which evidence is exported, without any: its line `<!-- evidence -->` is the place (docs/formats/evidence.md).',
  callers: 'everybody',
  answer: text(),
  errors: ['not_found'],
  act: async ({ console: installed }: Pick<ApiParts, 'console'>) => {
    const page = installed?.evidencePage ?? null;
    if (page === null) {
      throw new GatewayError('not_found', 'The console is not built, and the page of evidence is a part of it: run npm run setup, or install the package.');
    }
    return Promise.resolve(page);
  },
});
