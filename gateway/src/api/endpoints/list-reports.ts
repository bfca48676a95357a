import { z } from 'zod';
import { reports } from '../../reports/catalogue.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';

const listedReport = z
  .object({ name: z.string(), title: z.string(), about: z.string(), requirements: z.int().describe('How many requirements it has.') })
  .meta({ id: 'ListedReport' });

export type ListedReport = z.output<typeof listedReport>;

export const listReports = endpoint({
  id: 'listReports',
  method: 'GET',
  path: '/api/v1/reports',
  summary: 'Lists the regulations for which there is a report.',
  callers: 'auditors',
  answer: json(z.array(listedReport)),
  act: () => reports.map(({ name, title, about, requirements }) => ({ name, title, about, requirements: requirements.length })),
});
