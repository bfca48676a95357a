import { challenges } from '../domain/authorization.ts';
import { problemMediaType, problemOf } from '../domain/problem.ts';

/** An error as the API answers it. */
export function problem(error: unknown): Response {
  const body = problemOf(error);
  return Response.json(body, {
    status: body.status,
    headers: [['content-type', problemMediaType], ...(body.status === 401 ? challenges.map(([name, value]): [string, string] => [name, value]) : [])],
  });
}
