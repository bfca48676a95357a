import { hash } from 'node:crypto';
import type { GivenIds, NamedIds } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import { unlessToldMark } from '../domain/record.ts';
import type { Target } from '../domain/target.ts';

/** The newest of what was given, while it may not be in the index yet. */
const recentMax = 100_000;

/** The principal and run that an id was given to. */
export interface Owner {
  readonly principal: string;
  /** The session of the run; null outside of runs. */
  readonly run: string | null;
}

export interface IdRefusal {
  readonly answeredAs: NonNullable<Decision['answeredAs']>;
  readonly reason: string;
}

/** Finds the recorded owner of an id; null if there is none. Undefined: it is not known now, because the index is being made again. */
export type RecallOwner = (address: string, key: string) => string | null | undefined;

/** Counts the records in the log, and how many of them the index has. */
export interface LogReach {
  readonly written: () => number;
  readonly indexed: () => number;
}

interface Given {
  readonly value: string;
  /** Number of records, from the beginning of the log, that include its record. */
  readonly within: number;
}

/**
 * Knows to whom the targets gave which ids. Each answer that gives ids has their owners in its record, and they are found again by the index, which has no id in the clear:
 * they open what is behind them. Targets at one address share what they give, whatever their names.
 */
export class IdsOfTargets {
  readonly #recent = new Map<string, Given>();
  /** Given while it was not known whose they are: they are nobody else's unless they were given before. */
  readonly #unsure = new Map<string, Given>();
  readonly #recall: RecallOwner;
  readonly #reach: LogReach;
  /** Number of records, from the beginning of the log, that include everything that was dropped from memory. An index with fewer records may lack some of it. */
  #dropped = 0;

  /** While `recall` does not know, only what was given since the start is believed, and no other id is let through. */
  constructor(recall: RecallOwner, reach: LogReach = { written: () => 0, indexed: () => 0 }) {
    this.#recall = recall;
    this.#reach = reach;
  }

  /** Returns what is to be recorded, texts of `KEY VALUE`; none for ids that are somebody's already. */
  give(target: Target, { ids, isNew }: GivenIds, owner: Owner): readonly string[] {
    const address = addressOf(target);
    const value = printOwner(owner);
    // They are recorded next, in at most as many records as there are ids.
    const within = this.#reach.written() + ids.length;
    return ids.flatMap((id) => {
      const key = keyOf(id);
      const known = this.#find(address, key);
      if (known === value || (!isNew && typeof known === 'string')) {
        return [];
      }
      // An id that is not new may be somebody's of whom nothing is known yet.
      const isUnsure = !isNew && known === undefined;
      if (isUnsure && this.#unsure.has(`${address} ${key}`)) {
        return [];
      }
      this.#keep(isUnsure ? this.#unsure : this.#recent, `${address} ${key}`, { value, within });
      return [`${key} ${isUnsure ? unlessToldMark : ''}${value}`];
    });
  }

  /** Why a request may not name these ids; null when it may. */
  refusal(target: Target, { ids, isFor, strangePass }: NamedIds, owner: Owner): IdRefusal | null {
    const address = addressOf(target);
    const [principal = ''] = printOwner(owner).split('/');
    for (const id of ids) {
      const known = this.#find(address, keyOf(id));
      if (known === undefined) {
        return {
          answeredAs: 'catching_up',
          reason: 'The index is not whole yet: whom the target gave an id to that the request names is not known. Ask again in a moment.',
        };
      }
      if (known === null && !strangePass) {
        return { answeredAs: 'not_found', reason: 'it names an id that the target was not seen to give' };
      }
      if (known !== null && (isFor === 'run' ? known !== printOwner(owner) : known.split('/')[0] !== principal)) {
        return { answeredAs: 'not_found', reason: 'it names an id that the target gave to somebody else, or in another run' };
      }
    }
    return null;
  }

  /** Finds the owner of an id. Null: the id was given to nobody. Undefined: that is not known yet. */
  #find(address: string, key: string): string | null | undefined {
    const name = `${address} ${key}`;
    const recent = this.#recent.get(name);
    if (recent !== undefined) {
      return recent.value;
    }
    const recalled = this.#reach.indexed() < this.#dropped ? undefined : this.#recall(address, key);
    return recalled === null ? (this.#unsure.get(name)?.value ?? null) : recalled;
  }

  #keep(given: Map<string, Given>, key: string, value: Given): void {
    given.delete(key);
    given.set(key, value);
    const [oldest] = given;
    if (oldest !== undefined && given.size > recentMax) {
      given.delete(oldest[0]);
      this.#dropped = Math.max(this.#dropped, oldest[1].within);
    }
  }
}

export function addressOf({ scheme, host, port }: Target): string {
  return `${scheme}://${host}:${port}`;
}

function keyOf(id: string): string {
  return hash('sha256', id, 'base64url');
}

function printOwner({ principal, run }: Owner): string {
  return `${encodeURIComponent(principal)}/${run ?? ''}`;
}
