import { hash } from 'node:crypto';
import type { GivenIds, NamedIds } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import { unlessToldMark } from '../domain/record.ts';
import type { Target } from '../domain/target.ts';

/** Most ids that are kept in memory after they were given: the index may not have the newest ones yet. */
const recentMax = 100_000;

/** The principal and the run to which an id was given. */
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

/** The number of records in the log, and the number of them that the index has. */
export interface LogReach {
  readonly written: () => number;
  readonly indexed: () => number;
}

interface Given {
  readonly value: string;
  /** Number of records, from the beginning of the log, that include the record of this id. */
  readonly within: number;
}

/**
 * Knows to whom targets gave which ids. The record of each answer that gives ids also holds their owners. The index finds them again; it holds digests and not
 * the ids themselves, because an id opens what is behind it. Targets at one address share their ids, whatever the targets are called.
 */
export class IdsOfTargets {
  readonly #recent = new Map<string, Given>();
  /** Ids that were given while their owners were unknown. They belong to the client that got them, unless the index finds an earlier owner. */
  readonly #unsure = new Map<string, Given>();
  readonly #recall: RecallOwner;
  readonly #reach: LogReach;
  /** Number of records, from the beginning of the log, that include everything that was dropped from memory. An index with fewer records may lack some of it. */
  #dropped = 0;

  /** While `recall` has no answer, only ids that were given since the start are let through. */
  constructor(recall: RecallOwner, reach: LogReach = { written: () => 0, indexed: () => 0 }) {
    this.#recall = recall;
    this.#reach = reach;
  }

  /** Returns the facts to record, as texts of `KEY VALUE`. It returns none for ids that already belong to somebody. */
  give(target: Target, { ids, isNew }: GivenIds, owner: Owner): readonly string[] {
    const address = addressOf(target);
    const value = printOwner(owner);
    // The caller records them next, in at most as many records as there are ids.
    const within = this.#reach.written() + ids.length;
    return ids.flatMap((id) => {
      const key = keyOf(id);
      const known = this.#find(address, key);
      if (known === value || (!isNew && typeof known === 'string')) {
        return [];
      }
      // An id that is not new may belong to somebody who is not known yet.
      const isUnsure = !isNew && known === undefined;
      if (isUnsure && this.#unsure.has(`${address} ${key}`)) {
        return [];
      }
      this.#keep(isUnsure ? this.#unsure : this.#recent, `${address} ${key}`, { value, within });
      return [`${key} ${isUnsure ? unlessToldMark : ''}${value}`];
    });
  }

  /** Returns the reason why a request may not name these ids; null if it may. */
  refusal(target: Target, { ids, isFor, strangePass }: NamedIds, owner: Owner): IdRefusal | null {
    const address = addressOf(target);
    const [principal = ''] = printOwner(owner).split('/');
    for (const id of ids) {
      const known = this.#find(address, keyOf(id));
      if (known === undefined) {
        return {
          answeredAs: 'catching_up',
          reason: 'The index is not complete yet, so it is not known to whom the target gave an id that the request names. Ask again in a moment.',
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
