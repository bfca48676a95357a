/**
 * A small OpenID provider to try things with: whoever says a name is that person, with any password. `node_modules/.bin/node examples/issuer.ts [PORT]` serves it on this machine
 * only. Ann is in the group compliance, bea in operators, dan in admins, and cem in none.
 */
import { generateKeyPairSync } from 'node:crypto';
import { Provider, type Configuration } from 'oidc-provider';

/** The client as which people sign in. */
export const clientId = 'countersign';

export interface SampleIssuer {
  readonly url: string;
  /** The audience of the access tokens that it makes. */
  readonly audience: string;
  /** Returns the groups of a person. */
  readonly groupsOf: (person: string) => readonly string[];
  /** Returns how long an access token lives, in seconds. */
  readonly tokenSeconds: () => number;
  readonly clients?: Configuration['clients'];
  /** Where the gateway is told that somebody has signed out (OpenID Connect Back-Channel Logout). */
  readonly logoutUri?: string;
}

export function createProvider({ url, audience, groupsOf, tokenSeconds, clients = [], logoutUri }: SampleIssuer): Provider {
  const claims = (id: string): { readonly sub: string; readonly [claim: string]: unknown } => ({
    sub: id,
    email: `${id}@corp.example`,
    email_verified: true,
    groups: groupsOf(id),
  });
  return new Provider(url, {
    clients: [
      {
        client_id: clientId,
        token_endpoint_auth_method: 'none',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'authorization_code', 'refresh_token'],
        application_type: 'native',
        // A port is not compared (RFC 8252, 7.3).
        redirect_uris: ['http://127.0.0.1/', 'http://127.0.0.1/api/v1/sign-in/callback', 'http://localhost/api/v1/sign-in/callback'],
        ...(logoutUri === undefined ? {} : { backchannel_logout_uri: logoutUri, backchannel_logout_session_required: true }),
      },
      ...clients,
    ],
    scopes: ['openid', 'email', 'offline_access'],
    claims: { openid: ['sub'], email: ['email', 'email_verified', 'groups'] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => claims(id) }),
    extraTokenClaims: ({ oidc: { entities } }, token) => {
      const { sub: _sub, ...more } = 'accountId' in token && token.accountId !== undefined ? claims(token.accountId) : { sub: '' };
      const { authTime } = entities.AuthorizationCode ?? entities.RefreshToken ?? entities.DeviceCode ?? {};
      return { ...more, ...(authTime === undefined ? {} : { auth_time: authTime }) };
    },
    features: {
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      backchannelLogout: { enabled: logoutUri !== undefined },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: '', audience, accessTokenFormat: 'jwt', accessTokenTTL: tokenSeconds(), jwt: { sign: { alg: 'RS256' } } }),
      },
    },
    jwks: { keys: [{ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] },
    // The gateway is on this machine, and by itself the provider asks no address of it.
    fetch: async (address, { method, headers, body } = {}) =>
      fetch(address, { ...(method === undefined ? {} : { method }), ...(headers === undefined ? {} : { headers }), body: body ?? null }),
    cookies: { keys: ['this issuer keeps no secrets'] },
  });
}

if (import.meta.main) {
  const port = Number(process.argv[2] ?? 7480);
  const url = `http://127.0.0.1:${port}`;
  const groups: Readonly<Record<string, readonly string[]>> = { ann: ['compliance'], bea: ['operators'], dan: ['admins'] };
  createProvider({ url, audience: 'https://countersign.example', groupsOf: (person) => groups[person] ?? [], tokenSeconds: () => 300 }).listen(
    port,
    '127.0.0.1',
  );
  console.log(`people sign in at ${url}`);
}
