import { z } from 'zod';
import { challenges } from '../exchange/token-header.ts';
import { errorCodes } from '../domain/errors.ts';
import { problemMediaType, problemOf, retryHeaders } from '../exchange/problem.ts';

export const problemSchema = z
  .object({
    type: z.string().describe('`urn:countersign:error:` and the code.'),
    title: z.string().describe('The code.'),
    status: z.int(),
    detail: z.string().describe('What happened, and what to do about it.'),
    code: z.enum([...errorCodes, 'internal']).describe('docs/errors.md explains each code.'),
    session: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'An error: RFC 9457.' });

/** Makes the answer of the API for an error, with its usual status if no other is given. */
export function problem(error: unknown, status?: number): Response {
  const usual = problemOf(error);
  const body = { ...usual, status: status ?? usual.status };
  const headers = [['content-type', problemMediaType] as const, ...(body.status === 401 ? challenges : []), ...retryHeaders(body.status)];
  return Response.json(body, { status: body.status, headers: headers.map(([name, value]): [string, string] => [name, value]) });
}
