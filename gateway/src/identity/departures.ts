import { accountKey, accountOfPrincipal, signInKey, type Directory } from '../domain/issuer.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import { forGoodMs, type Exclusions } from '../store/exclusions.ts';
import type { IssuedToken, LogoutToken } from './issuers.ts';

/** By so much the clock of an issuer may be ahead: a token that it made a moment before somebody left must not seem to be made after it. */
const skewMs = 30_000;

const logoutsMax = 4_096;

export interface DeparturesOptions {
  readonly accounts: Accounts;
  readonly exclusions: Exclusions;
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
    const { exclusions } = this.#options;
    const endedMs = Math.max(...names.map((name) => exclusions.endedBefore(name)));
    if (issuedMs > endedMs || endedMs === 0) {
      return null;
    }
    return endedMs === forGoodMs ? 'the account that it stands for is not active at its issuer' : 'the sign-in for which it was made was ended: sign in again';
  }

  /** True if the account of a principal is not active: of one that an issuer names, or of one of the configuration that is bound to a subject. */
  isGone(principal: string): boolean {
    const own = accountOfPrincipal(principal);
    return [...(own === null ? [] : [own]), ...(this.#boundAccounts().get(principal) ?? [])].some(
      (name) => this.#options.exclusions.endedBefore(name) === forGoodMs,
    );
  }

  /** Keeps what the issuer says of an account, in place of `before`. While it is not active, all tokens of its names are refused. Rejects as `Exclusions.append` does. */
  async put(account: Account, before: Account | null): Promise<void> {
    const { accounts, exclusions, now } = this.#options;
    const names = namesOf(account);
    const known = [...new Set([...names, ...(before === null ? [] : namesOf(before))])];
    await exclusions.append(
      async () => {
        const gone = await this.#goneBeside(account);
        const isGone = (name: string): boolean => gone.has(name) || (!account.isActive && names.includes(name));
        return known
          .filter((name) => (exclusions.endedBefore(name) === forGoodMs) !== isGone(name))
          .map((name) => ended(name, isGone(name) ? forGoodMs : now()));
      },
      { beside: accounts.putting(account, before) },
    );
  }

  /** Forgets an account that the issuer has removed. Tokens that were made before are refused. Rejects as `Exclusions.append` does. */
  async remove(account: Account): Promise<void> {
    const { accounts, exclusions, now } = this.#options;
    await exclusions.append(
      async () => {
        const gone = await this.#goneBeside(account);
        return namesOf(account).map((name) => ended(name, gone.has(name) ? forGoodMs : now() + skewMs));
      },
      { beside: accounts.removing(account) },
    );
  }

  /** True if a logout token was remembered. After a restart none is; one that comes again, while it counts, ends what was begun meanwhile too. */
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
   * of it. Rejects as `Exclusions.append` does.
   */
  async signOut({ issuer, subject, signIn, endedMs }: Omit<LogoutToken, 'id'>): Promise<void> {
    const { exclusions } = this.#options;
    const names =
      signIn === null ? [accountKey(issuer, subject ?? '')] : [signInKey(issuer, signIn, ''), ...(subject === null ? [] : [signInKey(issuer, null, subject)])];
    // An end that is later already stays.
    await exclusions.append(() => names.filter((name) => endedMs > exclusions.endedBefore(name)).map((name) => ended(name, endedMs)));
  }

  /** The names of other accounts of the issuer that are not active. Several accounts may have one address, and it stays refused as long as one of them has left. */
  async #goneBeside({ id, issuer }: Account): Promise<ReadonlySet<string>> {
    return new Set((await this.#options.accounts.inactive(issuer)).flatMap((other) => (other.id === id ? [] : namesOf(other))));
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

function ended(name: string, timeMs: number): { readonly kind: 'ended'; readonly name: string; readonly timeMs: number } {
  return { kind: 'ended', name, timeMs };
}

function namesOf({ issuer, userName, externalId, emails }: Account): readonly string[] {
  return [...new Set([userName, ...(externalId === null ? [] : [externalId]), ...emails].map((name) => accountKey(issuer, name)))];
}
