import type { Found, Run, Use } from './catalogue.ts';
import { FactsDraft, type Effect } from './facts.ts';
import type { SqlParser } from './parser.ts';
import { isSystemSchema, showsFiles, type Names, type Name, type Relation } from './resolve.ts';
import type { StatementKind } from './statement-kinds.ts';
import type { Tree } from './tree.ts';

/** Deepest nesting of nodes, and of bodies within bodies, that is read; most bodies of one text, and most characters of them. */
const nodesDeepMax = 600;
const bodiesDeepMax = 8;
const bodiesMax = 300;
const bodiesLengthMax = 512 * 1024;

const effectsOf: Readonly<Record<Use, readonly Effect[]>> = {
  read: ['read'],
  insert: ['write'],
  update: ['write'],
  refresh: ['write'],
  delete: ['destroy', 'write'],
  truncate: ['destroy', 'write'],
  call: [],
};

/** Reads the statements of a body, or those that a definition makes run. */
type ReadSql = (run: Pick<Run, 'sql' | 'defines'>, reading: Reading) => void;

/** The state while one text is read: what was found, what names mean, and how deep and how much was read. */
export class Reading {
  readonly parser: SqlParser;
  readonly draft: FactsDraft;
  readonly names: Names;
  /** True while the body of a view, a function or a trigger is read. */
  isNested = false;
  /** True if only that is read which the target does to plan the text. */
  isPlanning = false;
  /** The names of the parameters of the SQL function whose body is read. A name after such a name and a dot may be that of a function of its row. */
  parameters: ReadonlySet<string> = new Set();
  /** The setting whose row of pg_settings is being read, and so the value of its column `name`. Null: it is not known. */
  setting: string | null = null;
  /** Returns the text of the statement that is being read. */
  source: () => string = () => '';
  readonly #readSql: ReadSql;
  /** The types of users that were met, and what makes values of those of columns that were met. */
  readonly #types = new Set<Found>();
  readonly #columns = new Set<Run>();
  readonly #inside = new Set<string>();
  #nodesDeep = 0;
  #bodies = 0;
  #bodiesLength = 0;

  constructor(parser: SqlParser, names: Names, draft: FactsDraft, readSql: ReadSql) {
    this.parser = parser;
    this.draft = draft;
    this.names = names;
    this.#readSql = readSql;
  }

  /** Reads one level deeper. Below the limit nothing is read, and the text is unknown. */
  deeper(read: () => void): void {
    if (this.#nodesDeep >= nodesDeepMax) {
      this.draft.unknown();
      return;
    }
    this.#nodesDeep += 1;
    read();
    this.#nodesDeep -= 1;
  }

  /** Reads SQL that a body consists of. */
  body(sql: string): void {
    this.#run({ sql });
  }

