import { GatewayError } from '../domain/errors.ts';
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
  readonly newId: () => string;
  readonly now: () => number;
}

/** The erasures that wait for a second person. They are in memory alone: after a restart they are asked for again, since nothing is erased by them. */
export class WaitingErasures {
  readonly #parts: WaitingErasuresParts;
  readonly #waiting = new Map<string, WaitingErasure>();

  constructor(parts: WaitingErasuresParts) {
    this.#parts = parts;
  }

  /** Returns those that wait, oldest first. */
  list(): readonly WaitingErasure[] {
    const nowMs = this.#parts.now();
    for (const { id, endMs } of this.#waiting.values()) {
      if (endMs <= nowMs) {
        this.#waiting.delete(id);
      }
    }
    return [...this.#waiting.values()];
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

  keep(erasure: WaitingErasure): void {
    this.#waiting.set(erasure.id, erasure);
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
    this.#waiting.delete(id);
  }
}
