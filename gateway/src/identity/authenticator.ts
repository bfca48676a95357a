import { randomBytes } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';
import { accountKey, unknownPrincipal } from '../domain/issuer.ts';
import { localId, localIssuer, localNameOf, localPrincipal } from '../domain/local-administrator.ts';
import type { Identity, Principal, Standing } from '../domain/principal.ts';
import type { ShownCertificate } from '../domain/shown-certificate.ts';
import { saidWords } from '../domain/said-words.ts';
import type { Exclusion, Exclusions, Suspension } from '../store/exclusions.ts';
import { nameOfPasskey } from '../store/passkeys.ts';
import type { StoredToken, Tokens } from '../store/tokens.ts';
import type { Departures } from './departures.ts';
import type { Issuers } from './issuers.ts';
import type { LocalSignIn } from './local-administrators.ts';
import { Standings } from './standing.ts';
import { formatToken, hashToken, isToken, isTokenHash, tokenSecretBytes } from './token-format.ts';

const defaultTtlMs = 24 * 3_600_000;
const ttlMsMax = 366 * 86_400_000;

/** The identity of the token, or the reason why it is refused: a sentence without its full stop. */
export type TokenOutcome = { readonly identity: Identity } | { readonly refused: string };

/** A token as somebody shows it. */
export interface ShownToken {
  readonly token: string;
  /**
   * The token was made at this time or later, in milliseconds since 1970, as the gateway knows by its own clock. What a token of an issuer says of that counts whole
   * seconds of another clock, so it may seem to be of before a sign-out. Absent: only the token says it.
   */
  readonly madeMs?: number;
}

const notAccepted = 'The token is not accepted: ';

export interface NewToken {
  /** The token itself. It is shown once; only its hash is stored. */
  readonly token: string;
  readonly stored: StoredToken;
  readonly standing: Standing;
}

export interface NewTokenOptions {
  readonly ttlMs?: number;
  readonly onBehalfOf?: string;
  /** Binds the token to a run's session. */
  readonly session?: string;
  /** The targets that the token reaches, which must also be granted to the principal. By default all that are granted. */
  readonly targets?: readonly string[];
  /** The principal that makes the token, if its creation must be recorded as an act of its own. */
  readonly unrecordedBy?: string;
}

export interface AuthenticatorOptions {
  readonly tokens: Tokens;
  readonly exclusions: Exclusions;
  /** Throws a GatewayError while it is not known whose credentials are valid. Absent: it is always known. */
  readonly requireCurrent?: () => void;
  readonly findPrincipal: (id: string) => Principal | undefined;
  /** Finds the principal to which the configuration binds a name of a certificate. Absent: it binds none. */
  readonly ofCertificate?: (name: string) => string | undefined;
  readonly now: () => number;
  /** Absent: only tokens of the gateway are accepted. */
  readonly issuers?: Issuers;
  /** Absent: no issuer says that somebody has left. */
  readonly departures?: Departures;
}

