import type { ClientClaims } from '../domain/client-claims.ts';
import type { Headers } from './reading.ts';

/** The name of the claim in `user-agent`, by OpenTelemetry. */
const userAgent = 'user_agent.original';
/** The other headers in which SDKs say what they are. Headers that differ between requests of one client (attempts, timeouts) are not among them. */
const sdkHeaders: ReadonlySet<string> = new Set([
  'x-stainless-lang',
  'x-stainless-package-version',
  'x-stainless-os',
  'x-stainless-arch',
  'x-stainless-runtime',
  'x-stainless-runtime-version',
  'x-goog-api-client',
  'x-amz-user-agent',
  'x-app',
  'originator',
]);

/** Returns what the headers of a request say of the client's software. */
export function claimedIn(headers: Headers): ClientClaims {
  const claims: (readonly [string, string])[] = [];
  for (const header of headers) {
    const [name, value] = header;
    if (name === 'user-agent') {
      claims.push([userAgent, value]);
    } else if (sdkHeaders.has(name)) {
      claims.push(header);
    }
  }
  return claims;
}
