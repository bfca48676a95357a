import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { decodeJwt, errors, jwtVerify, type JWTPayload, type JWTVerifyResult } from 'jose';
import { GatewayError } from '../domain/errors.ts';
import { accountKey, signInKey, type Directory, type Issuer } from '../domain/issuer.ts';
import { jwtCharactersMax } from '../domain/jwt-form.ts';
import type { Issued, Principal } from '../domain/principal.ts';
import { isObject, principalOf, readClaims, type IssuedClaims, type IssuedPrincipal } from './issued-principal.ts';
import { signInTokenMsMax } from '../store/exclusions.ts';
import { IssuerKeys, type IssuerEndpoints, type ReadDocument } from './issuer-keys.ts';

/** Signatures with a public key. A key that the issuer publishes is never used as the secret of another algorithm, and no signature is no signature. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
/** Types of tokens that a client may show (RFC 9068, RFC 7519). Others of the same issuer are no credentials: logout tokens, events, answers of its endpoints. */
const types: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt']);
const logoutType = 'logout+jwt';
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';
/** By so much the clocks of an issuer and of this machine may differ. */
const skewMs = 30_000;
/** So long it takes at most from signing in at the issuer until the browser is back. */
const signInMs = 300_000;
const lifetimeMsMax = 366 * 86_400_000;
/** How often it is looked whether keys are old. */
const refreshMs = 60_000;
/** Most tokens that are remembered as verified: HTTP clients send theirs with each request. */
const verifiedMax = 4_096;

/** A token of an issuer that was verified. The token itself is not kept. */
export interface IssuedToken {
  /** The public id of the token, made of its digest. */
  readonly id: string;
  readonly principal: Principal;
  readonly onBehalfOf: string | null;
  readonly issued: Issued;
  readonly expiresMs: number;
  /** When the issuer made it, in milliseconds since 1970, UTC; 0 if it does not say so. */
  readonly issuedMs: number;
  /** When the person signed in for whom it was made: the claim `auth_time`. Null: it does not say so. */
  readonly signedInMs: number | null;
  /** The activity to which it belongs together with the tokens that come after it, for the same sign-in or else for the same client. */
  readonly activity: string;
  /** The accounts that it is about and the sign-in that it comes from, by `accountKey` and `signInKey`. */
  readonly accounts: readonly string[];
  /** Returns the principal as the configuration has it now. Undefined: the token is not accepted any more, or stands for somebody else. */
  readonly find: () => Principal | undefined;
}

/** The verified token, or the reason why it is refused: a sentence without its full stop. */
export type IssuedOutcome = { readonly token: IssuedToken } | { readonly refused: string };

/** That a person signed in at an issuer. */
export interface SignIn {
  readonly subject: string;
  /** When the person signed in, in milliseconds since 1970, UTC. */
  readonly signedInMs: number;
  /** When the issuer said so, or later, in milliseconds since 1970, UTC. */
  readonly issuedMs: number;
  /** The account and the sign-in, by `accountKey` and `signInKey`. */
  readonly accounts: readonly string[];
}

/** That an issuer ended a sign-in, or all of a subject. One of the two is not null. */
export interface LogoutToken {
  /** The name of the issuer. */
  readonly issuer: string;
  readonly subject: string | null;
  /** The claim `sid`. */
  readonly signIn: string | null;
  /** The claim `jti`. */
  readonly id: string;
  /** When the issuer said it, or when the gateway heard it, whichever is later, in milliseconds since 1970, UTC. */
  readonly endedMs: number;
}

export interface IssuersOptions {
  readonly directory: () => Directory;
  readonly read: ReadDocument;
  readonly now: () => number;
  /** Called with each token that was verified, before it is accepted. If it throws, the token is not accepted. */
  readonly onAccept: (token: IssuedToken) => void;
  /** Called when the keys of an issuer cannot be read. */
  readonly onTrouble: (error: GatewayError) => void;
  /** Called when an issuer publishes other keys than before: a token that was verified with one of those before may not be accepted any more. */
  readonly onKeys: () => void;
}

/** The claims of a token that was verified, and the key id that it names. */
interface VerifiedClaims {
  readonly verified: JWTPayload;
  readonly kid: string | undefined;
}

interface Verified {
  readonly token: IssuedToken;
  readonly keys: IssuerKeys;
  readonly generation: number;
}

/** Verifies the tokens of the organisation's issuers: JWTs (RFC 7519) that were signed with keys which their issuer publishes. */
export class Issuers implements Disposable {
  readonly #options: IssuersOptions;
  readonly #keys = new Map<string, IssuerKeys>();
  /** By the SHA-256 of the whole token with its signature, so that no other text passes for it. */
  readonly #verified = new Map<string, Verified>();
  /** Verifications that are under way, in the same way: requests that come together wait for one. */
  readonly #verifying = new Map<string, Promise<IssuedOutcome>>();

