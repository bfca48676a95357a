import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { NamedTypes } from './changed-unit.ts';
import type { NameChange } from './client-units.ts';

/** Most statements, and most portals, that are remembered for one connection. If there are more, the oldest is forgotten and records do not refer to it. */
const namesMax = 10_000;

interface Portal {
  /** The sequence number of the record with the Bind. */
  readonly bind: number;
  readonly parse: number | undefined;
}

/** The records with the Bind and the Parse of a unit that executes, if they are not in the unit itself, and the attributes that name them. */
interface Origin {
  readonly bind: number | undefined;
  readonly parse: number | undefined;
  readonly attributes: Attributes | null;
}

/** Cancels a change, because the target reported that it did not happen. */
export interface Undo {
  readonly step: number;
  readonly restore: () => void;
}

/**
 * Remembers which record holds the Parse of a statement and the Bind of a portal, so that the executed statement can be shown. Messages of clients tell it
 * exactly. For changes by SQL (PREPARE, DEALLOCATE, DECLARE) it reads command tags, and in doubt it forgets a name.
 */
export class Names {
  readonly #statements = new Map<string, number>();
  readonly #portals = new Map<string, Portal>();
  /** The types of parameters that the Parse messages of a request named, by its number. Only requests whose texts were changed are here. */
  readonly #types = new Map<number, NamedTypes>();
  #newest: Origin = { bind: undefined, parse: undefined, attributes: null };

  /**
   * Returns the attributes of a unit that executes: they name the records with the Bind and the Parse if these are not in the unit. The object is the same as
   * for the unit before if it says the same. Null for any other unit.
   */
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

  /** Applies the changes of a unit that was sent as request `seq`. */
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

  /** Notes the types that the Parse messages of request `seq` name. */
  noteTypes(seq: number, types: NamedTypes): void {
    put(this.#types, seq, types);
  }

  /** Returns the types of a statement's parameters, if the request that prepared it named them. */
  typesOf(statement: string): readonly number[] | null {
    const seq = this.#statements.get(statement);
    return seq === undefined ? null : (this.#types.get(seq)?.get(statement) ?? null);
  }

  /** Handles a simple query, which drops the unnamed statement and the unnamed portal. */
  queried(): void {
    this.#statements.delete('');
    this.#portals.delete('');
  }

  /** Handles the end of a statement. Its command tag says what SQL did to names; `deallocated` is the name, if it is known. */
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

  /** Forgets the portals, which end with their transaction. */
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

/** Sets or deletes an entry. Returns a function that undoes this. */
function set<T>(map: Map<string, T>, name: string, value: T | undefined): () => void {
  const before = map.get(name);
  put(map, name, value);
  return () => {
    put(map, name, before);
  };
}

function put<Key, T>(map: Map<Key, T>, name: Key, value: T | undefined): void {
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

/** Returns the name in a query that is only `DEALLOCATE name`, which clients send to free memory; null for any other query. */
export function deallocatedName(query: readonly Uint8Array[]): string | null {
  const [message] = query;
  if (message === undefined || message.length > deallocationBytesMax || ((message[5] ?? 0) | 0x20) !== 0x64) {
    return null;
  }
  const text = Buffer.from(message.subarray(5, -1)).toString('latin1');
  const [, quoted, plain] = /^deallocate\s+(?:prepare\s+)?(?:"([^"]+)"|([a-z_]\w*))\s*;?\s*$/i.exec(text) ?? [];
  return quoted ?? plain?.toLowerCase() ?? null;
}