/** Creates and revokes tokens, and finds the identity that a token stands for. */
export class Authenticator implements Disposable {
  readonly #options: AuthenticatorOptions;
  readonly #standings: Standings;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#standings = new Standings(options.now);
    options.exclusions.onNews((news) => {
      this.#takeUp(news);
    });
  }

  /**
   * Finds the identity that the token stands for, or says why the token is refused. The session comes from the token: a client cannot name one (ATTACKS B19).
   * Rejects with GatewayError `store_unreachable`.
   */
  async authenticate(token: string): Promise<TokenOutcome> {
    const { tokens, exclusions, now } = this.#options;
    this.#options.requireCurrent?.();
    if (token === '') {
      return {
        refused:
          'No Countersign token was shown: countersign token create makes one, which begins with cs_, and it goes where the client has its key or password',
      };
    }
    if (!isToken(token)) {
      return { refused: `${notAccepted}it is not a Countersign token, or was mistyped` };
    }
    const found = tokens.findByHash(hashToken(token));
    const stored = found instanceof Promise ? await found.catch(orForged) : found;
    // Meanwhile all that is open may have ended, and nothing begins after that.
    this.#options.requireCurrent?.();
    if (stored === null || stored === 'forged') {
      return { refused: `${notAccepted}${stored === null ? 'it is not known here' : 'it is in the store as no gateway wrote it'}` };
    }
    if (exclusions.revokedMs(stored.id) !== null) {
      return { refused: `${notAccepted}it was revoked` };
    }
    if (stored.expiresMs <= now()) {
      return { refused: `${notAccepted}it has expired` };
    }
    const exclusion = this.#exclusionOf(stored);
    if (exclusion !== null) {
      return { refused: `${notAccepted}${exclusion}` };
    }
    const ended = this.#endOfSignIn(stored);
    if (ended !== null) {
      return { refused: `${notAccepted}${ended}` };
    }
    const principal = this.#principalOf(stored);
    if (principal === undefined) {
      return { refused: `${notAccepted}its principal is not configured any more` };
    }
    return {
      identity: {
        principal,
        tokenId: stored.id,
        standing: this.#standingOf(stored, principal),
        ...(localNameOf(principal.id) === null ? {} : { signedInMs: stored.createdMs }),
        ...(stored.onBehalfOf === null ? {} : { onBehalfOf: stored.onBehalfOf }),
        ...(stored.session === null ? {} : { session: stored.session }),
        ...(stored.targets === null ? {} : { targets: stored.targets }),
      },
    };
  }

  /** True if a certificate stands for a principal, and is accepted. */
  knows(certificate: ShownCertificate): boolean {
    return certificate.fault === null && this.#boundTo(certificate) !== undefined;
  }

  /** Finds the identity that a certificate stands for, or says why it is refused. */
  authenticateCertificate(certificate: ShownCertificate): TokenOutcome {
    const { findPrincipal, now } = this.#options;
    this.#options.requireCurrent?.();
    const { sha256, expiresMs, fault, isKey = false } = certificate;
    const refuse = (why: string): TokenOutcome => ({ refused: `The ${isKey ? 'key' : 'certificate'} is not accepted: ${why}` });
    const id = this.#boundTo(certificate);
    const principal = id === undefined ? undefined : findPrincipal(id);
    if (fault !== null || expiresMs <= now()) {
      return refuse(fault ?? 'it has expired');
    }
    if (id === undefined || principal === undefined) {
      return refuse('no principal of the configuration is bound to it, or several are');
    }
    const exclusion = this.#exclusionOf({ principal: id, onBehalfOf: null });
    if (exclusion !== null) {
      return refuse(exclusion);
    }
    const tokenId = `${isKey ? 'key' : 'crt'}_${sha256.slice(0, 16)}`;
    const find = (): Principal | undefined => (this.#boundTo(certificate) === id && !this.#isGone(id) ? findPrincipal(id) : undefined);
    const standing = this.#standings.of({ id: tokenId, principal: id, onBehalfOf: null, expiresMs }, principal, find);
    return { identity: { principal: standing.principal, tokenId, standing, ...(isKey ? { key: sha256 } : { certificate: sha256 }) } };
  }

  /** Returns the principal to which the names of a certificate are bound; undefined if there is none, or more than one. */
  #boundTo({ names }: ShownCertificate): string | undefined {
    const [id, ...others] = new Set(names.flatMap((name) => this.#options.ofCertificate?.(name) ?? []));
    return others.length === 0 ? id : undefined;
  }

  /** Finds the identity that a token of an issuer stands for, a JWT, or says why it is refused. Rejects with GatewayError `issuer_unreachable` or `cannot_record`. */
  async authenticateIssued({ token: jwt, madeMs = 0 }: ShownToken): Promise<TokenOutcome> {
    const outcome = (await this.#options.issuers?.verify(jwt)) ?? { refused: 'it is a JWT, and none of an issuer that the configuration names' };
    if ('refused' in outcome) {
      return { refused: `${notAccepted}${outcome.refused}` };
    }
    this.#options.requireCurrent?.();
    const { token } = outcome;
    const { id, principal, onBehalfOf, issued, signedInMs, activity, expiresMs } = token;
    const { departures } = this.#options;
    const made = { accounts: token.accounts, issuedMs: Math.max(token.issuedMs, madeMs) };
    const exclusion = departures?.refusalOf(made) ?? this.#exclusionOf({ principal: principal.id, onBehalfOf });
    if (exclusion !== null) {
      return { refused: `${notAccepted}${exclusion}` };
    }
    const find = (): Principal | undefined => ((departures?.refusalOf(made) ?? null) === null ? token.find() : undefined);
    const standing = this.#standings.of({ id, principal: principal.id, onBehalfOf, expiresMs }, principal, find);
    return { identity: { principal: standing.principal, tokenId: id, standing, issued, signedInMs, activity, ...(onBehalfOf === null ? {} : { onBehalfOf }) } };
  }

  /** Returns a principal of the configuration, or one of an issuer as the newest token has it that was shown. Undefined if there is none. */
  find(id: string): Principal | undefined {
    return this.#isGone(id) ? undefined : (this.#options.findPrincipal(id) ?? this.#standings.newest(id));
  }

  /** Creates a token for a principal. Rejects with GatewayError `unknown_principal`, `limit_exceeded`, `refused` if the principal is suspended, or `store_unreachable`. */
  async create(principal: string, options: NewTokenOptions = {}): Promise<NewToken> {
    const found = this.#options.findPrincipal(principal);
    if (found === undefined) {
      throw unknownPrincipal(principal);
    }
    return this.#make(found, options);
  }

  /**
   * Makes the token of a local administrator who signed in. Rejects with GatewayError `refused` if it is suspended, `unauthenticated` if the sign-in was ended or
   * its passkey removed meanwhile, or `store_unreachable`.
   */
  async signIn({ name, passkey, signedInMs }: LocalSignIn, ttlMs: number): Promise<NewToken> {
    const id = localId(name);
    const found = localPrincipal(id);
    const isRemoved = this.#options.exclusions.revokedMs(nameOfPasskey(passkey)) !== null;
    const ended = isRemoved ? 'its passkey was removed' : this.#endOfSignIn({ principal: id, createdMs: signedInMs });
    if (found === undefined || ended !== null) {
      throw new GatewayError('unauthenticated', `The sign-in does not count: ${ended ?? 'it names nobody'}.`);
    }
    return this.#make(found, { ttlMs: Math.min(ttlMs, ttlMsMax) });
  }

  async #make(found: Principal, options: NewTokenOptions): Promise<NewToken> {
    const { tokens, now } = this.#options;
    const { ttlMs = defaultTtlMs } = options;
    const { id: principal } = found;
    if (!(ttlMs > 0 && ttlMs <= ttlMsMax)) {
      throw new GatewayError('limit_exceeded', 'A token lives at most 366 days.');
    }
    const createdMs = now();
    await tokens.removeExpired(createdMs - ttlMsMax);
    const token = formatToken(randomBytes(tokenSecretBytes));
    const stored: StoredToken = {
      id: `tok_${randomBytes(8).toString('hex')}`,
      principal,
      onBehalfOf: options.onBehalfOf ?? null,
      session: options.session ?? null,
      targets: options.targets ?? null,
      createdMs,
      expiresMs: createdMs + ttlMs,
    };
    const exclusion = this.#exclusionOf(stored);
    if (exclusion !== null) {
      throw new GatewayError('refused', `${exclusion}: it gets no token before that is changed.`);
    }
    await tokens.add(stored, hashToken(token), options.unrecordedBy ?? null);
    return { token, stored, standing: this.#standingOf(stored, found) };
  }

  /**
   * Suspends a principal: what it opened ends, and so does what was opened on its behalf. Its tokens are accepted again when it is resumed. Null: it is suspended
   * already. Rejects as `Exclusions.append` does.
   */
  async suspend(principal: string, by: string, reason: string): Promise<Suspension | null> {
    const { exclusions, now } = this.#options;
    const added = await exclusions.append(
      () => (exclusions.suspension(principal) === null ? [{ kind: 'suspended', name: principal, timeMs: now(), by, reason }] : []),
      { isUnrecorded: true },
    );
    return added.length === 0 ? null : exclusions.suspension(principal);
  }

  /** Ends a suspension. Resolves with false if there is none. Rejects as `Exclusions.append` does. */
  async resume(principal: string, by: string): Promise<boolean> {
    const { exclusions, now } = this.#options;
    const added = await exclusions.append(() => (exclusions.suspension(principal) === null ? [] : [{ kind: 'resumed', name: principal, timeMs: now(), by }]));
    return added.length > 0;
  }

  /** Ends what was opened with credentials that are not accepted any more, whichever gateway ended them. */
  #takeUp(news: readonly Exclusion[]): void {
    for (const { kind, name, by, reason } of news) {
      if (kind === 'revoked') {
        this.#standings.revoke(name);
      } else if (kind === 'suspended') {
        const words = `${name} was suspended by an operator${reason === '' ? '.' : `: ${saidWords(reason)}`}`;
        this.#standings.endOf(name, { reason: 'suspended', error: new GatewayError('unauthenticated', words), facts: { by, reason } });
      }
    }
    if (news.some(({ kind }) => kind === 'ended')) {
      this.recheck();
    }
  }

  /** Ends all that is open, because it is not known any more whose credentials are valid. */
  endAll(fault: GatewayError): void {
    this.#standings.endAll({ reason: 'unconfirmed', error: fault });
  }

  #standingOf(stored: StoredToken, principal: Principal): Standing {
    const { principal: id, onBehalfOf } = stored;
    return this.#standings.of(stored, principal, () =>
      this.#isGone(id) || (onBehalfOf !== null && this.#isGone(onBehalfOf)) || this.#endOfSignIn(stored) !== null ? undefined : this.#principalOf(stored),
    );
  }

  /** A token of a local administrator was made because somebody signed in. All others are of principals of the configuration. */
  #principalOf({ principal }: StoredToken): Principal | undefined {
    return this.#options.findPrincipal(principal) ?? localPrincipal(principal);
  }

  /** Returns why a token of a local administrator is not accepted any more; null if it is, and for all other tokens. */
  #endOfSignIn({ principal, createdMs }: Pick<StoredToken, 'principal' | 'createdMs'>): string | null {
    const name = localNameOf(principal);
    return name === null ? null : (this.#options.departures?.refusalOf({ accounts: [accountKey(localIssuer, name)], issuedMs: createdMs }) ?? null);
  }

  /** Returns why nobody comes in as this principal, or on behalf of that one, whatever token is shown; null if they may. */
  #exclusionOf({ principal, onBehalfOf }: Pick<StoredToken, 'principal' | 'onBehalfOf'>): string | null {
    const ids = [principal, ...(onBehalfOf === null ? [] : [onBehalfOf])];
    const suspended = ids.find((id) => this.#options.exclusions.suspension(id) !== null);
    if (suspended !== undefined) {
      return `${suspended} is suspended`;
    }
    const gone = ids.find((id) => this.#isGone(id));
    return gone === undefined ? null : `the account of ${gone} is not active at its issuer`;
  }

  #isGone(id: string): boolean {
    return this.#options.departures?.isGone(id) ?? false;
  }

  /**
   * Revokes a token and ends everything that was opened with it; an earlier revocation stays as it is. Null if there is no such token. `name` is the token's id
   * or its hash in hex; `by` is the principal that revokes it, for the record. Rejects as `Exclusions.append` does.
   */
  async revoke(name: string, by: string): Promise<StoredToken | null> {
    const { tokens, exclusions, now } = this.#options;
    const token = await (isTokenHash(name) ? tokens.findByHash(name) : tokens.find(name));
    if (token !== null) {
      await exclusions.append(() => (exclusions.revokedMs(token.id) === null ? [{ kind: 'revoked', name: token.id, timeMs: now(), by }] : []), {
        isUnrecorded: true,
      });
    }
    return token;
  }

  /** Applies the new configuration to all valid credentials, and ends those whose principal is gone. To be called after the configuration was reloaded. */
  recheck(): void {
    this.#options.issuers?.recheck();
    this.#standings.recheck();
  }

  [Symbol.dispose](): void {
    this.#standings[Symbol.dispose]();
  }
}

function orForged(error: unknown): 'forged' {
  if (error instanceof GatewayError && error.code === 'store_damaged') {
    return 'forged';
  }
  throw error;
}
