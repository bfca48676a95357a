import type { Attributes } from '../domain/action.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { both, type Query } from '../query/query.ts';

/** How long an opening waits for a second person, and how long it holds after that. */
const askedMs = 86_400_000;
const grantedMs = 3_600_000;
/** Most openings that wait or hold: of all, and of one person, who otherwise could keep others from asking. */
const openingsMax = 1000;
const openingsPerPersonMax = 100;

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

/** The actions of the records of openings. */
export const openingActions = { ask: 'gateway.ask_content', grant: 'gateway.open_content' } as const;

/** A record of an opening. No client can cause one with these actions. */
export interface OpeningRecord {
  readonly action: string | null;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly attributes: Attributes;
}

/** Which contents two persons have opened. Each opening is on record before it is kept here, and is taken up from its records after a restart. */
export class Openings {
  readonly #parts: OpeningsParts;
  #openings = new Map<string, Opening>();

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

  /** Makes an opening that waits for a second person. It counts when it is kept. Throws GatewayError `limit_exceeded`. */
  ask(session: string, { id: by, onBehalfOf }: OpeningPerson, reason: string): Opening {
    const openings = this.list();
    if (openings.length >= openingsMax || openings.filter((opening) => opening.by === by).length >= openingsPerPersonMax) {
      throw new GatewayError(
        'limit_exceeded',
        `At most ${openingsPerPersonMax} openings of one person wait or hold, and ${openingsMax} of all: ask again when some have ended.`,
      );
    }
    return { id: this.#parts.newId(), session, by, onBehalfOf, reason, grantedBy: null, open: null, endMs: this.#parts.now() + askedMs };
  }

  /**
   * Grants an opening, which counts when it is kept. `content` are the records whose content the second person may read. Throws GatewayError `not_found`; `conflict` if
   * somebody has granted it; `refused` for who asked, for whom it was asked, and for who acts for them.
   */
  grant(id: string, person: OpeningPerson, content: Query): Opening {
    const opening = this.#grantable(id, person);
    return { ...opening, grantedBy: person.id, open: both([ofSession(opening), content]), endMs: this.#parts.now() + grantedMs };
  }

  keep(opening: Opening): void {
    this.#openings.set(opening.id, opening);
  }

  /** Takes up the openings of an earlier gateway from their records, the newest first. */
  takeUp(records: readonly OpeningRecord[]): void {
    const left = new Map<string, Opening>();
    for (const record of records.toReversed()) {
      const opening = readOpening(record, left);
      if (opening !== null) {
        left.set(opening.id, opening);
      }
    }
    this.#openings = new Map([...left, ...this.#openings]);
  }

  #grantable(id: string, { id: person, onBehalfOf }: OpeningPerson): Opening {
    const opening = this.list().find((each) => each.id === id);
    if (opening === undefined) {
      throw noOpening();
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

export function noOpening(): GatewayError {
  return new GatewayError('not_found', 'There is no such opening: countersign opening list names them.');
}

/** Returns what is on record of an opening, beside who acted and why. */
export function recordedOpening({ id, session, onBehalfOf, open }: Opening): Attributes {
  return {
    [ownAttributes.accessOpening]: id,
    [ownAttributes.accessSession]: session,
    ...(open === null ? (onBehalfOf === null ? {} : { [ownAttributes.onBehalfOf]: onBehalfOf }) : { [ownAttributes.accessOpened]: JSON.stringify(open) }),
  };
}

/** Reads the record of an opening. A grant continues what was asked for before it. Returns null for a record of another form, and for a grant of nothing. */
function readOpening({ action, time, attributes }: OpeningRecord, asked: ReadonlyMap<string, Opening>): Opening | null {
  const {
    [ownAttributes.accessOpening]: id,
    [ownAttributes.accessSession]: session,
    [ownAttributes.accessOpened]: open,
    [ownAttributes.onBehalfOf]: onBehalfOf = null,
    [ownAttributes.reason]: reason,
    'user.id': by,
  } = attributes;
  if (typeof id !== 'string' || typeof session !== 'string' || typeof by !== 'string') {
    return null;
  }
  const timeMs = Date.parse(time);
  const before = asked.get(id);
  if (action === openingActions.ask) {
    const whom = onBehalfOf === null ? null : String(onBehalfOf);
    return { id, session, by, onBehalfOf: whom, reason: String(reason), grantedBy: null, open: null, endMs: timeMs + askedMs };
  }
  return before === undefined || typeof open !== 'string' ? null : { ...before, grantedBy: by, open: JSON.parse(open), endMs: timeMs + grantedMs };
}

function ofSession({ session }: Opening): Query {
  return { is: 'term', field: 'session', test: { by: 'equal', value: session } };
}
