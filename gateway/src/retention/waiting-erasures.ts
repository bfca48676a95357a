import { GatewayError } from '../domain/errors.ts';
import type { WaitingRows } from '../recording/waiting-rows.ts';
import type { WantedErase } from './erase-query.ts';
import type { HoldPerson } from './holds.ts';

/** How long an erasure waits for a second person. */
const waitMs = 86_400_000;
/** Most that wait: of all, and of one person, who otherwise could keep others from asking. */
const waitingMax = 100;
const waitingPerPersonMax = 20;

/** An erasure that a second person has to confirm. */
export interface WaitingErasure extends WantedErase {
  readonly id: string;
  readonly by: HoldPerson;
  /** When it ends, in ms since 1970. */
  readonly endMs: number;
}

interface WaitingErasuresParts {
  readonly rows: WaitingRows;
  readonly newId: () => string;
  readonly now: () => number;
}

/** The erasures that wait for a second person, over restarts too, until one has confirmed each or its time is over. */
export class WaitingErasures {
  readonly #parts: WaitingErasuresParts;

  constructor(parts: WaitingErasuresParts) {
    this.#parts = parts;
  }

  /** Returns those that wait, oldest first, and removes those whose time is over. Throws GatewayError `cannot_record`. */
  list(): readonly WaitingErasure[] {
    const { rows, now } = this.#parts;
    const nowMs = now();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this file writes it, and it is sealed
    const all = rows.all(waitingMax).map(({ facts }) => JSON.parse(facts) as WaitingErasure);
    for (const { id } of all.filter(({ endMs }) => endMs <= nowMs)) {
      rows.remove(id);
    }
    return all.filter(({ endMs }) => endMs > nowMs);
  }

  /** Makes one that waits. It counts when it is kept. Throws GatewayError `limit_exceeded`. */
  ask(by: HoldPerson, { query, reason, facts }: WantedErase): WaitingErasure {
    const waiting = this.list();
    if (waiting.length >= waitingMax || waiting.filter((each) => each.by.id === by.id).length >= waitingPerPersonMax) {
      throw new GatewayError(
        'limit_exceeded',
        `At most ${waitingPerPersonMax} erasures of one person wait, and ${waitingMax} of all: have some confirmed first.`,
      );
    }
    return { id: this.#parts.newId(), by, query, reason, facts, endMs: this.#parts.now() + waitMs };
  }

  /** Throws GatewayError `cannot_record`. */
  keep(erasure: WaitingErasure): void {
    this.#parts.rows.add({ id: erasure.id, facts: JSON.stringify(erasure) });
  }

  /** Returns one that a person may confirm. Throws GatewayError `not_found`; `refused` for who asked, for whom it was asked, and for who acts for them. */
  find(id: string, { id: person, onBehalfOf }: HoldPerson): WaitingErasure {
    const erasure = this.list().find((each) => each.id === id);
    if (erasure === undefined) {
      throw new GatewayError('not_found', 'No such erasure waits: countersign erasure list names them.');
    }
    if ([person, onBehalfOf].some((each) => each !== null && (each === erasure.by.id || each === erasure.by.onBehalfOf))) {
      throw new GatewayError('refused', 'A second person confirms this, not the one who asks.');
    }
    return erasure;
  }

  remove(id: string): void {
    this.#parts.rows.remove(id);
  }
}
