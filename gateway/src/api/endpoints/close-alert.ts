import { z } from 'zod';
import { json } from '../answer.ts';
import { alertSummary, stepAlert } from '../alerts.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const closeAlert = endpoint({
  id: 'closeAlert',
  method: 'POST',
  path: '/api/v1/alerts/:alert/close',
  summary: 'Closes an alert. What its rule finds afterwards is a new one.',
  params: { alert: z.string() },
  body: jsonBody(z.strictObject({ note: z.string().min(1, 'a note says why').max(1000) })),
  answer: json(alertSummary),
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params, body: { note } }) =>
    stepAlert(parts, { caller, id: params.alert }, { what: 'close', note }),
});
