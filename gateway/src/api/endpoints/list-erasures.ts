import { z } from 'zod';
import { mayDo } from '../../access/rights.ts';
import { askedMs } from '../../retention/waiting-erasures.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { summarizeWaiting, waitingErasure } from '../erasures.ts';
import { mayReadAct } from '../holds.ts';
import type { ApiParts } from '../parts.ts';

export const listErasures = endpoint({
  id: 'listErasures',
  method: 'GET',
  path: '/api/v1/erasures',
  summary: 'Lists the erasures that wait for a second person, and those that one has confirmed and that are being carried out, the oldest first.',
  description: 'Who does not erase gets those of which they may read the record.',
  callers: 'keepers',
  answer: json(z.array(waitingErasure)),
  act: ({ waitingErasures }: Pick<ApiParts, 'waitingErasures'>, { caller }) =>
    waitingErasures
      .list()
      .filter((erasure) => mayDo(caller.rights, 'erase') || mayReadAct(caller, { kind: 'access', by: erasure.by, timeMs: askedMs(erasure) }))
      .map(summarizeWaiting),
});
