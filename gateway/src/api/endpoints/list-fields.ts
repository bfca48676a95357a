import { z } from 'zod';
import { listFields as fieldsOfQueries } from '../../query/fields.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';

const field = z
  .object({
    name: z.string(),
    title: z.string().describe('What it says of a record.'),
    values: z.array(z.string()).readonly().describe('All values that it can have. Empty: any.'),
  })
  .meta({ id: 'QueryField', description: 'A field of queries (docs/search.md).' });

export const listFields = endpoint({
  id: 'listFields',
  method: 'GET',
  path: '/api/v1/search/fields',
  summary: 'Lists the fields by which a query may ask, besides words and the names of attributes.',
  callers: 'everybody',
  answer: json(z.array(field).readonly()),
  act: fieldsOfQueries,
});