  /** Reads SQL of the catalogue, in which all names have their schema. The body of a function is in the words of its maker. */
  #runDefinition(run: Run): void {
    const leave = this.names.within(run.defines === true ? null : [], false);
    this.#run(run);
    leave();
  }

  #run(run: Pick<Run, 'sql' | 'defines'>): void {
    const { source } = this;
    this.inBody(run.sql, () => {
      this.#readSql(run, this);
    });
    this.source = source;
  }

  /** Reads a body, each body once. */
  inBody(sql: string, read: () => void): void {
    // Equal words may mean other objects where names mean something else.
    const key = `${this.names.meaning} ${[...this.parameters].join()} ${sql}`;
    if (this.#inside.has(key)) {
      return;
    }
    this.#bodiesLength += sql.length;
    if (this.#inside.size >= bodiesMax || this.#bodies >= bodiesDeepMax || this.#bodiesLength > bodiesLengthMax) {
      this.draft.unknown();
      return;
    }
    this.#inside.add(key);
    this.#bodies += 1;
    const wasNested = this.isNested;
    this.isNested = true;
    read();
    this.isNested = wasNested;
    this.#bodies -= 1;
  }

  /** Returns another reading, whose facts are collected apart. */
  apart(): Reading {
    const draft = new FactsDraft();
    const reading = new Reading(this.parser, this.names.apart(draft), draft, this.#readSql);
    reading.isPlanning = this.isPlanning;
    return reading;
  }

  /** Notes the kind of a statement. A SELECT within a body is no statement of its own. */
  statement(kind: StatementKind): void {
    if (!this.isNested || kind !== 'select') {
      this.draft.statements.add(kind);
    }
  }

  /** Notes that a relation is used, and all that the target does by itself then. */
  use(name: Name, ...uses: readonly Use[]): Relation {
    const relation = this.names.relation(name);
    const [only, ...others] = relation.found;
    // A table that only the session sees may have another one of its name behind it, which the plan would be about.
    this.draft.plansOthers ||= only === undefined || others.length > 0 || relation.tables.length > 1;
    for (const table of relation.tables) {
      for (const use of uses) {
        this.#note(table, use);
      }
    }
    for (const found of relation.found) {
      this.#runs(found, uses);
    }
    return relation;
  }

  #note(table: string, use: Use): void {
    this.draft.add(...effectsOf[use]);
    if (use === 'read') {
      this.draft.reads.add(table);
      if (showsFiles(table)) {
        this.draft.add('administer');
      }
    } else {
      this.draft.writes.add(table);
      if (isSystemSchema(table.slice(0, table.lastIndexOf('.')))) {
        // The catalogue of the server holds roles, rights and settings.
        this.draft.add('administer');
        this.draft.isLost = true;
      }
    }
  }

  #runs(found: Found, uses: readonly Use[]): void {
    const key = `${this.names.meaning} ${found.schema}.${found.name} ${uses.join(' ')}`;
    if (this.#inside.has(key)) {
      return;
    }
    this.#inside.add(key);
    for (const run of found.runs ?? []) {
      if (run.sql.startsWith('SELECT NULL::')) {
        this.#columns.add(run);
      }
      // Planning looks at all that belongs to a table: indexes and checks also for a DELETE.
      if (this.isPlanning ? run.isLater !== true : run.on.some((use) => uses.includes(use))) {
        this.#runDefinition(run);
      }
    }
    for (const spread of found.spreads ?? []) {
      if (spread.on.some((use) => uses.includes(use))) {
        this.deeper(() => this.use([spread.schema, spread.name], spread.as));
      }
    }
    const view = found.runs?.find(({ on }) => on.includes('read'));
    if (view !== undefined && uses.some((use) => use === 'insert' || use === 'update' || use === 'delete')) {
      this.#runDefinition(view);
      this.#changeThrough(view.sql, uses);
    }
  }

  /** Notes that a view is changed: the tables of its query are changed in its place. */
  #changeThrough(query: string, uses: readonly Use[]): void {
    const inner = this.apart();
    inner.names.within([], false);
    inner.body(query);
    for (const table of inner.draft.reads) {
      const dot = table.indexOf('.');
      this.deeper(() => this.use([table.slice(0, dot), table.slice(dot + 1)], ...uses));
    }
  }

  /** Notes what the target runs by itself when an object that is no relation is used. */
  call(found: Found): void {
    this.draft.plansOthers = true;
    for (const run of found.runs ?? []) {
      this.#runDefinition(run);
    }
  }

  /** Notes the user-defined operators, types or functions that a name may stand for besides what PostgreSQL has. */
  callOthers(kind: 'operator' | 'type', name: Name): readonly Found[] {
    const others = this.names.others(kind, name);
    for (const found of others) {
      this.call(found);
      if (kind === 'type') {
        this.#types.add(found);
      }
    }
    return others;
  }

  /** Notes what the target runs to make a value of a type. It may run anything if the catalogue does not know the type. */
  callType(name: Name): void {
    if (name.length > 0 && this.callOthers('type', name).length === 0 && !this.names.isHarmlessType(name)) {
      this.draft.unknownName();
    }
  }

  /** Returns whether values of the types that were met may run more than PostgreSQL's own functions, so that a table with columns of them may do so, too. */
  get hasTypesWithCode(): boolean {
    const types = this.apart();
    for (const found of this.#types) {
      types.call(found);
    }
    for (const run of this.#columns) {
      types.#runDefinition(run);
    }
    return types.draft.writes.size > 0 || [...types.draft.functions].some((called) => !called.startsWith('pg_catalog.'));
  }

  /** Notes what the target runs to read a value of a type that a client names by its object id. */
  callTypeOf(oid: number): void {
    const found = this.names.catalogue.typeOf(oid);
    if (found === undefined) {
      this.draft.unknownName();
    } else {
      this.call(found);
      this.#types.add(found);
    }
  }

  /** Notes what may run with any statement of this kind. */
  always(kind: 'cast' | 'comparison' | 'event_trigger' | 'partition'): void {
    for (const found of this.names.catalogue.resolve('always', kind)) {
      this.call(found);
    }
  }
}

/** Returns the name that a RangeVar has. */
export function relationName(range: Tree): Name {
  return [range['schemaname'], range['relname']].filter((part) => typeof part === 'string');
}