  readonly #timer = setInterval(() => {
    this.refresh();
  }, refreshMs).unref();

  constructor(options: IssuersOptions) {
    this.#options = options;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Begins to read the keys anew, if they are old, of the issuers whose tokens are in use: so that a key which is withdrawn ends a connection that shows its token no more. */
  refresh(): void {
    for (const keys of this.#keys.values()) {
      if (keys.neededUntilMs > this.#options.now()) {
        keys.areUsable();
      }
    }
  }

  /** Verifies a token and finds its principal. Rejects with GatewayError `issuer_unreachable`, and with what `onAccept` throws. */
  async verify(token: string): Promise<IssuedOutcome> {
    if (token.length > jwtCharactersMax) {
      return { refused: `it is longer than ${jwtCharactersMax} characters` };
    }
    const digest = hash('sha256', token);
    const known = this.#verified.get(digest);
    if (known !== undefined && known.keys.areUsable() && known.generation === known.keys.generation && known.token.expiresMs > this.#options.now()) {
      return { token: known.token };
    }
    const verifying = this.#verifying.get(digest) ?? this.#verify(token, digest).finally(() => this.#verifying.delete(digest));
    this.#verifying.set(digest, verifying);
    return verifying;
  }

  async #verify(token: string, digest: string): Promise<IssuedOutcome> {
    this.#verified.delete(digest);
    const issuer = this.#issuerOf(token);
    if (issuer === undefined) {
      return { refused: 'it is a JWT, and none of an issuer that the configuration names' };
    }
    const keys = this.#keysOf(issuer);
    const { generation } = keys;
    const payload = await this.#tokenPayload(token, issuer, keys);
    if (this.#options.directory().issuers.get(issuer.name) !== issuer) {
      // The configuration was reloaded meanwhile.
      return this.#verify(token, digest);
    }
    if ('refused' in payload) {
      return payload;
    }
    const outcome = this.#tokenOf(token, { issuer, keys, ...payload });
    if ('token' in outcome) {
      this.#options.onAccept(outcome.token);
      keys.neededUntilMs = Math.max(keys.neededUntilMs, outcome.token.expiresMs);
      this.#remember(digest, { token: outcome.token, keys, generation });
    }
    return outcome;
  }

  /** To be called after the configuration was reloaded. Tokens are verified anew; the keys of issuers that stay as they were need not be read again. */
  recheck(): void {
    const { issuers } = this.#options.directory();
    this.#verified.clear();
    for (const name of this.#keys.keys()) {
      if (!issuers.has(name)) {
        this.#keys.delete(name);
      }
    }
  }

  /** Finds the issuer that a token names. Nothing of the token is believed yet: the issuer's keys are to prove it. */
  #issuerOf(token: string): Issuer | undefined {
    try {
      const { iss } = decodeJwt(token);
      return Array.from(this.#options.directory().issuers.values()).find(({ url }) => url === iss);
    } catch {
      return undefined;
    }
  }

  /** Returns the keys of an issuer. Those of an issuer whose configuration changed are read anew. */
  #keysOf(issuer: Issuer): IssuerKeys {
    const { read, now, onTrouble, onKeys } = this.#options;
    const known = this.#keys.get(issuer.name);
    if (known !== undefined && isSameIssuer(known.issuer, issuer)) {
      return known;
    }
    const keys = new IssuerKeys({ issuer, read, now, onTrouble, onChange: onKeys });
    this.#keys.set(issuer.name, keys);
    return keys;
  }

  /** Returns where people sign in at an issuer. Rejects with GatewayError `issuer_unreachable`. */
  async endpointsOf(issuer: Issuer): Promise<IssuerEndpoints> {
    return this.#keysOf(issuer).endpoints();
  }

  /** True if a token says that it is for this gateway. It is not verified. */
  isFor({ audience }: Issuer, token: string): boolean {
    try {
      const { aud } = decodeJwt(token);
      return [aud].flat().includes(audience);
    } catch {
      return false;
    }
  }

  /**
   * Verifies an ID token that came with the code of a browser (OpenID Connect Core 1.0, 3.1.3.7): its nonce, and that the person signed in at most `maxAgeSeconds`
   * before. Rejects with GatewayError `issuer_unreachable`.
   */
  async verifySignIn(
    issuer: Issuer,
    token: string,
    { nonce, maxAgeSeconds }: { readonly nonce: string; readonly maxAgeSeconds: number },
  ): Promise<{ readonly signIn: SignIn } | { readonly refused: string }> {
    const claims = ['exp', 'iat', 'sub', 'auth_time'];
    const result = await this.#signed(token, { issuer, keys: this.#keysOf(issuer), audience: issuer.clientId, claims });
    if ('refused' in result) {
      return result;
    }
    const { sub = '', sid, iat = 0, auth_time: signedIn, azp, nonce: shown, events } = result.payload;
    if (shown !== nonce || events !== undefined || (azp !== undefined && azp !== issuer.clientId)) {
      return { refused: 'it was made for another sign-in' };
    }
    if (typeof signedIn !== 'number' || this.#options.now() - signedIn * 1000 > maxAgeSeconds * 1000 + signInMs) {
      return { refused: 'the person signed in at the issuer too long ago' };
    }
    const accounts = [accountKey(issuer.name, sub), signInKey(issuer.name, typeof sid === 'string' ? sid : null, sub)];
    return { signIn: { subject: sub, signedInMs: signedIn * 1000, issuedMs: iat * 1000, accounts } };
  }

  /** Verifies a logout token of an issuer (OpenID Connect Back-Channel Logout 1.0, 2.6), except whether it came before. Rejects with GatewayError `issuer_unreachable`. */
  async verifyLogout(issuer: Issuer, token: string): Promise<{ readonly logout: LogoutToken } | { readonly refused: string }> {
    if (token.length > jwtCharactersMax) {
      return { refused: `it is longer than ${jwtCharactersMax} characters` };
    }
    const result = await this.#signed(token, { issuer, keys: this.#keysOf(issuer), audience: issuer.clientId, claims: ['iat', 'exp', 'jti', 'events'] });
    if ('refused' in result) {
      return result;
    }
    const { payload, protectedHeader } = result;
    const { sub = null, sid = null, events, nonce, iat = 0, jti } = payload;
    const type = (protectedHeader.typ ?? logoutType).toLowerCase();
    if (![logoutType, `application/${logoutType}`, 'jwt'].includes(type) || !isObject(events) || !isObject(events[logoutEvent])) {
      return { refused: 'it is not a logout token' };
    }
    if (nonce !== undefined) {
      return { refused: 'it has a nonce, as only ID tokens have' };
    }
    if ((sid !== null && typeof sid !== 'string') || (sub ?? sid ?? '') === '' || typeof jti !== 'string') {
      return { refused: 'it names neither a subject (sub) nor a sign-in (sid), or has no id (jti)' };
    }
    const nowMs = this.#options.now();
    // The issuer says whole seconds of its own clock, and some of what ends has a time of this one.
    const endedMs = Math.max(nowMs, Math.min(Math.ceil(iat * 1000), nowMs + skewMs));
    return { logout: { issuer: issuer.name, subject: sub, signIn: sid, id: jti, endedMs } };
  }

  /** Verifies the signature of a token, and for whom and until when it was made. */
  async #signed(
    token: string,
    { issuer, keys, audience, claims }: { readonly issuer: Issuer; readonly keys: IssuerKeys; readonly audience: string; readonly claims: string[] },
  ): Promise<JWTVerifyResult | { readonly refused: string }> {
    try {
      return await jwtVerify(token, async (header, jws) => keys.find(header, jws), {
        algorithms,
        issuer: issuer.url,
        audience,
        requiredClaims: claims,
        clockTolerance: skewMs / 1000,
        currentDate: new Date(this.#options.now()),
      });
    } catch (error) {
      if (error instanceof GatewayError) {
        throw error;
      }
      return { refused: reasonOf(error, issuer, audience) };
    }
  }

  async #tokenPayload(token: string, issuer: Issuer, keys: IssuerKeys): Promise<VerifiedClaims | { readonly refused: string }> {
    const result = await this.#signed(token, { issuer, keys, audience: issuer.audience, claims: ['exp', 'sub'] });
    if ('refused' in result) {
      return result;
    }
    const { payload, protectedHeader } = result;
    if (!types.has((protectedHeader.typ ?? 'jwt').toLowerCase()) || payload['events'] !== undefined) {
      return { refused: 'it is not a token to come in with: its issuer made it for something else' };
    }
    if (payload['cnf'] !== undefined) {
      return { refused: 'it is bound to a key of its client (cnf), which cannot be checked here: ask the issuer for a bearer token' };
    }
    return { verified: payload, kid: protectedHeader.kid };
  }

  #tokenOf(token: string, { issuer, keys, verified: payload, kid }: VerifiedClaims & { readonly issuer: Issuer; readonly keys: IssuerKeys }): IssuedOutcome {
    const { directory, now } = this.#options;
    const claims = readClaims(issuer, payload);
    if ('refused' in claims) {
      return claims;
    }
    const found = principalOf(directory(), issuer, claims);
    if ('refused' in found) {
      return found;
    }
    const issuedMs = (payload.iat ?? 0) * 1000;
    const isOfSignIn = typeof payload['sid'] === 'string';
    const expiresMs = Math.min((payload.exp ?? 0) * 1000 + skewMs, isOfSignIn ? issuedMs + signInTokenMsMax : Infinity);
    if (expiresMs <= now()) {
      return { refused: 'it is of a sign-in (sid), and was made more than 30 days ago' };
    }
    if (expiresMs - now() > lifetimeMsMax) {
      return { refused: 'it is valid for more than 366 days' };
    }
    const { principal, onBehalfOf } = found;
    const published = keys.publishedAs(kid);
    return {
      token: {
        // A signature may have several forms (ECDSA), so the id is that of what is signed.
        id: `jwt_${hash('sha256', token.slice(0, token.lastIndexOf('.'))).slice(0, 16)}`,
        principal,
        onBehalfOf,
        issued: issuedOf(issuer, claims),
        expiresMs,
        issuedMs,
        signedInMs: typeof payload['auth_time'] === 'number' ? payload['auth_time'] * 1000 : null,
        activity: activityOf(issuer, found, payload),
        accounts: accountsOf(issuer, claims, payload['sid']),
        find: () => (keys.publishedAs(kid) === published ? this.#findAgain(issuer, claims, principal.id, onBehalfOf) : undefined),
      },
    };
  }

  #findAgain(issuer: Issuer, claims: IssuedClaims, id: string, onBehalfOf: string | null): Principal | undefined {
    const directory = this.#options.directory();
    const now = directory.issuers.get(issuer.name);
    const found = now === undefined || !isSameIssuer(now, issuer) ? null : principalOf(directory, now, claims);
    return found === null || 'refused' in found || found.principal.id !== id || found.onBehalfOf !== onBehalfOf ? undefined : found.principal;
  }

  #remember(digest: string, verified: Verified): void {
    const [oldest] = this.#verified.keys();
    if (oldest !== undefined && this.#verified.size >= verifiedMax) {
      this.#verified.delete(oldest);
    }
    this.#verified.set(digest, verified);
  }
}

