import { z } from 'zod';
import { bytes } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';

export const exportSession = endpoint({
  id: 'exportSession',
  method: 'GET',
  path: '/api/v1/sessions/:session/bundle',
  summary: 'Returns the bundle that proves a session (docs/formats/bundle.md). The reading is recorded.',
  params: { session: sessionName },
  query: {
    policies: z.string().optional().describe('With any value, the bundle also has the texts of the policies that decided in the session, with their proofs.'),
  },
  answer: bytes,
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async function* ({ reader, recorder }: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params, query }) {
    const found = await reader.find(params.session);
    const policies = query.policies !== undefined;
    await recordAccess(recorder, caller, policies ? 'export with policies' : 'export', params.session);
    yield* reader.bundle(found, await recorder.publish(), { policies });
  },
});
