import { hash, randomBytes } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';
import { accountKey, type Issuer } from '../domain/issuer.ts';
import { localIssuer } from '../domain/local-administrator.ts';
import type { Identity } from '../domain/principal.ts';
import type { NewToken, ShownToken } from './authenticator.ts';
import type { CodeFlow, IssuedTokens } from './code-flow.ts';
import type { Departures } from './departures.ts';
import type { SignIn } from './issuers.ts';

/** A token that ends sooner is refreshed before it is used. */
const restMsMin = 60_000;
const sessionsMax = 10_000;
/** Most sessions of one subject: with a further one its oldest ends. */
const sessionsOfSubjectMax = 20;

/** The issuer of a session that was begun with a token, in place of a name. */
export const noIssuer = '';

/** How long a session of a browser lasts. */
interface BrowserLimits {
  /** Without a request. */
  readonly idleMs: number;
  /** In all. */
  readonly ageMs: number;
}

interface BrowserSession {
  /** The name of the issuer; `local` for a local administrator, `noIssuer` for who has a token. */
  readonly issuer: string;
  readonly signIn: Omit<SignIn, 'signedInMs'> & Pick<BrowserCredential, 'signedInMs'>;
  readonly beganMs: number;
  usedMs: number;
  tokens: IssuedTokens & { readonly expiresMs: number };
  refreshing: Promise<void> | null;
}

export interface BrowserSessionsOptions {
  readonly flow: CodeFlow;
  readonly departures: Departures;
  readonly issuers: () => ReadonlyMap<string, Issuer>;
  readonly limits: () => BrowserLimits;
  readonly now: () => number;
  /** Finds who a token stands for. Rejects with GatewayError if it is not accepted. */
  readonly identify: (shown: ShownToken) => Promise<Identity>;
}

/** A browser's credential, as the API takes it. Its token is of the issuer, or of the gateway if a local administrator signed in. */
export interface BrowserCredential extends Required<ShownToken> {
  /** The id of the session. */
  readonly browser: string;
  /** When the person signed in, in milliseconds since 1970, UTC. Null: the issuer of the token does not say so. */
  readonly signedInMs: number | null;
  /** Throws GatewayError `unauthenticated` if the session of the browser has ended. */
  readonly checkBrowser: () => void;
}

/**
 * The sessions of browsers. A browser has an id that says nothing; its tokens stay here, in memory. Those of an issuer are refreshed as long as it gives new ones, so
 * that what it says of a person counts for a browser too. After a restart people sign in again.
 */
export class BrowserSessions {
  readonly #options: BrowserSessionsOptions;
  /** By the SHA-256 of the id. The session that was used last is the last. */
  readonly #sessions = new Map<string, BrowserSession>();

  constructor(options: BrowserSessionsOptions) {
    this.#options = options;
  }

