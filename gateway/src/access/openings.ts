import { GatewayError } from '../domain/errors.ts';

/** How long an opening waits for a second person, and how long it holds after that. */
const askedMs = 86_400_000;
const grantedMs = 3_600_000;
/** Most openings that wait or hold. */
const openingsMax = 1000;

/** Somebody asks for the content of a session that nobody reads alone. */
export interface Opening {
  readonly id: string;
  readonly session: string;
  readonly by: string;
  readonly reason: string;
  /** The second person; null: nobody has granted it. */
  readonly grantedBy: string | null;
  /** When it ends, in ms since 1970. */
  readonly endMs: number;
}

export interface OpeningsParts {
  readonly newId: () => string;
  readonly now: () => number;
}

/** Which contents two persons have opened. It is in memory only: after a restart they ask again. */
export class Openings {
  readonly #parts: OpeningsParts;
  readonly #openings = new Map<string, Opening>();

  constructor(parts: OpeningsParts) {
    this.#parts = parts;
  }

  /** Returns those that wait or hold, oldest first. */
  list(): readonly Opening[] {
    const nowMs = this.#parts.now();
    for (const { id, endMs } of this.#openings.values()) {
      if (endMs <= nowMs) {
        this.#openings.delete(id);
      }
    }
    return [...this.#openings.values()];
  }

  /** Throws GatewayError `limit_exceeded`. */
  ask(session: string, by: string, reason: string): Opening {
    if (this.list().length >= openingsMax) {
      throw new GatewayError('limit_exceeded', `${openingsMax} openings wait or hold: ask again when some have ended.`);
    }
    const opening = { id: this.#parts.newId(), session, by, reason, grantedBy: null, endMs: this.#parts.now() + askedMs };
    this.#openings.set(opening.id, opening);
    return opening;
  }

  /** Grants an opening. Throws as `grantable` does. */
  grant(id: string, grantedBy: string): Opening {
    const granted = { ...this.grantable(id, grantedBy), grantedBy, endMs: this.#parts.now() + grantedMs };
    this.#openings.set(id, granted);
    return granted;
  }

  /** Finds an opening that somebody may grant. Throws GatewayError `not_found`; `conflict` if somebody has granted it; `refused` for who asked. */
  grantable(id: string, grantedBy: string): Opening {
    const opening = this.list().find((each) => each.id === id);
    if (opening === undefined) {
      throw new GatewayError('not_found', 'There is no such opening: countersign opening list names them.');
    }
    if (opening.grantedBy !== null) {
      throw new GatewayError('conflict', `${opening.grantedBy} has granted this already.`);
    }
    if (opening.by === grantedBy) {
      throw new GatewayError('refused', 'A second person grants this, not the one who asks.');
    }
    return opening;
  }

  /** Returns the sessions whose content is open for somebody. */
  openFor(by: string): readonly string[] {
    return this.list().flatMap((opening) => (opening.by === by && opening.grantedBy !== null ? [opening.session] : []));
  }
}
