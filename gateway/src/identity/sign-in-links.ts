import { hash, randomBytes } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';

/** A link counts for so long. */
const linkMs = 60_000;
/** Most links that wait. With a further one the oldest counts no more. */
const linksMax = 1_000;

interface Link {
  readonly principal: string;
  readonly token: string;
  readonly expiresMs: number;
}

/** The links with which who has a token signs a browser in. Each counts once, for a minute, in this process. */
export class SignInLinks {
  readonly #now: () => number;
  /** By the SHA-256 of their secrets, oldest first. */
  readonly #links = new Map<string, Link>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Makes a link for the holder of a token. Returns its secret, and when it ends, in milliseconds since 1970. */
  make(principal: string, token: string): { readonly secret: string; readonly expiresMs: number } {
    const secret = randomBytes(32).toString('base64url');
    const expiresMs = this.#now() + linkMs;
    const [oldest] = this.#links.keys();
    if (oldest !== undefined && this.#links.size >= linksMax) {
      this.#links.delete(oldest);
    }
    this.#links.set(hash('sha256', secret), { principal, token, expiresMs });
    return { secret, expiresMs };
  }

  /** Returns the principal of a link that counts, which goes on counting. Throws GatewayError `unauthenticated`. */
  principalOf(secret: string): string {
    return this.#find(secret).principal;
  }

  /** Spends a link, and returns its token. Throws GatewayError `unauthenticated`. */
  spend(secret: string): string {
    const { token } = this.#find(secret);
    this.#links.delete(hash('sha256', secret));
    return token;
  }

  #find(secret: string): Link {
    const link = this.#links.get(hash('sha256', secret));
    if (link === undefined || link.expiresMs <= this.#now()) {
      throw new GatewayError('unauthenticated', 'The link does not count: it was used, or is older than a minute. countersign console makes another one.');
    }
    return link;
  }
}