  /** Begins a session for who signed in. Resolves with its id and the principal. Rejects with GatewayError if the token is not accepted. */
  async begin(issuer: Issuer, { signIn, ...tokens }: IssuedTokens & { readonly signIn: SignIn }): Promise<{ readonly id: string; readonly principal: string }> {
    const { principal, ...verified } = await this.#verified(signIn, tokens);
    return { id: this.#add({ issuer: issuer.name, signIn, tokens: verified }), principal };
  }

  /** Begins a session for a local administrator, with the token that was made for it. Returns its id. */
  beginLocal(name: string, { token, stored: { createdMs, expiresMs } }: NewToken): string {
    const signIn = { subject: name, signedInMs: createdMs, issuedMs: createdMs, accounts: [accountKey(localIssuer, name)] };
    return this.#add({ issuer: localIssuer, signIn, tokens: { token, refreshToken: null, expiresMs } });
  }

  /** Begins a session for who has a token. It makes the sign-in that the token is of no newer. Resolves with its id and the principal. Rejects with GatewayError if the token is not accepted. */
  async beginWith(token: string): Promise<{ readonly id: string; readonly principal: string; readonly tokenId: string }> {
    const { principal, standing, tokenId, signedInMs } = await this.#options.identify({ token });
    const nowMs = this.#options.now();
    const signIn = { subject: principal.id, signedInMs: signedInMs === undefined ? nowMs : signedInMs, issuedMs: nowMs, accounts: [] };
    return {
      id: this.#add({ issuer: noIssuer, signIn, tokens: { token, refreshToken: null, expiresMs: standing.expiresMs } }),
      principal: principal.id,
      tokenId,
    };
  }

  #add(session: Pick<BrowserSession, 'issuer' | 'signIn' | 'tokens'>): string {
    const id = randomBytes(32).toString('base64url');
    const own = [...this.#sessions].filter(([, { issuer, signIn }]) => issuer === session.issuer && signIn.subject === session.signIn.subject);
    const [oldest] = own.length >= sessionsOfSubjectMax ? own : this.#sessions.size >= sessionsMax ? this.#sessions : [];
    if (oldest !== undefined) {
      this.#sessions.delete(oldest[0]);
    }
    const beganMs = this.#options.now();
    this.#sessions.set(keyOf(id), { ...session, beganMs, usedMs: beganMs, refreshing: null });
    return id;
  }

  /** Finds the credential of a browser. Rejects with GatewayError `unauthenticated` if its session has ended, or `issuer_unreachable`. */
  async find(id: string): Promise<BrowserCredential> {
    const { now } = this.#options;
    const key = keyOf(id);
    const session = this.#sessions.get(key);
    if (session === undefined || this.#hasEnded(session)) {
      this.#sessions.delete(key);
      throw ended();
    }
    session.usedMs = now();
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (session.tokens.expiresMs - now() < restMsMin && session.tokens.refreshToken !== null) {
      session.refreshing ??= this.#refresh(key, session, session.tokens.refreshToken).finally(() => {
        session.refreshing = null;
      });
      await session.refreshing;
    }
    const checkBrowser = (): void => {
      if (!this.#sessions.has(key) || this.#hasEnded(session)) {
        throw ended();
      }
    };
    checkBrowser();
    return { browser: id, token: session.tokens.token, madeMs: session.signIn.issuedMs, signedInMs: session.signIn.signedInMs, checkBrowser };
  }

  /** Ends a session, and asks the issuer to end what it gave for it. */
  end(id: string): void {
    const session = this.#sessions.get(keyOf(id));
    if (session !== undefined) {
      this.#sessions.delete(keyOf(id));
      this.#revoke(session);
    }
  }

  /** Ends all sessions of a subject of an issuer. Returns how many there were. */
  endAll(issuer: string, subject: string): number {
    const before = this.#sessions.size;
    for (const [key, session] of this.#sessions) {
      if (session.issuer === issuer && session.signIn.subject === subject) {
        this.#sessions.delete(key);
        this.#revoke(session);
      }
    }
    return before - this.#sessions.size;
  }

  #hasEnded({ signIn, beganMs, usedMs }: BrowserSession): boolean {
    const { now, limits, departures } = this.#options;
    const { idleMs, ageMs } = limits();
    return now() - usedMs > idleMs || now() - beganMs > ageMs || departures.refusalOf(signIn) !== null;
  }

  async #refresh(key: string, session: BrowserSession, refreshToken: string): Promise<void> {
    const issuer = this.#options.issuers().get(session.issuer);
    try {
      if (issuer === undefined) {
        throw ended();
      }
      session.tokens = await this.#verified(session.signIn, await this.#options.flow.refresh(issuer, refreshToken));
    } catch (error) {
      const isOut = error instanceof GatewayError && error.code !== 'unauthenticated';
      // While the issuer cannot be asked, the present token counts until it ends.
      if (!isOut || session.tokens.expiresMs <= this.#options.now()) {
        this.#sessions.delete(key);
        throw error;
      }
    }
  }

  async #verified(
    { subject, issuedMs }: Pick<SignIn, 'subject' | 'issuedMs'>,
    tokens: IssuedTokens,
  ): Promise<BrowserSession['tokens'] & { readonly principal: string }> {
    const { issued, standing, principal } = await this.#options.identify({ token: tokens.token, madeMs: issuedMs });
    if (issued?.subject !== subject) {
      throw new GatewayError('unauthenticated', 'The sign-in did not succeed: the tokens of the issuer are of two subjects.');
    }
    return { ...tokens, expiresMs: standing.expiresMs, principal: principal.id };
  }

  #revoke({ issuer: name, tokens: { refreshToken } }: BrowserSession): void {
    const issuer = this.#options.issuers().get(name);
    if (issuer !== undefined && refreshToken !== null) {
      // The session has ended here, whether or not the issuer hears of it.
      this.#options.flow.revoke(issuer, refreshToken).catch(() => undefined);
    }
  }
}

function keyOf(id: string): string {
  return hash('sha256', id);
}

function ended(): GatewayError {
  return new GatewayError('unauthenticated', 'The sign-in of this browser has ended: sign in again.');
}
