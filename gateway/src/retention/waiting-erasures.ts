import { GatewayError } from '../domain/errors.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { WaitingRows } from '../recording/waiting-rows.ts';
import type { WantedErase } from './erase-query.ts';
import type { HoldPerson } from './holds.ts';

/** How long an erasure waits for a second person. */
const waitMs = 86_400_000;
/** Most that wait: of all, and of one person, who otherwise could keep others from asking. */
const waitingMax = 100;
const waitingPerPersonMax = 20;

/** An erasure that a second person has to confirm, or has confirmed. */
export interface WaitingErasure extends WantedErase {
  readonly id: string;
  readonly by: HoldPerson;
  /** When it ends, in ms since 1970, unless it is confirmed by then. */
  readonly endMs: number;
  /** Who has confirmed it: it is on record and is carried out, whatever fails. Null: it waits. */
  readonly confirmedBy: HoldPerson | null;
}

/** Returns when somebody asked for an erasure, in ms since 1970. */
export function askedMs({ endMs }: Pick<WaitingErasure, 'endMs'>): number {
  return endMs - waitMs;
}

interface WaitingErasuresParts {
  readonly rows: WaitingRows;
  readonly log: Pick<Recorder, 'size' | 'erasures'>;
  readonly newId: () => string;
  readonly now: () => number;
}

/**
 * The erasures that two persons decide, over restarts too:
 *
 *   waits ── confirmed ── on record, carried out ── gone
 *     │          └── fails before it is on record: waits again
 *     └── its time is over: gone
 */
export class WaitingErasures {
  readonly #parts: WaitingErasuresParts;
  /** Those that somebody has just confirmed, until their confirmation has succeeded or failed. */
  readonly #confirming = new Set<string>();

  constructor(parts: WaitingErasuresParts) {
    this.#parts = parts;
  }

  /** Returns those that wait and those that are carried out, oldest first, and removes those whose time is over or that are done. Throws GatewayError `cannot_record`. */
  list(): readonly WaitingErasure[] {
    const { rows, log, now } = this.#parts;
    const nowMs = now();
    const openFrom = Math.min(...log.erasures.map(({ index }) => index));
    return rows.all(waitingMax).flatMap(({ facts, told }) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this file writes it, and it is sealed
      const erasure = JSON.parse(facts) as WaitingErasure;
      const isThere = told > 0 ? openFrom < told : erasure.endMs > nowMs || this.#confirming.has(erasure.id);
      if (!isThere) {
        rows.remove(erasure.id);
      }
      return isThere ? [{ ...erasure, confirmedBy: told > 0 ? erasure.confirmedBy : null }] : [];
    });
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
    return { id: this.#parts.newId(), by, query, reason, facts, endMs: this.#parts.now() + waitMs, confirmedBy: null };
  }

  /** Throws GatewayError `cannot_record`. */
  keep(erasure: WaitingErasure): void {
    this.#parts.rows.add({ id: erasure.id, facts: JSON.stringify(erasure) });
  }

  /**
   * Carries one out for a second person. `carryOut` calls `onAnnounced` as soon as what it destroys is appended to the log: from then on it is confirmed, and what is left of it is completed
   * like every erasure. If it rejects before, it waits again. Rejects as `carryOut` does, and with GatewayError `not_found`; `conflict` if it is confirmed; `refused` for who asked, for whom it
   * was asked, and for who acts for them.
   */
  async confirm<T>(id: string, person: HoldPerson, carryOut: (erasure: WaitingErasure, onAnnounced: () => void) => Promise<T>): Promise<T> {
    const erasure = this.#find(id, person);
    const { rows, log } = this.#parts;
    this.#confirming.add(id);
    try {
      const result = await carryOut(erasure, () =>
        rows.tell({ id, facts: JSON.stringify({ ...erasure, confirmedBy: person } satisfies WaitingErasure) }, log.size),
      );
      rows.remove(id);
      return result;
    } finally {
      this.#confirming.delete(id);
    }
  }

  #find(id: string, { id: person, onBehalfOf }: HoldPerson): WaitingErasure {
    const erasure = this.list().find((each) => each.id === id);
    if (erasure === undefined) {
      throw new GatewayError('not_found', 'No such erasure waits: countersign erasure list names them.');
    }
    if (erasure.confirmedBy !== null || this.#confirming.has(id)) {
      throw new GatewayError('conflict', 'It is confirmed already, and is being carried out: countersign erasure list names it until it is done.');
    }
    if ([person, onBehalfOf].some((each) => each !== null && (each === erasure.by.id || each === erasure.by.onBehalfOf))) {
      throw new GatewayError('refused', 'A second person confirms this, not the one who asks.');
    }
    return erasure;
  }
}
