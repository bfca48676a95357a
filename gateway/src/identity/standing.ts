import { GatewayError } from '../domain/errors.ts';
import type { CredentialEnd, Principal, Standing } from '../domain/principal.ts';

/** Longest time between two checks for expired tokens: the clock may be set and the machine may sleep. */
const lookMs = 60_000;

const ends = {
  revoked: { reason: 'revoked', error: new GatewayError('unauthenticated', 'The token is not accepted any more: it was revoked.') },
  expired: { reason: 'expired', error: new GatewayError('unauthenticated', 'The token is not accepted any more: it has expired.') },
  removed: {
    reason: 'removed',
    error: new GatewayError('unauthenticated', 'The token is not accepted any more: its principal is not configured now, or its issuer does not stand for it.'),
  },
} as const satisfies Readonly<Record<Exclude<CredentialEnd['reason'], 'suspended' | 'unconfirmed'>, CredentialEnd>>;

/** A credential that was just read. */
interface ReadCredential {
  readonly id: string;
  /** Id of the principal. */
  readonly principal: string;
  readonly onBehalfOf: string | null;
  readonly expiresMs: number;
}

/** Finds the principal of a credential as the configuration has it now. Undefined: the credential is not accepted any more. */
type FindPrincipal = () => Principal | undefined;

/**
 * Knows whether the credentials that opened something are still valid. Each token has one standing for as long as anybody holds it, so its end reaches
 * everything that was opened with it. One timer waits for the token that expires first.
 */
export class Standings implements Disposable {
  readonly #now: () => number;
  readonly #known = new Map<string, WeakRef<TokenStanding>>();
  readonly #unused = new FinalizationRegistry<string>((id) => {
    if (this.#known.get(id)?.deref() === undefined) {
      this.#known.delete(id);
    }
  });
  #timer: NodeJS.Timeout | undefined;
  #wakeMs = Infinity;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The standing of a token that was just read, for its principal. A standing that has ended is not given out again: the token may be valid again. */
  of({ id, principal: name, onBehalfOf, expiresMs }: ReadCredential, principal: Principal, find: FindPrincipal): Standing {
    const known = this.#known.get(id)?.deref();
    if (known?.ended() === null) {
      return known;
    }
    const standing = new TokenStanding({ name, onBehalfOf, expiresMs, find, now: this.#now }, principal);
    this.#known.set(id, new WeakRef(standing));
    this.#unused.register(standing, id);
    this.#wakeAt(expiresMs);
    return standing;
  }

  revoke(tokenId: string): void {
    this.#known.get(tokenId)?.deref()?.end(ends.revoked);
  }

  /** Returns the principal of the newest credential of this name as the configuration has it now, also if the credential has ended. Undefined if nobody holds one. */
  newest(principal: string): Principal | undefined {
    return this.#standings()
      .findLast(({ name }) => name === principal)
      ?.find();
  }

  /** Ends the standings of a principal, and of those who act on its behalf. */
  endOf(principal: string, end: CredentialEnd): void {
    for (const standing of this.#standings()) {
      if (standing.name === principal || standing.onBehalfOf === principal) {
        standing.end(end);
      }
    }
  }

  endAll(end: CredentialEnd): void {
    for (const standing of this.#standings()) {
      standing.end(end);
    }
  }

  /**
   * Gives each standing its principal as the configuration now has it, and ends the standing if the principal is gone. To be called after the configuration was
   * reloaded.
   */
  recheck(): void {
    for (const standing of this.#standings()) {
      const principal = standing.find();
      if (principal === undefined) {
        standing.end(ends.removed);
      } else {
        standing.principal = principal;
      }
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #standings(): TokenStanding[] {
    return Array.from(this.#known.values()).flatMap((known) => known.deref() ?? []);
  }

  #wakeAt(timeMs: number): void {
    if (timeMs >= this.#wakeMs) {
      return;
    }
    this.#wakeMs = timeMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#endExpired, Math.min(Math.max(timeMs - this.#now(), 0), lookMs)).unref();
  }

  readonly #endExpired = (): void => {
    this.#wakeMs = Infinity;
    for (const standing of this.#standings()) {
      if (standing.ended() === null) {
        this.#wakeAt(standing.expiresMs);
      }
    }
  };
}

interface TokenStandingParts {
  /** Id of the principal. */
  readonly name: string;
  readonly onBehalfOf: string | null;
  readonly expiresMs: number;
  readonly find: FindPrincipal;
  readonly now: () => number;
}

class TokenStanding implements Standing {
  principal: Principal;
  readonly name: string;
  readonly onBehalfOf: string | null;
  readonly expiresMs: number;
  readonly find: FindPrincipal;
  readonly #now: () => number;
  readonly #acts = new Set<(end: CredentialEnd) => void>();
  #end: CredentialEnd | null = null;

  constructor({ name, onBehalfOf, expiresMs, find, now }: TokenStandingParts, principal: Principal) {
    this.name = name;
    this.onBehalfOf = onBehalfOf;
    this.principal = principal;
    this.expiresMs = expiresMs;
    this.find = find;
    this.#now = now;
  }

  ended(): CredentialEnd | null {
    if (this.#end === null && this.expiresMs <= this.#now()) {
      this.end(ends.expired);
    }
    return this.#end;
  }

  onEnd(act: (end: CredentialEnd) => void): () => void {
    this.#acts.add(act);
    if (this.#end !== null) {
      this.#tell();
    }
    return () => {
      this.#acts.delete(act);
    };
  }

  /** The first end is the one that all holders are told. A later revocation takes its place for who asks then: it also makes void what the credential granted. */
  end(end: CredentialEnd): void {
    if (this.#end === null) {
      this.#end = end;
      this.#tell();
    } else if (end.reason === 'revoked') {
      this.#end = end;
    }
  }

  /** Calls everybody who holds the standing, in a microtask, so that nobody is called in the middle of the action that caused it. */
  #tell(): void {
    queueMicrotask(() => {
      const acts = [...this.#acts];
      this.#acts.clear();
      for (const act of acts) {
        if (this.#end !== null) {
          act(this.#end);
        }
      }
    });
  }
}

/** The standing of something that was opened without a token: it never ends. */
export function standsAlways(principal: Principal): Standing {
  return { principal, expiresMs: Infinity, ended: () => null, onEnd: () => () => undefined };
}
