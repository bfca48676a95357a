import { builtinEffects } from './builtins.ts';
import { defaultPath, type Catalogue, type Found, type ObjectKind } from './catalogue.ts';
import type { FactsDraft } from './facts.ts';

const system = 'pg_catalog';
/** Schemas that only the owner of the server changes. */
const systemSchemas: ReadonlySet<string> = new Set([system, 'information_schema', 'pg_toast']);
/** Words that stand for a type, and a sequence, where a table is made. */
const serials: ReadonlySet<string> = new Set(['smallserial', 'serial2', 'serial', 'serial4', 'bigserial', 'serial8']);
/** Most search paths that a text may leave possible. If there are more, any is possible. */
const pathsMax = 4;

/** Views that show files of the server. */
const fileViews: ReadonlySet<string> = new Set(['pg_catalog.pg_hba_file_rules', 'pg_catalog.pg_ident_file_mappings', 'pg_catalog.pg_file_settings']);

export function showsFiles(table: string): boolean {
  return fileViews.has(table);
}

/** A relation that a name stands for. */
export interface Relation {
  /** Every table that the name may mean, each as `schema.table`. */
  readonly tables: readonly string[];
  readonly found: readonly Found[];
  /** The names of all columns; null if they are not known. */
  readonly columns: readonly string[] | null;
}

/** The parts of a name: the last one is the object's, the one before it the schema's. */
export type Name = readonly string[];

export function isSystemSchema(schema: string): boolean {
  return systemSchemas.has(schema);
}

/**
 * Finds what names stand for, by the catalogue and by what the statements of the text before did to names. A name that may stand for several objects stands
 * for all of them. If it may stand for others too, the effects of the text are unknown.
 */
export class Names {
  readonly catalogue: Catalogue;
  readonly #draft: FactsDraft;
  readonly #made: Set<string>;
  #paths: readonly Name[] | null;
  /** The search paths that the text sets, and whether it may set any. */
  readonly #added: Name[] = [];
  #isLost = false;
  /** True after a statement of the text that changes the catalogue by more than new tables. */
  #isStale = false;

  constructor(catalogue: Catalogue, draft: FactsDraft) {
    this.catalogue = catalogue;
    this.#draft = draft;
    this.#made = new Set(catalogue.made);
    this.#paths = catalogue.paths;
  }

