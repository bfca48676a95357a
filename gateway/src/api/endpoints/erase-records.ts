import { z } from 'zod';
import { requireNoKeepers } from '../../retention/erase-query.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { erased, erasureByQuery, planned } from '../erasures.ts';
import { holdReason, keepingQuery, personOf, requirePerson, requireReadable } from '../holds.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';

type Parts = Pick<ApiParts, 'recorder' | 'erasing' | 'waitingErasures' | 'erasesByTwo' | 'boundary' | 'targets' | 'classNames'>;

export const eraseRecords = endpoint({
  id: 'eraseRecords',
  method: 'POST',
  path: '/api/v1/erasures',
  summary: 'Erases for good the contents of what a query finds, and with `facts` the facts too; with `plan` only says what that would do. This is recorded.',
  description:
    'Where `retention.erase` asks for two persons, nothing is erased before another one confirms it. Where there is nothing to erase, nothing waits.',
  callers: 'erase',
  body: jsonBody(z.strictObject({ query: keepingQuery, reason: holdReason, facts: z.boolean().default(false), plan: z.boolean().default(false) })),
  answer: json(erasureByQuery),
  errors: ['conflict', 'catching_up', 'store_damaged', 'key_unavailable'],
  act: async (parts: Parts, { caller, body: { plan, ...wanted } }) => {
    const { recorder, waitingErasures } = parts;
    requirePerson(caller, 'erases records');
    requireReadable(parts, caller, wanted.query);
    const isAsked = !plan && parts.erasesByTwo();
    if (!plan && !isAsked) {
      return erased(parts, { persons: [personOf(caller)] }, wanted);
    }
    const waiting = isAsked ? waitingErasures.ask(personOf(caller), wanted) : null;
    const what = waiting === null ? 'plan an erasure' : `ask for an erasure: ${waiting.id}`;
    await recordAccess(recorder, caller, { what, act: 'erase', session: null, more: wanted });
    const answer = await planned(parts, wanted);
    if (waiting === null || answer.secrets === 0) {
      return answer;
    }
    requireNoKeepers(answer);
    waitingErasures.keep(waiting);
    return { ...answer, waits: waiting.id };
  },
});
