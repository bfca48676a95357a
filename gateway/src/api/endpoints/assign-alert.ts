import { z } from 'zod';
import { json } from '../answer.ts';
import { alertSummary, stepAlert } from '../alerts.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { requireKnownPrincipal } from '../known-principal.ts';
import { principalName } from '../input.ts';
import type { ApiParts } from '../parts.ts';

export const assignAlert = endpoint({
  id: 'assignAlert',
  method: 'POST',
  path: '/api/v1/alerts/:alert/assign',
  summary: 'Assigns an alert to a principal.',
  params: { alert: z.string() },
  body: jsonBody(z.strictObject({ to: principalName, note: z.string().max(1000).default('') })),
  answer: json(alertSummary),
  errors: ['not_found', 'unknown_principal', 'conflict', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder' | 'principals' | 'issuers'>, { caller, params, body: { to, note } }) => {
    requireKnownPrincipal(parts, to);
    return stepAlert(parts, { caller, id: params.alert }, { what: 'assign', note, assignee: to });
  },
});
