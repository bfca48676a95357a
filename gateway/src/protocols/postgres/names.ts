import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { NamedTypes } from './changed-unit.ts';
import { messagesOf, type NameChange, type Unit } from './client-units.ts';
import { bindDigest, parseDigest } from './known-unit.ts';
import { frontend, type Column } from './messages.ts';

/** Most statements, and most portals, that are remembered for one connection. If there are more, the oldest is forgotten and records do not refer to it. */
const namesMax = 10_000;
/** Most columns that are remembered for one connection. If there are more, all are forgotten. */
const columnsMax = 100_000;

/** The results of a statement or a portal, as far as the target has described them while an obligation changed its answers. */
export interface Described {
  /** Null: it was not described, or may be another one by now. */
  columns: readonly Column[] | null;
  /** The formats of a portal's results. Null: they are not known. */
  formats: readonly number[] | null;
  /** The statement of a portal. */
  readonly statement?: Described | undefined;
}

interface Statement extends Described {
  /** The sequence number of the record with the Parse. */
  readonly parse: number;
  /** The digest of the Parse. Null: it was not made. */
  readonly digest: string | null;
}

interface Portal extends Described {
  /** The sequence number of the record with the Bind. */
  readonly bind: number;
  readonly parse: number | undefined;
  /** The digest of the Bind and of the Parse of its statement. Null: one of them is not known. */
  readonly digest: string | null;
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
  readonly #statements = new Map<string, Statement>();
  readonly #portals = new Map<string, Portal>();
  /** The types of parameters that the Parse messages of a request named, by its number. Only requests whose texts were changed are here. */
  readonly #types = new Map<number, NamedTypes>();
  #newest: Origin = { bind: undefined, parse: undefined, attributes: null };
  #columns = 0;
  /** Another number after each text that may have given another meaning to names without a word of it. */
  doubts = 0;

  statement(name: string): Described | undefined {
    return this.#statements.get(name);
  }

  portal(name: string): Described | undefined {
    return this.#portals.get(name);
  }

  /** Notes the columns of a statement or a portal, as they were asked for when there were so many doubts. */
  describe(subject: Described, columns: readonly Column[], doubts: number): void {
    if (doubts !== this.doubts) {
      return;
    }
    this.#columns += columns.length;
    if (this.#columns > columnsMax) {
      this.#forgetColumns();
      this.#columns = columns.length;
    }
    subject.columns = columns;
  }

  /** Notes that a text was sent that may give another meaning to names. */
  doubt(doubts: number): void {
    if (doubts !== this.doubts) {
      this.doubts = doubts;
      this.#columns = 0;
      this.#forgetColumns();
    }
  }

  #forgetColumns(): void {
    for (const described of [...this.#statements.values(), ...this.#portals.values()]) {
      described.columns = null;
    }
  }

  /**
   * Returns the attributes of a unit that executes: they name the records with the Bind and the Parse if these are not in the unit. The object is the same as
   * for the unit before if it says the same. Null for any other unit.
   */
  origin(changes: readonly NameChange[]): Attributes | null {
    const referred = this.#referred(changes);
    if (referred === null) {
      return null;
    }
    return 'bind' in referred ? this.#originOf(referred.bind, referred.parse) : this.#originOf(undefined, referred.parse);
  }

  /** Returns the digest of the messages to which a unit refers that executes: the Parse, and the Bind. Null: they are not known. Undefined: it refers to none outside itself. */
  digest(changes: readonly NameChange[]): string | null | undefined {
    return changes.at(-1)?.kind === 'execute' ? this.#referred(changes)?.digest : undefined;
  }

  /** Returns what a unit refers to; null if it executes nothing, or only what it has itself. */
  #referred(changes: readonly NameChange[]): Portal | Statement | typeof unknownOrigin | null {
    const last = changes.at(-1);
    if (last?.kind !== 'execute') {
      return null;
    }
    for (let i = changes.length - 2; i >= 0; i -= 1) {
      const change = changes[i];
      if (change?.kind === 'bind' && change.name === last.name) {
        return parsedBefore(changes, i, change.statement) ? null : (this.#statements.get(change.statement) ?? unknownOrigin);
      }
    }
    return this.#portals.get(last.name) ?? unknownOrigin;
  }

  #originOf(bind: number | undefined, parse: number | undefined): Attributes | null {
    if (bind !== this.#newest.bind || parse !== this.#newest.parse) {
      const attributes = { ...(bind === undefined ? {} : { [ownAttributes.bind]: bind }), ...(parse === undefined ? {} : { [ownAttributes.parse]: parse }) };
      this.#newest = { bind, parse, attributes: bind === undefined && parse === undefined ? null : attributes };
    }
    return this.#newest.attributes;
  }

  /** Applies the changes of a unit that was sent as request `seq`. */
  apply(unit: Pick<Unit, 'kind' | 'bytes' | 'changes'>, seq: number): readonly Undo[] {
    const undos: Undo[] = [];
    const messages = isForLater(unit) ? messagesByStep(unit) : noMessages;
    for (const change of unit.changes) {
      const restore = this.#apply(change, seq, messages.get(change.step));
      if (restore !== null) {
        undos.push({ step: change.step, restore });
      }
    }
    return undos;
  }

  #apply(change: NameChange, seq: number, message: Buffer | undefined): (() => void) | null {
    const { name } = change;
    switch (change.kind) {
      case 'parse':
        return set(this.#statements, name, { parse: seq, digest: message === undefined ? null : parseDigest(message), columns: null, formats: null });
      case 'bind': {
        const statement = this.#statements.get(change.statement);
        const { parse, digest = null } = statement ?? {};
        const both = message === undefined || digest === null ? null : bindDigest(digest, message);
        return set(this.#portals, name, { bind: seq, parse, digest: both, columns: null, formats: null, statement });
      }
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
    const parsed = this.#statements.get(statement);
    return parsed === undefined ? null : (this.#types.get(parsed.parse)?.get(statement) ?? null);
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

const unknownOrigin = { parse: undefined, digest: null } as const;
const noMessages: ReadonlyMap<number, Buffer> = new Map();

/** True if later units may refer to what this one parses and binds: drivers prepare in a unit of its own, or give a name. */
function isForLater({ kind, changes }: Pick<Unit, 'kind' | 'changes'>): boolean {
  return kind === 'prepare' || changes.some((change) => change.kind === 'parse' && change.name !== '');
}

/** Returns each Parse and Bind of a unit by its step. */
function messagesByStep({ bytes, changes }: Pick<Unit, 'bytes' | 'changes'>): ReadonlyMap<number, Buffer> {
  const steps = changes.filter(({ kind }) => kind === 'parse' || kind === 'bind').map(({ step }) => step);
  const messages = [...messagesOf(bytes)].filter(({ [0]: type }) => type === frontend.parse || type === frontend.bind);
  return new Map(messages.map((message, i) => [steps[i] ?? 0, message]));
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
