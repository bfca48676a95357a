import type { IssuerSummary } from '@countersign/gateway/api';
import { faultOfWebAddress } from '@countersign/gateway/location';
import {
  allowInsecureRequests,
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientError,
  discovery,
  initiateDeviceAuthorization,
  None,
  pollDeviceAuthorizationGrant,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  ResponseBodyError,
  tokenRevocation,
  type Configuration,
  type TokenEndpointResponse,
} from 'openid-client';
import { BrowserAnswer } from './browser-answer.ts';
import type { SignedIn } from './signed-in.ts';

/** Where a person signs in. With the device flow, also the code that they enter or compare there. */
interface Invitation {
  readonly address: string;
  readonly code: string | null;
}

interface SignInOptions {
  /** True: with the browser flow, in a browser of this machine, if the issuer has it. False: with the device flow, in any browser. */
  readonly isHere: boolean;
  /** The port for the answer of the browser; 0 takes any free one. */
  readonly port: number;
  /** True: the person signs in anew at the issuer, even if it knows them. The device flow has no way to say so. */
  readonly isFresh: boolean;
  readonly invite: (invitation: Invitation) => void;
}

/** Signs a person in at an issuer: `invite` is told where, and this resolves when the person has signed in. Rejects with an Error that says what happened. */
export async function signIn(issuer: IssuerSummary, { isHere, port, isFresh, invite }: SignInOptions): Promise<SignedIn> {
  return asking(issuer, async (configuration) => {
    const { authorization_endpoint: hasBrowserFlow, device_authorization_endpoint: hasDeviceFlow } = configuration.serverMetadata();
    if (isHere && hasBrowserFlow !== undefined) {
      return signedIn(issuer, await browserFlow(issuer, configuration, { port, isFresh, invite }), null);
    }
    if (hasDeviceFlow === undefined) {
      throw new Error(`the issuer ${issuer.name} has no flow for signing in ${isHere ? 'here' : 'elsewhere: leave --device out'}`);
    }
    return signedIn(issuer, await deviceFlow(issuer, configuration, invite), null);
  });
}

/** Signs in with the device flow (RFC 8628). */
async function deviceFlow(issuer: IssuerSummary, configuration: Configuration, invite: SignInOptions['invite']): Promise<TokenEndpointResponse> {
  const started = await initiateDeviceAuthorization(configuration, { scope: issuer.scope, ...wanted(issuer) });
  invite({ address: started.verification_uri_complete ?? started.verification_uri, code: started.user_code });
  return pollDeviceAuthorizationGrant(configuration, started, wanted(issuer));
}

/** With a fresh sign-in, so long ago the person may have signed in when the answer is there. */
const freshSeconds = 300;

/** Signs in with an authorization code, PKCE and a redirect to this machine (RFC 8252, RFC 7636). */
async function browserFlow(
  issuer: IssuerSummary,
  configuration: Configuration,
  { port, isFresh, invite }: Pick<SignInOptions, 'port' | 'isFresh' | 'invite'>,
): Promise<TokenEndpointResponse> {
  // Without consent most issuers give no refresh token for a session that they already have (OpenID Connect Core 1.0, 11).
  const prompts = [...(isFresh ? ['login'] : []), ...(issuer.scope.split(' ').includes('offline_access') ? ['consent'] : [])];
  const [verifier, state, nonce] = [randomPKCECodeVerifier(), randomState(), randomNonce()];
  await using answer = await BrowserAnswer.open(port, state);
  const address = buildAuthorizationUrl(configuration, {
    redirect_uri: answer.address,
    scope: issuer.scope,
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(prompts.length === 0 ? {} : { prompt: prompts.join(' ') }),
    ...(isFresh ? { max_age: '0' } : {}),
    ...wanted(issuer),
  });
  invite({ address: address.href, code: null });
  return authorizationCodeGrant(
    configuration,
    await answer.received,
    { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, ...(isFresh ? { maxAge: freshSeconds } : {}) },
    wanted(issuer),
  );
}

