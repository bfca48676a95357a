import { GatewayError } from '../../domain/errors.ts';
import { canonicalJson } from './exact-json.ts';
import { headerOf } from './reading.ts';
import { readRecordedRequest } from './recorded-http.ts';
import { decodeUtf8 } from './strict-json.ts';

/** Of a request's headers only these say what is asked for. All others are the client's own (its version, the date, how often it has tried, a key of its own making). */
const meaningful = ['accept', 'range'] as const;
const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
const boundaryParameter = /;\s*boundary="?([^";]{1,200})"?/i;

/**
 * What two recorded requests that ask the same have in common: method, address, the headers that matter, and the body, of JSON what it says and not how it is
 * written. `change` takes out of its JSON what a client makes anew each time. Any bytes are acceptable input.
 */
export function requestKey(request: Buffer, change?: (body: unknown) => unknown): string {
  const read = readRecordedRequest(request);
  if (read === null) {
    return request.toString('latin1');
  }
  const { head, body } = read;
  const type = headerOf(head.headers, 'content-type') ?? '';
  const lines = meaningful.map((name) => headerOf(head.headers, name) ?? '');
  return [head.method, head.path, ...lines, jsonType.test(type) ? jsonKey(body, change) : bodyKey(type, body)].join('\n');
}

/** JSON that parsers read differently is compared as it is. */
function jsonKey(body: Buffer, change?: (body: unknown) => unknown): string {
  try {
    return canonicalJson(decodeUtf8(body), change);
  } catch (error) {
    if (error instanceof GatewayError) {
      return body.toString('latin1');
    }
    throw error;
  }
}

/** The line between the parts of a form is made anew for each. */
function bodyKey(type: string, body: Buffer): string {
  const text = body.toString('latin1');
  const [, boundary] = boundaryParameter.exec(type) ?? [];
  return boundary === undefined ? `${type}\n${text}` : `${type.replace(boundary, '')}\n${text.replaceAll(boundary, '')}`;
}
