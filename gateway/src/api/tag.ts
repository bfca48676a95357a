import { createHash } from 'node:crypto';

const tagCharacters = 22;

/** Gives a whole answer in JSON a tag of what is in it, and answers 304 to who shows this tag as that of what it has (RFC 9110, 13.1.2). */
export async function tagged(request: Request, response: Response): Promise<Response> {
  if (request.method !== 'GET' || response.status !== 200 || response.headers.get('content-type') !== 'application/json') {
    return response;
  }
  const body = await response.text();
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, tagCharacters)}"`;
  const headers = new Headers(response.headers);
  headers.set('etag', tag);
  const known = new Set((request.headers.get('if-none-match') ?? '').split(',').map((each) => each.trim().replace(/^W\//, '')));
  if (!known.has(tag) && !known.has('*')) {
    return new Response(body, { headers });
  }
  headers.delete('content-type');
  return new Response(null, { status: 304, headers });
}
