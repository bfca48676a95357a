import { defaultPath, type Catalogue, type Found, type ObjectKind } from './catalogue.ts';
import { splitPath } from './session-settings.ts';

/** A row of the answer to `catalogueQuery`. */
export interface CatalogueRow extends Found {
  /** `path` for the search path that a new session of the user has, as its name; the schema is then the name of the user. */
  readonly kind: ObjectKind | 'path';
}

const none: readonly Found[] = [];

/** The objects of a database by kind and name, as they were at one moment. */
export class LearnedObjects {
  /** The search path of a new session, and its user. */
  readonly path: readonly string[] = defaultPath;
  readonly user: string = '';
  readonly #byKind = new Map<ObjectKind, Map<string, Found[]>>();
  readonly #typesByOid = new Map<number, Found>();
  readonly #relationsByOid = new Map<number, Found>();
  readonly #parents = new Map<string, string[]>();

  constructor(rows: Iterable<CatalogueRow>) {
    for (const { kind, ...found } of rows) {
      if (kind === 'path') {
        this.path = splitPath(found.name);
        this.user = found.schema;
        continue;
      }
      this.#add(kind, found.name, found);
      if (found.array !== undefined) {
        this.#add(kind, found.array, found);
      }
      for (const oid of found.oids ?? []) {
        this.#typesByOid.set(oid, found);
      }
      if (kind === 'relation') {
        this.#addRelation(found);
      }
    }
  }

  #addRelation(found: Found): void {
    if (found.relation !== undefined) {
      this.#relationsByOid.set(found.relation, found);
    }
    for (const { on, as, schema, name } of found.spreads ?? []) {
      if (as === 'read' && on.includes('read')) {
        const child = `${schema}.${name}`;
        this.#parents.set(child, [...(this.#parents.get(child) ?? []), `${found.schema}.${found.name}`]);
      }
    }
  }

  #add(kind: ObjectKind, name: string, found: Found): void {
    const byName = this.#byKind.get(kind) ?? new Map<string, Found[]>();
    this.#byKind.set(kind, byName);
    const same = byName.get(name);
    if (same === undefined) {
      byName.set(name, [found]);
    } else {
      same.push(found);
    }
  }

  resolve(kind: ObjectKind, name: string): readonly Found[] {
    return this.#byKind.get(kind)?.get(name) ?? none;
  }

  typeOf(oid: number): Found | undefined {
    return this.#typesByOid.get(oid);
  }

  /** Returns the relation of an object id. PostgreSQL's own have none here. */
  relationOf(oid: number): Found | undefined {
    return this.#relationsByOid.get(oid);
  }

  parentsOf(table: string): readonly string[] {
    const direct = this.#parents.get(table) ?? [];
    return direct.flatMap((parent) => [parent, ...this.parentsOf(parent)]);
  }
}

/** The names that a session adds to the catalogue of its database. */
export interface SessionNames extends Pick<Catalogue, 'made' | 'functions'> {
  /** Undefined: the search path of a new session. */
  readonly paths: Catalogue['paths'] | undefined;
}

/** Makes the catalogue of a session from what was learned; `objects` is null if nothing was. */
export function catalogueOf(objects: LearnedObjects | null, { paths, made, functions }: SessionNames): Catalogue {
  return {
    isKnown: objects !== null,
    user: objects?.user ?? '',
    paths: paths === undefined ? [objects?.path ?? defaultPath] : paths,
    made,
    functions,
    resolve: (kind, name) => objects?.resolve(kind, name) ?? none,
    typeOf: (oid) => objects?.typeOf(oid),
    parentsOf: (table) => objects?.parentsOf(table) ?? [],
  };
}
