import { challenges } from '../domain/authorization.ts';
import { problemMediaType, problemOf, retryHeaders } from '../domain/problem.ts';

/** An error as the API answers it. */
export function problem(error: unknown): Response {
  const body = problemOf(error);
  const headers = [['content-type', problemMediaType] as const, ...(body.status === 401 ? challenges : []), ...retryHeaders(body.status)];
  return Response.json(body, { status: body.status, headers: headers.map(([name, value]): [string, string] => [name, value]) });
}
