import { createHash, randomBytes } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';
import type { Issuer } from '../domain/issuer.ts';
import type { AskIssuer } from './issuer-keys.ts';
import type { Issuers, SignIn } from './issuers.ts';

/** The facts that the gateway needs when a browser comes back from the issuer. The browser keeps them, sealed. */
export interface Errand {
  /** The name of the issuer. */
  readonly issuer: string;
  readonly state: string;
  readonly nonce: string;
  /** The secret of PKCE (RFC 7636). */
  readonly verifier: string;
  /** The address to which the issuer sends the browser. */
  readonly redirectUri: string;
  /** The page of the gateway that the browser gets in the end. */
  readonly returnTo: string;
  /** The person must have signed in at the issuer at most so many seconds before. */
  readonly maxAgeSeconds: number;
  /** When the sign-in began, in milliseconds since 1970, by the clock of the gateway. */
  readonly begunMs: number;
}

/** The tokens that an issuer gave for a browser. */
export interface IssuedTokens {
  /** The one that is for the gateway. */
  readonly token: string;
  /** Null: the issuer gave none. */
  readonly refreshToken: string | null;
}

export interface CodeFlowOptions {
  readonly issuers: Issuers;
  readonly ask: AskIssuer;
  readonly now: () => number;
}

/** Signs people in with an authorization code and PKCE (RFC 6749, RFC 7636, OpenID Connect Core 1.0), where the gateway is the client. */
export class CodeFlow {
  readonly #options: CodeFlowOptions;

  constructor(options: CodeFlowOptions) {
    this.#options = options;
  }