  /** A text that is the same as long as names mean the same. */
  get meaning(): string {
    return JSON.stringify([this.#paths, this.#isStale, this.#made.size]);
  }

  /** True if the session may make objects that other sessions, and so the gateway, do not see. */
  get isTemporary(): boolean {
    return this.#paths === null || this.#paths.some((path) => path.some((schema) => schema.startsWith('pg_temp')));
  }

  /** True if the session may have made a temporary relation. */
  get hasTemporary(): boolean {
    return [...this.#made].some((table) => table.startsWith('pg_temp.'));
  }

  /** Returns the same names for facts that are collected apart. */
  apart(draft: FactsDraft): Names {
    const { catalogue } = this;
    const names = new Names(
      {
        ...catalogue,
        made: this.#made,
        paths: this.#paths,
        resolve: (kind, name) => catalogue.resolve(kind, name),
        typeOf: (oid) => catalogue.typeOf(oid),
        parentsOf: (table) => catalogue.parentsOf(table),
      },
      draft,
    );
    names.#isStale = this.#isStale;
    return names;
  }

  /**
   * Reads the names of a body in the search path that the body sets; without one in the present path, or in any if the body runs as another user. The function
   * that is returned ends that.
   */
  within(path: Name | null, asOwner: boolean): () => void {
    const paths = this.#paths;
    const added = this.#added.length;
    if (path !== null || asOwner) {
      this.#paths = path === null ? null : [path];
    }
    return () => {
      // A search path that the body sets stays in force after it.
      this.#paths = paths === null || this.#isLost ? null : [...paths, ...this.#added.slice(added)];
    };
  }

  /** Notes that the search path may be another one from now on; null if it may be any. */
  addPath(path: Name | null): void {
    this.#isLost ||= path === null || this.#added.length >= pathsMax;
    if (path === null || this.#isLost) {
      this.#paths = null;
      this.#draft.anyPath = true;
      return;
    }
    this.#added.push(path);
    this.#paths = this.#paths === null ? null : [...this.#paths, path];
    this.#draft.paths.push(path);
  }

  /** Notes that the user of the session may be another one from now on, who has another `"$user"` in the search path; null if it may be any. */
  addUser(user: string | null): void {
    this.#draft.changesUser = true;
    if (user === null) {
      this.addPath(null);
      return;
    }
    for (const path of this.#paths ?? []) {
      if (path.includes('$user')) {
        this.addPath(path.map((schema) => (schema === '$user' ? user : schema)));
      }
    }
  }

  /** Notes that PostgreSQL's own search path may be in force. */
  resetPath(): void {
    this.addPath(this.catalogue.paths?.[0] ?? defaultPath);
  }

  /** Notes that the catalogue changes. */
  define(): void {
    this.#isStale = true;
    this.#draft.defines = true;
  }

  /** Notes that the statement makes a relation. */
  make(name: Name, isTemporary: boolean): readonly string[] {
    const tables = this.newTables(name, isTemporary);
    for (const table of tables) {
      this.#made.add(table);
      this.#draft.made.add(table);
    }
    return tables;
  }

  /** Returns the tables that a statement may make by this name. */
  newTables(name: Name, isTemporary: boolean): readonly string[] {
    const last = name.at(-1) ?? '';
    const schema = name.at(-2);
    if (isTemporary || schema?.startsWith('pg_temp') === true) {
      return [`pg_temp.${last}`];
    }
    if (schema !== undefined) {
      return [`${schema}.${last}`];
    }
    const firsts = (this.#paths ?? []).map((path) => this.#named(path).find((each) => this.catalogue.resolve('schema', each).length > 0) ?? 'public');
    if (this.#paths === null || !this.catalogue.isKnown) {
      this.#draft.unknownName();
    }
    return firsts.length === 0 ? [`public.${last}`] : [...new Set(firsts)].map((each) => `${each}.${last}`);
  }

  relation(name: Name): Relation {
    const last = name.at(-1) ?? '';
    const schema = name.at(-2);
    const all = this.catalogue.resolve('relation', last);
    if (schema !== undefined && !schema.startsWith('pg_temp')) {
      return this.#relationOf([`${schema}.${last}`], schema === undefined ? [] : all.filter((each) => each.schema === schema));
    }
    const made = this.#made.has(`pg_temp.${last}`) ? [`pg_temp.${last}`] : [];
    if (schema !== undefined) {
      return this.#relationOf([`pg_temp.${last}`], []);
    }
    if (this.#paths === null) {
      this.#draft.unknownName();
      return this.#relationOf([...made, ...(all.length === 0 ? [`public.${last}`] : all.map(qualified))], all);
    }
    const found = new Map<string, Found>();
    const tables = new Set(made);
    for (const path of this.#paths) {
      for (const each of this.#firsts(path, last, all)) {
        if (typeof each === 'string') {
          tables.add(each);
        } else {
          tables.add(qualified(each));
          found.set(qualified(each), each);
        }
      }
    }
    if (tables.size === 0) {
      this.#draft.unknownName();
      tables.add(`${this.#schemas(this.#paths[0] ?? []).findLast((each) => each !== system) ?? 'public'}.${last}`);
    }
    return this.#relationOf([...tables], [...found.values()]);
  }

  /**
   * Returns the relations that this name may stand for in a search path: the first one of the catalogue, and the names before it of those that the session made, because
   * the target may have refused to make them or undone it.
   */
  #firsts(path: Name, last: string, all: readonly Found[]): readonly (Found | string)[] {
    const firsts: (Found | string)[] = [];
    for (const schema of this.#schemas(path)) {
      const known = all.find((each) => each.schema === schema);
      if (known !== undefined) {
        return [...firsts, known];
      }
      if (this.#made.has(`${schema}.${last}`)) {
        firsts.push(`${schema}.${last}`);
      }
    }
    return firsts;
  }

  #relationOf(tables: readonly string[], found: readonly Found[]): Relation {
    const known = new Set(found.map(qualified));
    const strange = tables.filter((table) => !known.has(table));
    if (!this.catalogue.isKnown || strange.some((table) => !this.#made.has(table) && !table.startsWith('pg_catalog.')) || this.#isStale) {
      this.#unknownUnlessMade(tables);
    }
    const isWhole = strange.length === 0 && found.every(({ columns }) => columns !== undefined);
    return { tables, found, columns: isWhole ? found.flatMap(({ columns = [] }) => columns) : null };
  }

  #unknownUnlessMade(tables: readonly string[]): void {
    if (!this.catalogue.isKnown || this.#isStale || tables.some((table) => !this.#made.has(table))) {
      this.#draft.unknownName();
    }
  }

  /** Returns the objects that a name may stand for beside PostgreSQL's own. All objects of the name in the search path count, because arguments choose among them. */
  others(kind: ObjectKind, name: Name): readonly Found[] {
    const last = name.at(-1) ?? '';
    const schema = name.at(-2);
    const all = this.catalogue.resolve(kind, last).filter((each) => each.schema !== system || each.runs !== undefined);
    if (schema === system) {
      return all.filter((each) => each.schema === system);
    }
    if (!this.catalogue.isKnown || this.#isStale) {
      this.#draft.unknownName();
    }
    if (schema !== undefined) {
      return all.filter((each) => each.schema === schema);
    }
    if (this.#paths === null) {
      this.#draft.unknownName();
      return all;
    }
    const schemas = new Set(this.#paths.flatMap((path) => this.#schemas(path)));
    return all.filter((each) => schemas.has(each.schema));
  }

  /** Returns whether a name may stand for a type of pg_catalog, or for the row of a table that the session made, which has no other types than those. */
  isHarmlessType(name: Name): boolean {
    const last = name.at(-1) ?? '';
    const schema = name.at(-2);
    const isOwn = schema === undefined || schema === system;
    return (
      (isOwn && this.catalogue.resolve('type', last).some((each) => each.schema === system)) ||
      (schema === undefined && serials.has(last)) ||
      this.newTables(name, schema === undefined && this.#made.has(`pg_temp.${last}`)).some((table) => this.#made.has(table))
    );
  }

  /** Returns whether a name stands for a function of pg_catalog, perhaps among others. */
  isBuiltin(name: Name): boolean {
    const schema = name.at(-2);
    return (schema === undefined || schema === system) && builtinEffects(name.at(-1) ?? '') !== undefined;
  }

  /** Returns the schemas of a search path in order. pg_catalog comes first unless the path names it. */
  #schemas(path: Name): readonly string[] {
    const named = this.#named(path);
    return named.includes(system) ? named : [system, ...named];
  }

  #named(path: Name): readonly string[] {
    return path.map((schema) => (schema === '$user' ? this.catalogue.user : schema));
  }
}

function qualified({ schema, name }: Found): string {
  return `${schema}.${name}`;
}
