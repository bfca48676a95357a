import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { NameChange } from './client-units.ts';

/** This many statements, and this many portals, are remembered for one connection. Past it the oldest is forgotten, and records do not refer to it. */
const namesMax = 10_000;

interface Portal {
  /** Request that holds the Bind, and the one that holds the Parse of its statement. */
  readonly bind: number;
  readonly parse: number | undefined;
}

/** The records that hold the Bind and the Parse of a unit that executes, as far as the unit does not, and the facts that name them. */
interface Origin {
  readonly bind: number | undefined;
  readonly parse: number | undefined;
  readonly attributes: Attributes | null;
}

/** Takes a change back when the target says that it did not happen. */
export interface Undo {
  readonly step: number;
  readonly restore: () => void;
}

/**
 * Remembers which request record holds the Parse of a statement and the Bind of a portal, so that what an Execute executes can be shown. It knows what clients
 * do by messages; what SQL does to names (PREPARE, DEALLOCATE, DECLARE) it learns from command tags, and then rather forgets than errs.
 */
export class Names {
  readonly #statements = new Map<string, number>();
  readonly #portals = new Map<string, Portal>();
  #newest: Origin = { bind: undefined, parse: undefined, attributes: null };

  /** Attributes of a unit that executes: they name the records that hold the Bind and the Parse if the unit does not. The same object as for the unit before, where it says the same. Null for any other unit. */
  origin(changes: readonly NameChange[]): Attributes | null {
    const last = changes.at(-1);
    if (last?.kind !== 'execute') {
      return null;
    }
    for (let i = changes.length - 2; i >= 0; i -= 1) {
      const change = changes[i];
      if (change?.kind === 'bind' && change.name === last.name) {
        return this.#originOf(undefined, parsedBefore(changes, i, change.statement) ? undefined : this.#statements.get(change.statement));
      }
    }
    const portal = this.#portals.get(last.name);
    return this.#originOf(portal?.bind, portal?.parse);
  }

  #originOf(bind: number | undefined, parse: number | undefined): Attributes | null {
    if (bind !== this.#newest.bind || parse !== this.#newest.parse) {
      const attributes = { ...(bind === undefined ? {} : { [ownAttributes.bind]: bind }), ...(parse === undefined ? {} : { [ownAttributes.parse]: parse }) };
      this.#newest = { bind, parse, attributes: bind === undefined && parse === undefined ? null : attributes };
    }
    return this.#newest.attributes;
  }

  /** The unit went out as request `seq`. */
  apply(changes: readonly NameChange[], seq: number): readonly Undo[] {
    const undos: Undo[] = [];
    for (const change of changes) {
      const restore = this.#apply(change, seq);
      if (restore !== null) {
        undos.push({ step: change.step, restore });
      }
    }
    return undos;
  }

  #apply(change: NameChange, seq: number): (() => void) | null {
    const { name } = change;
    switch (change.kind) {
      case 'parse':
        return set(this.#statements, name, seq);
      case 'bind':
        return set(this.#portals, name, { bind: seq, parse: this.#statements.get(change.statement) });
      case 'close-statement':
        return set(this.#statements, name, undefined);
      case 'close-portal':
        return set(this.#portals, name, undefined);
      case 'execute':
        return null;
      default:
        return change satisfies never;
    }
  }

  /** A simple query drops the unnamed statement and the unnamed portal. */
  queried(): void {
    this.#statements.delete('');
    this.#portals.delete('');
  }

  /** A statement ended; its command tag says what SQL did to names. `deallocated`: to which, if that is known. */
  commandCompleted(tag: string, deallocated: string | null): void {
    if (tag === 'DEALLOCATE' && deallocated !== null) {
      this.#statements.delete(deallocated);
    } else if (tag.startsWith('DEALLOCATE') || tag.startsWith('DISCARD')) {
      this.#statements.clear();
    }
    if (tag.startsWith('DECLARE') || tag.startsWith('CLOSE') || tag.startsWith('DISCARD')) {
      this.#portals.clear();
    }
  }

  /** Portals end with their transaction. */
  transactionEnded(): void {
    if (this.#portals.size > 0) {
      this.#portals.clear();
    }
  }
}

function parsedBefore(changes: readonly NameChange[], before: number, name: string): boolean {
  for (let i = before - 1; i >= 0; i -= 1) {
    const change = changes[i];
    if (change?.kind === 'parse' && change.name === name) {
      return true;
    }
  }
  return false;
}

/** Sets or deletes, and returns how to take it back. */
function set<T>(map: Map<string, T>, name: string, value: T | undefined): () => void {
  const before = map.get(name);
  put(map, name, value);
  return () => {
    put(map, name, before);
  };
}

function put<T>(map: Map<string, T>, name: string, value: T | undefined): void {
  if (value === undefined) {
    map.delete(name);
    return;
  }
  map.set(name, value);
  if (map.size > namesMax) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
}

const deallocationBytesMax = 200;

/** The name in a query that is nothing but `DEALLOCATE name`, as clients send it when they make room; null for any other. */
export function deallocatedName(query: readonly Uint8Array[]): string | null {
  const [message] = query;
  if (message === undefined || message.length > deallocationBytesMax || ((message[5] ?? 0) | 0x20) !== 0x64) {
    return null;
  }
  const text = Buffer.from(message.subarray(5, -1)).toString('latin1');
  const [, quoted, plain] = /^deallocate\s+(?:prepare\s+)?(?:"([^"]+)"|([a-z_]\w*))\s*;?\s*$/i.exec(text) ?? [];
  return quoted ?? plain?.toLowerCase() ?? null;
}