  /**
   * Returns the address at the issuer where a person signs in, and what is needed when the browser comes back. With a `maxAgeSeconds` of 0 the person signs in anew.
   * Rejects with GatewayError `issuer_unreachable`.
   */
  async begin(
    issuer: Issuer,
    { redirectUri, returnTo, maxAgeSeconds }: Pick<Errand, 'redirectUri' | 'returnTo' | 'maxAgeSeconds'>,
  ): Promise<{ readonly address: URL; readonly errand: Errand }> {
    const { authorization } = await this.#options.issuers.endpointsOf(issuer);
    const [state, nonce, verifier] = [random(), random(), random()];
    const address = new URL(authorization);
    const parameters = {
      response_type: 'code',
      client_id: issuer.clientId,
      redirect_uri: redirectUri,
      scope: issuer.scope,
      state,
      nonce,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      max_age: String(maxAgeSeconds),
      ...promptOf(issuer, maxAgeSeconds),
      ...wanted(issuer),
    };
    for (const [name, value] of Object.entries(parameters)) {
      address.searchParams.set(name, value);
    }
    return { address, errand: { issuer: issuer.name, state, nonce, verifier, redirectUri, returnTo, maxAgeSeconds, begunMs: this.#options.now() } };
  }

  /** Exchanges the code with which a browser came back. Rejects with GatewayError `unauthenticated` or `issuer_unreachable`. */
  async finish(issuer: Issuer, errand: Errand, answer: URLSearchParams): Promise<IssuedTokens & { readonly signIn: SignIn }> {
    const [state, code, from, error] = ['state', 'code', 'iss', 'error'].map((name) => answer.get(name));
    if (state !== errand.state || (from !== null && from !== issuer.url)) {
      throw notSignedIn('the answer belongs to another sign-in: begin again');
    }
    if (typeof code !== 'string') {
      throw notSignedIn(error === 'access_denied' ? 'it was refused there' : 'the issuer sent no code');
    }
    const { redirectUri, verifier, nonce, maxAgeSeconds, begunMs } = errand;
    const { idToken, ...tokens } = await this.#ask(issuer, { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier });
    const outcome = idToken === null ? { refused: 'there is none' } : await this.#options.issuers.verifySignIn(issuer, idToken, { nonce, maxAgeSeconds });
    if ('refused' in outcome) {
      throw notSignedIn(`the ID token of the issuer is not accepted: ${outcome.refused}`);
    }
    // The nonce and the code are of this sign-in, so nothing of it was made before it began.
    return { ...tokens, signIn: { ...outcome.signIn, issuedMs: Math.max(outcome.signIn.issuedMs, begunMs) } };
  }

  /** Gets new tokens. Rejects with GatewayError `unauthenticated` if the issuer gives none, `issuer_unreachable` if it cannot be asked. */
  async refresh(issuer: Issuer, refreshToken: string): Promise<IssuedTokens> {
    const { token, refreshToken: next } = await this.#ask(issuer, { grant_type: 'refresh_token', refresh_token: refreshToken });
    return { token, refreshToken: next ?? refreshToken };
  }

  /** Has the issuer end what it gave, if it has a way for that and can be asked. */
  async revoke(issuer: Issuer, refreshToken: string): Promise<void> {
    const { revocation } = await this.#options.issuers.endpointsOf(issuer);
    if (revocation !== null) {
      await this.#options.ask(new URL(revocation), issuer, await this.#credentials(issuer, { token: refreshToken }));
    }
  }

  async #ask(issuer: Issuer, parameters: Readonly<Record<string, string>>): Promise<IssuedTokens & { readonly idToken: string | null }> {
    const { token: endpoint } = await this.#options.issuers.endpointsOf(issuer);
    const { status, document } = await this.#options.ask(new URL(endpoint), issuer, await this.#credentials(issuer, { ...parameters, ...wanted(issuer) }));
    const { access_token: access, id_token: id = null, refresh_token: refreshToken = null, error }: Readonly<Record<string, unknown>> = Object(document);
    if (status !== 200) {
      const known = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : `the status ${status}`;
      throw status >= 500
        ? new GatewayError('issuer_unreachable', `The issuer ${issuer.name} gives no tokens now: ${known}.`)
        : notSignedIn(`the issuer gave no tokens: ${known}`);
    }
    const token = [access, id].find((each) => typeof each === 'string' && this.#options.issuers.isFor(issuer, each));
    if (typeof token !== 'string') {
      throw notSignedIn(`the issuer ${issuer.name} made no token with the audience ${issuer.audience}`);
    }
    return { token, idToken: typeof id === 'string' ? id : null, refreshToken: typeof refreshToken === 'string' ? refreshToken : null };
  }

  /** Adds who the client is: by its secret in the way that every issuer must take (RFC 6749, 2.3.1) unless it says that it takes only the other one; or by name alone. */
  async #credentials(
    issuer: Issuer,
    parameters: Readonly<Record<string, string>>,
  ): Promise<{ readonly form: URLSearchParams; readonly authorization?: string }> {
    const { clientId, clientSecret } = issuer;
    if (clientSecret === null) {
      return { form: new URLSearchParams({ ...parameters, client_id: clientId }) };
    }
    const { authenticationMethods: methods } = await this.#options.issuers.endpointsOf(issuer);
    if (methods.includes('client_secret_post') && !methods.includes('client_secret_basic')) {
      return { form: new URLSearchParams({ ...parameters, client_id: clientId, client_secret: clientSecret() }) };
    }
    const basic = [clientId, clientSecret()].map((text) => new URLSearchParams([['', text]]).toString().slice(1)).join(':');
    return { form: new URLSearchParams(parameters), authorization: `Basic ${Buffer.from(basic).toString('base64')}` };
  }
}

function promptOf({ scope }: Issuer, maxAgeSeconds: number): { readonly prompt?: string } {
  // Without consent most issuers give no refresh token for a session that they already have (OpenID Connect Core 1.0, 11).
  const prompts = [...(maxAgeSeconds === 0 ? ['login'] : []), ...(scope.split(' ').includes('offline_access') ? ['consent'] : [])];
  return prompts.length === 0 ? {} : { prompt: prompts.join(' ') };
}

/** Asks for a token for the gateway: as RFC 8707 has it, where the audience is an address, and as issuers do that are older than it. */
function wanted({ audience, clientId }: Issuer): Readonly<Record<string, string>> {
  return audience === clientId ? {} : { audience, ...(URL.canParse(audience) ? { resource: audience } : {}) };
}

function notSignedIn(why: string): GatewayError {
  return new GatewayError('unauthenticated', `The sign-in did not succeed: ${why}.`);
}

function random(): string {
  return randomBytes(32).toString('base64url');
}
