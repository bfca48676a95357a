import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { recordAct } from '../recorded-acts.ts';

export const rebuildIndex = endpoint({
  id: 'rebuildIndex',
  method: 'POST',
  path: '/api/v1/index/rebuild',
  summary: 'Makes the index of sessions again from the journal, and answers when it is done.',
  body: jsonBody(z.object({})),
  answer: json(z.object({ sessions: z.int(), records: z.int() })),
  errors: ['catching_up', 'store_damaged'],
  act: async ({ recorder, reader }: Pick<ApiParts, 'recorder' | 'reader'>, { caller }) => {
    await recordAct(recorder, caller, 'gateway.rebuild_index', 'the index of sessions is made again from the journal');
    return reader.rebuild();
  },
});
