import { z } from 'zod';
import { json } from '../answer.ts';
import { alertSummary, findAlert, summarizeAlert } from '../alerts.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const showAlert = endpoint({
  id: 'showAlert',
  method: 'GET',
  path: '/api/v1/alerts/:alert',
  summary: 'Shows an alert.',
  params: { alert: z.string() },
  answer: json(alertSummary),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  callers: 'search',
  act: async (parts: Pick<ApiParts, 'reader'>, { caller, params }) => summarizeAlert(await findAlert(parts, caller, params.alert)),
});