/** Gets a new token with the refresh token. Rejects with an Error that says what to do if the issuer gives none. */
export async function refresh(gateway: string, { issuer, refreshToken }: SignedIn): Promise<SignedIn> {
  const again = `countersign login --url ${gateway}`;
  if (issuer === null) {
    throw new Error(`the sign-in at the gateway has ended: ${again}`);
  }
  if (refreshToken === null) {
    throw new Error(`the token of the issuer ${issuer.name} has ended, and it gave none to refresh it: ${again}`);
  }
  return asking(issuer, async (configuration) => {
    try {
      return signedIn(issuer, await refreshTokenGrant(configuration, refreshToken, wanted(issuer)), refreshToken);
    } catch (error) {
      if (error instanceof ResponseBodyError && error.error === 'invalid_grant') {
        throw new Error(`the sign-in at the issuer ${issuer.name} has ended: ${again}`, { cause: error });
      }
      throw error;
    }
  });
}

/** Has the issuer end what it gave, if it has a way for that. */
export async function signOut(issuer: IssuerSummary, { refreshToken, token }: SignedIn): Promise<void> {
  await asking(issuer, async (configuration) => {
    if (configuration.serverMetadata().revocation_endpoint !== undefined) {
      await tokenRevocation(configuration, refreshToken ?? token);
    }
  });
}

/** Asks for a token for the gateway: as RFC 8707 has it, where the audience is an address, and as issuers do that are older than it. */
function wanted({ audience }: IssuerSummary): Readonly<Record<string, string>> {
  return { audience, ...(URL.canParse(audience) ? { resource: audience } : {}) };
}

async function asking<Result>(issuer: IssuerSummary, act: (configuration: Configuration) => Promise<Result>): Promise<Result> {
  const fault = faultOfWebAddress(issuer.url, 'nobody signs in over a connection that is not encrypted');
  if (fault !== null) {
    throw new Error(`the issuer ${issuer.name} at ${issuer.url}: ${fault}`);
  }
  const url = new URL(issuer.url);
  try {
    return await act(await discovery(url, issuer.clientId, undefined, None(), url.protocol === 'http:' ? { execute: [allowInsecureRequests] } : {}));
  } catch (error) {
    throw new Error(wordsOf(issuer, error), { cause: error });
  }
}

/** The codes with which an issuer ends a sign-in (RFC 8628, 3.5; RFC 6749, 4.1.2.1). */
const ends: Readonly<Record<string, string>> = {
  access_denied: 'the sign-in was refused there',
  expired_token: 'nobody signed in there in time: try again',
};

function wordsOf({ name, url }: IssuerSummary, error: unknown): string {
  if (error instanceof ResponseBodyError || error instanceof AuthorizationResponseError) {
    return `the issuer ${name}: ${ends[error.error] ?? `${error.error}${error.error_description === undefined ? '' : `: ${error.error_description}`}`}`;
  }
  if (error instanceof ClientError || error instanceof TypeError) {
    return `the issuer ${name} at ${url} does not answer as it should: ${error.cause instanceof Error ? error.cause.message : error.message}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Takes the one of the tokens that is for the gateway. Throws an Error if none is. */
function signedIn(
  issuer: IssuerSummary,
  { access_token: access, id_token: id, refresh_token: refreshToken }: TokenEndpointResponse,
  before: string | null,
): SignedIn {
  for (const token of [access, id ?? '']) {
    const { aud, exp } = claimsOf(token);
    if ((Array.isArray(aud) ? aud : [aud]).includes(issuer.audience) && typeof exp === 'number') {
      return { issuer, token, expiresMs: exp * 1000, refreshToken: refreshToken ?? before };
    }
  }
  throw new Error(`the issuer ${issuer.name} made no token with the audience ${issuer.audience}: it must know the gateway by that name`);
}

/** Reads the claims of a token; of a text that is none, there are none. The gateway verifies them. */
function claimsOf(token: string): { readonly aud?: unknown; readonly exp?: unknown } {
  try {
    return Object(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
  } catch {
    return {};
  }
}
