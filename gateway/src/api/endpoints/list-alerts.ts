import { z } from 'zod';
import { json } from '../answer.ts';
import { alertsFor, alertSummary, summarizeAlert } from '../alerts.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const listAlerts = endpoint({
  id: 'listAlerts',
  method: 'GET',
  path: '/api/v1/alerts',
  summary: 'Lists alerts, oldest first: those that are not closed.',
  query: { all: z.string().optional().describe('With any value, the list includes alerts that are closed, as far as they are remembered.') },
  answer: json(z.array(alertSummary)),
  errors: ['catching_up', 'store_damaged'],
  description: 'Who may search only some records sees none.',
  callers: 'search',
  act: async (parts: Pick<ApiParts, 'reader'>, { caller, query: { all } }) =>
    (await alertsFor(parts, caller)).filter(({ state }) => all !== undefined || state !== 'closed').map(summarizeAlert),
});