function issuedOf({ url }: Issuer, { subject, actor }: IssuedClaims): Issued {
  return actor === null ? { issuer: url, subject: subject.subject } : { issuer: url, subject: actor.subject, behalfSubject: subject.subject };
}

/** An agent that refreshes its token goes on with what it did before: policies know it, and so does who reads the record. */
function activityOf({ url }: Issuer, { principal, onBehalfOf }: IssuedPrincipal, { sub, sid, client_id: client, azp, cid, appid }: JWTPayload): string {
  const signIn = sid ?? client ?? azp ?? cid ?? appid ?? '';
  return `act_${hash('sha256', JSON.stringify([url, principal.id, onBehalfOf, sub, sid === undefined ? 'client' : 'sid', signIn])).slice(0, 16)}`;
}

function accountsOf({ name: issuer }: Issuer, { subject, actor }: IssuedClaims, signIn: unknown): readonly string[] {
  const names = [subject, actor].flatMap((each) => (each === null ? [] : [each.subject, ...(each.name === null ? [] : [each.name])]));
  return [...names.map((name) => accountKey(issuer, name)), signInKey(issuer, typeof signIn === 'string' ? signIn : null, subject.subject)];
}

/** True if tokens are verified and read in the same way for both. */
function isSameIssuer({ clientSecret: _one, scim: _two, ...issuer }: Issuer, { clientSecret: _three, scim: _four, ...other }: Issuer): boolean {
  return isDeepStrictEqual(issuer, other);
}

/** Says why a token is refused, without what is in it. The errors of jose hold its claims, so they are not kept as a cause. */
function reasonOf(error: unknown, { name }: Issuer, audience: string): string {
  if (error instanceof errors.JWTExpired) {
    return 'it has expired';
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const reasons: Readonly<Record<string, string>> = {
      aud: `it is not for this gateway: the issuer ${name} must make it for the audience ${audience}`,
      nbf: 'it is not valid yet',
      exp: 'it does not say until when it is valid (exp)',
      sub: 'it names no subject (sub)',
    };
    return reasons[error.claim] ?? `its claim ${error.claim} is not as it must be`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return 'it is not signed in a way that is accepted';
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return `it is signed with a key that the issuer ${name} does not publish`;
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return `it does not say with which key of the issuer ${name} it is signed (kid)`;
  }
  return error instanceof errors.JWSSignatureVerificationFailed ? 'its signature is wrong' : 'it is not a JWT that can be read';
}
