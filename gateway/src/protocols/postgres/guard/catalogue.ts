/**
 * Kinds of objects that are looked up by name. `always` has what may run with any statement: casts of the database (`cast`), functions that order and compare values
 * (`comparison`), event triggers (`event_trigger`), and what partitions are made by (`partition`); and what has run in every session before its first statement (`login`).
 */
export type ObjectKind = 'relation' | 'function' | 'operator' | 'type' | 'schema' | 'always';

/** A way in which an object is used. */
export type Use = 'read' | 'insert' | 'update' | 'delete' | 'truncate' | 'refresh' | 'call';

export interface Run {
  readonly on: readonly Use[];
  readonly sql: string;
  /** True if the SQL does not run itself but defines what runs: a CREATE FUNCTION or CREATE RULE. */
  readonly defines?: boolean;
  /** True if the target runs it only while a statement runs, and not while it plans one: the function of a trigger. */
  readonly isLater?: boolean;
}

interface Spread {
  readonly on: readonly Use[];
  readonly schema: string;
  readonly name: string;
  /** How the other relation is used. */
  readonly as: Use;
}

/** An object of the target's catalogue. */
export interface Found {
  readonly schema: string;
  readonly name: string;
  /** The names of a relation's columns. Absent if they are not known. */
  readonly columns?: readonly string[];
  /** The object id of a relation, and the numbers of its columns if they do not count from 1 without a gap. */
  readonly relation?: number;
  readonly numbers?: readonly number[];
  /**
   * SQL that runs at the target if the object is used in this way: the query of a view, the functions of triggers, the handler of a foreign table. All names in
   * it have their schema.
   */
  readonly runs?: readonly Run[];
  /** Other relations that are used together with this one: partitions, tables that foreign keys tie to it, and the table of an index. */
  readonly spreads?: readonly Spread[];
  /** The object ids of a type: its own and that of its arrays, whose name is `array`. */
  readonly oids?: readonly number[];
  readonly array?: string;
  /** The form of a type that is no plain one: `c` for rows, `d` domains, `e` enums, `r` and `m` ranges; and the type of a domain's values. */
  readonly form?: string;
  readonly base?: number;
}

/** The gateway's knowledge of a target's catalogue, and of the session in which a text is read. It never changes: what is learned later is another object. */
export interface Catalogue {
  /** False if the catalogue of the target is not known. Names without a schema are then unknown. */
  readonly isKnown: boolean;
  /** The user of the session, for `"$user"` in a search path. */
  readonly user: string;
  /** The search paths that may be in force; null if any may be. */
  readonly paths: readonly (readonly string[])[] | null;
  /** The relations that the session made, each as `schema.table`; temporary ones as `pg_temp.table`. */
  readonly made: ReadonlySet<string>;
  /** The effects that the operator names for functions, by `schema.name`. */
  readonly functions: ReadonlyMap<string, readonly string[]>;
  /** Returns the objects of this name in all schemas. */
  resolve(kind: ObjectKind, name: string): readonly Found[];
  /** Returns the type of an object id; undefined if it is not known. */
  typeOf(oid: number): Found | undefined;
  /** Returns the tables, each as `schema.table`, of whose rows those of a table are some, too: it is a partition of them, or inherits from them. */
  parentsOf(table: string): readonly string[];
}

/** PostgreSQL's own search path for a user of its own. */
export const defaultPath: readonly string[] = ['$user', 'public'];

/** The catalogue of which nothing is known. */
export const unknownCatalogue: Catalogue = {
  isKnown: false,
  user: '',
  paths: [defaultPath],
  made: new Set(),
  functions: new Map(),
  resolve: () => [],
  typeOf: () => undefined,
  parentsOf: () => [],
};
