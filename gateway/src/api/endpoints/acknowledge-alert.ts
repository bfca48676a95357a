import { z } from 'zod';
import { json } from '../answer.ts';
import { alertSummary, stepAlert } from '../alerts.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const acknowledgeAlert = endpoint({
  id: 'acknowledgeAlert',
  method: 'POST',
  path: '/api/v1/alerts/:alert/acknowledge',
  summary: 'Acknowledges an alert: somebody has seen it. It is open until it is closed.',
  params: { alert: z.string() },
  body: jsonBody(z.strictObject({ note: z.string().max(1000).default('') })),
  answer: json(alertSummary),
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params, body: { note } }) =>
    stepAlert(parts, { caller, id: params.alert }, { what: 'acknowledge', note }),
});
