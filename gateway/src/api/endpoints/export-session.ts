import { bytes } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';

export const exportSession = endpoint({
  id: 'exportSession',
  method: 'GET',
  path: '/api/sessions/:session/bundle',
  summary: 'Returns the bundle that proves a session (docs/formats/bundle.md). The reading is recorded.',
  params: { session: sessionName },
  answer: bytes,
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async function* ({ reader, recorder }: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params }) {
    const found = await reader.find(params.session);
    await recordAccess(recorder, caller, 'export', params.session);
    yield* reader.bundle(found, await recorder.publish());
  },
});
