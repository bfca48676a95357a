import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';

/** Most sessions whose claims are remembered. The one that asked least recently is forgotten. */
const sessionsMax = 10_000;

/**
 * Remembers what clients said of their own software as they began sessions with a server. Until the revision 2026-07-28 they say it only then, so later requests of
 * the session get it from here. It is forgotten when the gateway stops.
 */
export class ClaimsOfSessions {
  readonly #claims = new Map<string, Attributes>();

  /** Returns the claims for a request that has none of its own, by the session that it names; empty if they are not known. */
  attributesOf(target: string, attributes: Attributes): Attributes {
    const key = keyOf(target, attributes);
    const known = key === null || attributes[ownAttributes.clientClaims] !== undefined ? undefined : this.#claims.get(key);
    if (key === null || known === undefined) {
      return {};
    }
    this.#keep(key, known);
    return known;
  }

  /** Takes the facts of the answer to a request. If the server began a session in it, the claims of the request are those of the session. */
  learn(target: string, asked: Attributes, answered: Attributes): void {
    const key = keyOf(target, answered);
    const claims = asked[ownAttributes.clientClaims];
    if (key !== null && claims !== undefined && asked['mcp.method.name'] === 'initialize') {
      this.#keep(key, { [ownAttributes.clientClaims]: claims });
    }
  }

  #keep(key: string, claims: Attributes): void {
    this.#claims.delete(key);
    this.#claims.set(key, claims);
    for (const oldest of this.#claims.keys()) {
      if (this.#claims.size <= sessionsMax) {
        return;
      }
      this.#claims.delete(oldest);
    }
  }
}

function keyOf(target: string, attributes: Attributes): string | null {
  const session = attributes['mcp.session.id'];
  return typeof session === 'string' ? `${target}\0${session}` : null;
}
