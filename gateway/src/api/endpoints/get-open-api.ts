import { z } from 'zod';
import { json } from '../answer.ts';
import { publicEndpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const getOpenApi = publicEndpoint({
  id: 'getOpenApi',
  method: 'GET',
  path: '/api/v1/openapi.json',
  summary: 'Describes this API as an OpenAPI 3.1 document.',
  answer: json(z.record(z.string(), z.unknown())),
  act: ({ openApi }: Pick<ApiParts, 'openApi'>) => openApi(),
});
