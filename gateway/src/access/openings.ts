import { GatewayError } from '../domain/errors.ts';
import { both, type Query } from '../query/query.ts';

/** How long an opening waits for a second person, and how long it holds after that. */
const askedMs = 86_400_000;
const grantedMs = 3_600_000;
/** Most openings that wait or hold. */
const openingsMax = 1000;

/** Who asks for an opening, or grants it. */
export interface OpeningPerson {
  readonly id: string;
  readonly onBehalfOf: string | null;
}

/** Somebody asks for the content of a session that nobody reads alone. */
export interface Opening {
  readonly id: string;
  readonly session: string;
  readonly by: string;
  /** For whom it is asked. Null: for who asks. */
  readonly onBehalfOf: string | null;
  readonly reason: string;
  /** The second person; null: nobody has granted it. */
  readonly grantedBy: string | null;
  /** The records that are open: those of the session whose content the second person may read. Null: nobody has granted it. */
  readonly open: Query | null;
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
  ask(session: string, { id: by, onBehalfOf }: OpeningPerson, reason: string): Opening {
    if (this.list().length >= openingsMax) {
      throw new GatewayError('limit_exceeded', `${openingsMax} openings wait or hold: ask again when some have ended.`);
    }
    const opening = { id: this.#parts.newId(), session, by, onBehalfOf, reason, grantedBy: null, open: null, endMs: this.#parts.now() + askedMs };
    this.#openings.set(opening.id, opening);
    return opening;
  }

  /** Grants an opening. `content` are the records whose content the second person may read. Throws as `grantable` does. */
  grant(id: string, person: OpeningPerson, content: Query): Opening {
    const opening = this.grantable(id, person);
    const ofSession: Query = { is: 'term', field: 'session', test: { by: 'equal', value: opening.session } };
    const granted = { ...opening, grantedBy: person.id, open: both([ofSession, content]), endMs: this.#parts.now() + grantedMs };
    this.#openings.set(id, granted);
    return granted;
  }

  /** Finds an opening that somebody may grant. Throws GatewayError `not_found`; `conflict` if somebody has granted it; `refused` for who asked, for whom it was asked, and for who acts for them. */
  grantable(id: string, { id: person, onBehalfOf }: OpeningPerson): Opening {
    const opening = this.list().find((each) => each.id === id);
    if (opening === undefined) {
      throw new GatewayError('not_found', 'There is no such opening: countersign opening list names them.');
    }
    if (opening.grantedBy !== null) {
      throw new GatewayError('conflict', `${opening.grantedBy} has granted this already.`);
    }
    if ([person, onBehalfOf].some((each) => each !== null && (each === opening.by || each === opening.onBehalfOf))) {
      throw new GatewayError('refused', 'A second person grants this, not the one who asks.');
    }
    return opening;
  }

  /** Returns the records whose content is open for somebody. */
  openFor(by: string): readonly Query[] {
    return this.list().flatMap((opening) => (opening.by === by && opening.open !== null ? [opening.open] : []));
  }
}
