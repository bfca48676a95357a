import { z } from 'zod';
import { json } from '../answer.ts';
import { alertSummary, stepAlert } from '../alerts.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const assignAlert = endpoint({
  id: 'assignAlert',
  method: 'POST',
  path: '/api/v1/alerts/:alert/assign',
  summary: 'Assigns an alert to somebody.',
  params: { alert: z.string() },
  body: jsonBody(z.strictObject({ to: z.string().min(1, 'somebody is expected').max(256), note: z.string().max(1000).default('') })),
  answer: json(alertSummary),
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params, body: { to, note } }) =>
    stepAlert(parts, { caller, id: params.alert }, { what: 'assign', note, assignee: to }),
});
