import { accountKey, accountOfPrincipal, signInKey, type Directory } from '../domain/issuer.ts';
import { forGoodMs, type Account, type Accounts } from '../store/accounts.ts';
import type { IssuedToken, LogoutToken } from './issuers.ts';

/** By so much the clock of an issuer may be ahead: a token that it made a moment before somebody left must not seem to be made after it. */
const skewMs = 30_000;

const logoutsMax = 4_096;

export interface DeparturesOptions {
  readonly accounts: Accounts;
  readonly directory: () => Directory;
  readonly now: () => number;
}

/**
 * Knows whose tokens are refused because the issuer said that they have left (SCIM) or signed out (OpenID Connect Back-Channel Logout). What ends here stays
 * ended: only a token that the issuer makes later is accepted.
 */
export class Departures {
  readonly #options: DeparturesOptions;
  /** The newest logout tokens, by issuer and id. */
  readonly #logouts = new Set<string>();
  #bound: { readonly directory: Directory; readonly accounts: ReadonlyMap<string, readonly string[]> } | null = null;

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** Returns why a token of an issuer is refused, without a full stop; null if it is not. */
  refusalOf({ accounts: names, issuedMs }: Pick<IssuedToken, 'accounts' | 'issuedMs'>): string | null {
    const { accounts } = this.#options;
    const endedMs = Math.max(...names.map((name) => accounts.endedBefore(name)));
    if (issuedMs > endedMs || endedMs === 0) {
      return null;
    }
    return endedMs === forGoodMs ? 'the account that it stands for is not active at its issuer' : 'the sign-in for which it was made was ended: sign in again';
  }

  /** True if the account of a principal is not active: of one that an issuer names, or of one of the configuration that is bound to a subject. */
  isGone(principal: string): boolean {
    const own = accountOfPrincipal(principal);
    return [...(own === null ? [] : [own]), ...(this.#boundAccounts().get(principal) ?? [])].some(
      (name) => this.#options.accounts.endedBefore(name) === forGoodMs,
    );
  }

  /** Keeps what the issuer says of an account, in place of `before`. While it is not active, all tokens of its names are refused. */
  put(account: Account, before: Account | null): void {
    const { accounts, now } = this.#options;
    const names = namesOf(account);
    const gone = new Set([...(account.isActive ? [] : names), ...this.#goneBeside(account)]);
    const back = [...names, ...(before === null ? [] : namesOf(before))].filter((name) => accounts.endedBefore(name) === forGoodMs && !gone.has(name));
    const ended = account.isActive ? [] : names;
    accounts.put(account, new Map([...back.map((name) => [name, now()] as const), ...ended.map((name) => [name, forGoodMs] as const)]));
  }

  /** Forgets an account that the issuer has removed. Tokens that were made before are refused. */
  remove(account: Account): void {
    const { accounts, now } = this.#options;
    const gone = this.#goneBeside(account);
    accounts.remove(account.id, new Map(namesOf(account).map((name) => [name, gone.has(name) ? forGoodMs : now() + skewMs])));
  }

  /** True if a logout token was remembered. After a restart none is; one that comes again ends nothing more, because what it ends was made before it. */
  isKnown({ issuer, id }: LogoutToken): boolean {
    return this.#logouts.has(accountKey(issuer, id));
  }

  remember({ issuer, id }: LogoutToken): void {
    const [oldest] = this.#logouts;
    if (oldest !== undefined && this.#logouts.size >= logoutsMax) {
      this.#logouts.delete(oldest);
    }
    this.#logouts.add(accountKey(issuer, id));
  }

  /**
   * Ends all sign-ins of a subject, or the one that the issuer names. With that one also those tokens of the subject end that name no sign-in, because they may be
   * of it.
   */
  signOut({ issuer, subject, signIn, issuedMs }: LogoutToken): void {
    const { accounts } = this.#options;
    const names =
      signIn === null ? [accountKey(issuer, subject ?? '')] : [signInKey(issuer, signIn, ''), ...(subject === null ? [] : [signInKey(issuer, null, subject)])];
    names.forEach((name) => {
      accounts.endSignIns(name, issuedMs);
    });
  }

  /** The names of other accounts of the issuer that are not active. Several accounts may have one address, and it stays refused as long as one of them has left. */
  #goneBeside({ id, issuer }: Account): ReadonlySet<string> {
    return new Set(this.#options.accounts.inactive(issuer).flatMap((other) => (other.id === id ? [] : namesOf(other))));
  }

  /** The accounts to which the configuration binds its principals. */
  #boundAccounts(): ReadonlyMap<string, readonly string[]> {
    const directory = this.#options.directory();
    if (this.#bound?.directory !== directory) {
      const accounts = Map.groupBy(directory.subjects, ([, principal]) => principal);
      this.#bound = {
        directory,
        accounts: new Map(
          Array.from(accounts, ([principal, subjects]) => [
            principal,
            subjects.map(([key]) => {
              const [issuer = '', subject = ''] = key.split('\0');
              return accountKey(issuer, subject);
            }),
          ]),
        ),
      };
    }
    return this.#bound.accounts;
  }
}

function namesOf({ issuer, userName, externalId, emails }: Account): readonly string[] {
  return [...new Set([userName, ...(externalId === null ? [] : [externalId]), ...emails].map((name) => accountKey(issuer, name)))];
}
