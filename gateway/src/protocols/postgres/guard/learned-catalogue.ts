import { defaultPath, type Catalogue, type Found, type ObjectKind } from './catalogue.ts';

/** A row of the answer to the query for it. */
export interface CatalogueRow extends Found {
  readonly kind: ObjectKind;
}

const none: readonly Found[] = [];

/** The objects of a database by kind and name, as they were at one moment. */
export class LearnedObjects {
  readonly #byKind = new Map<ObjectKind, Map<string, Found[]>>();

  constructor(rows: Iterable<CatalogueRow>) {
    for (const { kind, ...found } of rows) {
      const byName = this.#byKind.get(kind) ?? new Map<string, Found[]>();
      this.#byKind.set(kind, byName);
      const same = byName.get(found.name);
      if (same === undefined) {
        byName.set(found.name, [found]);
      } else {
        same.push(found);
      }
    }
  }

  resolve(kind: ObjectKind, name: string): readonly Found[] {
    return this.#byKind.get(kind)?.get(name) ?? none;
  }
}

/** Makes the catalogue of a session from what was learned; `objects` is null if nothing was. */
export function catalogueOf(objects: LearnedObjects | null, session: Partial<Pick<Catalogue, 'user' | 'paths' | 'made' | 'functions'>>): Catalogue {
  return {
    isKnown: objects !== null,
    user: session.user ?? '',
    paths: session.paths === undefined ? [defaultPath] : session.paths,
    made: session.made ?? new Set(),
    functions: session.functions ?? new Map(),
    resolve: (kind, name) => objects?.resolve(kind, name) ?? none,
  };
}
