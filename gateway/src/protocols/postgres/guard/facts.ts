import { isDeepStrictEqual } from 'node:util';

/** The effects that policy speaks of, for every protocol. */
export type Effect = 'read' | 'write' | 'define' | 'destroy' | 'execute' | 'administer' | 'unknown';

/** The facts about a text of SQL: what it does at most. If `unknown` is among the effects, it may do anything else too. */
export interface StatementFacts {
  readonly effects: readonly Effect[];
  /** The kinds of the statements, also of those in WITH and in bodies of functions. */
  readonly statements: readonly string[];
  /** The tables, each as `schema.table`, that are read, and those that are changed in any way. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** The columns that are named, each as `schema.table.column`. `*` stands for any column of the tables. */
  readonly columns: readonly string[];
  /** The columns on which it depends which rows there are, in the same form. `*` alone stands for any column of the target. */
  readonly filters: readonly string[];
  readonly functions: readonly string[];
  /** False if an UPDATE or DELETE has no WHERE, or one that does not depend on the row. */
  readonly hasWhere: boolean;
  /** The LIMIT of the only statement, if it is constant; null if there is none. */
  readonly rowsLimit: number | null;
  readonly session: SessionFacts;
}

/** The facts that matter to later texts of the same session. */
export interface SessionFacts {
  /** The search paths that may be in force afterwards, beside those that may be now. */
  readonly paths: readonly (readonly string[])[];
  /** True if the search path may be any afterwards. */
  readonly anyPath: boolean;
  /** True if more of the session may have changed than is known, so that every later text is unknown. */
  readonly isLost: boolean;
  /** True if texts may be in another encoding than UTF-8 afterwards. */
  readonly encodes: boolean;
  /** True if the session may act as another user afterwards. */
  readonly changesUser: boolean;
  /** The value that `statement_timeout` has afterwards, as the text writes it; '' is that of the login. Null: the text does not set it. */
  readonly timeout: string | null;
  /** The relations that the text makes, each as `schema.table`; temporary ones as `pg_temp.table`. */
  readonly made: readonly string[];
  /** True if the catalogue of the target changes by more than new tables of the session. */
  readonly defines: boolean;
  /** True if the text may end a transaction. */
  readonly ends: boolean;
  /** The names of statements that are prepared, and of cursors that are declared. */
  readonly prepared: readonly string[];
  readonly declared: readonly string[];
  /** The names of prepared statements that are executed, and of cursors that are read. */
  readonly executed: readonly string[];
  readonly fetched: readonly string[];
  /** True if code runs that nobody could read, or may run later. */
  readonly runsCode: boolean;
  /** True if cursors may be open afterwards that the code of a function has opened, under any names. */
  readonly opens: boolean;
}

/** The facts of a text that does not matter to later ones. All such texts have this object. */
export const noSessionFacts: SessionFacts = {
  paths: [],
  anyPath: false,
  isLost: false,
  encodes: false,
  changesUser: false,
  timeout: null,
  made: [],
  defines: false,
  ends: false,
  prepared: [],
  declared: [],
  executed: [],
  fetched: [],
  runsCode: false,
  opens: false,
};

/** Most elements, and most characters, of the lists of one text. They fit into a record together. */
const elementsMax = 400;
const charactersMax = 14_000;
/** Most columns in conditions that are listed. If there are more, `*` is. */
const filtersMax = 60;
/** Most columns of one relation that are listed by name. For a relation with more, `*` is listed. */
export const columnsMax = 60;

/** Collects the facts about a text. */
export class FactsDraft {
  readonly effects = new Set<Effect>();
  readonly statements = new Set<string>();
  readonly reads = new Set<string>();
  readonly writes = new Set<string>();
  readonly columns = new Set<string>();
  readonly functions = new Set<string>();
  readonly filters = new Set<string>();
  hasWhere = true;
  rowsLimit: number | null = null;
  /** True if the facts may be others for a text that differs only in the values of constants. */
  isOfConstants = false;
  /** True if planning the text may run anything but functions of PostgreSQL's own without side effects. It says so only after a reading of what is planned. */
  plansOthers = false;
  readonly paths: (readonly string[])[] = [];
  anyPath = false;
  isLost = false;
  encodes = false;
  changesUser = false;
  timeout: string | null = null;
  readonly made = new Set<string>();
  defines = false;
  ends = false;
  readonly prepared = new Set<string>();
  readonly declared = new Set<string>();
  readonly executed = new Set<string>();
  readonly fetched = new Set<string>();
  runsCode = false;
  opens = false;

  add(...effects: readonly Effect[]): void {
    for (const effect of effects) {
      this.effects.add(effect);
    }
  }

  /** Notes that a part of the text cannot be known. What is not known may also change what later texts mean. */
  unknown(): void {
    this.effects.add('unknown');
    this.runsCode = true;
  }

  /** Notes that it is not known what a name stands for. */
  unknownName(): void {
    this.effects.add('unknown');
  }

  /** Adds what was collected apart. */
  absorb(other: FactsDraft): void {
    const effects = [...other.effects];
    addFacts(this, { ...other.finish(), effects });
  }

  finish(): StatementFacts {
    const whole = [this.statements, this.reads, this.writes, this.columns, this.functions];
    const isLong =
      whole.reduce((sum, set) => sum + set.size, 0) > elementsMax || whole.reduce((sum, set) => sum + JSON.stringify([...set]).length, 0) > charactersMax;
    if (isLong) {
      this.effects.add('unknown');
    }
    const cut = isLong ? cutTo(charactersMax / whole.length, elementsMax / whole.length) : sorted;
    if (this.effects.size === 0) {
      this.effects.add('read');
    }
    const session: SessionFacts = {
      paths: this.paths,
      anyPath: this.anyPath,
      isLost: this.isLost || this.effects.has('unknown'),
      encodes: this.encodes,
      changesUser: this.changesUser,
      timeout: this.timeout,
      made: [...this.made],
      defines: this.defines,
      ends: this.ends,
      prepared: [...this.prepared],
      declared: [...this.declared],
      executed: [...this.executed],
      fetched: [...this.fetched],
      runsCode: this.runsCode || this.effects.has('execute'),
      opens: this.opens,
    };
    return {
      effects: [...this.effects].toSorted(),
      statements: cut(this.statements),
      reads: cut(this.reads),
      writes: cut(this.writes),
      columns: cut(this.columns),
      filters: this.filters.size > filtersMax ? ['*'] : sorted(this.filters),
      functions: cut(this.functions),
      hasWhere: this.hasWhere,
      rowsLimit: this.rowsLimit,
      session: isDeepStrictEqual(session, noSessionFacts) ? noSessionFacts : session,
    };
  }
}

function sorted(set: ReadonlySet<string>): readonly string[] {
  return [...set].toSorted();
}

/** Returns a function that keeps the first elements of a set, within both limits. */
function cutTo(charactersLimit: number, elementsLimit: number): (set: ReadonlySet<string>) => readonly string[] {
  return (set) => {
    let length = 0;
    return sorted(set).filter((text, i) => {
      length += JSON.stringify(text).length + 1;
      return length <= charactersLimit && i < elementsLimit;
    });
  };
}

/** The facts of a text that cannot be read. */
export const unknownFacts: StatementFacts = {
  effects: ['unknown'],
  statements: [],
  reads: [],
  writes: [],
  columns: [],
  filters: [],
  functions: [],
  hasWhere: false,
  rowsLimit: null,
  session: { ...noSessionFacts, anyPath: true, isLost: true, encodes: true, runsCode: true },
};

/** The facts of messages that run no statement: Describe, Close, Sync. */
export const plainFacts: StatementFacts = { ...unknownFacts, effects: ['read'], filters: [], hasWhere: true, session: noSessionFacts };

/** Returns facts with the effect `unknown`, which they may have already. */
export function withUnknown(facts: StatementFacts): StatementFacts {
  return facts.effects.includes('unknown') ? facts : { ...facts, effects: [...facts.effects, 'unknown' as const].toSorted() };
}

/** Returns the facts of several texts together. They are the same object as those of a single one. */
export function together(all: readonly StatementFacts[]): StatementFacts {
  const [first = plainFacts, ...rest] = all;
  if (rest.length === 0) {
    return first;
  }
  const draft = new FactsDraft();
  for (const facts of all) {
    addFacts(draft, facts);
  }
  return draft.finish();
}

/** Adds the facts of another text to a draft. */
function addFacts(draft: FactsDraft, facts: StatementFacts): void {
  const { session } = facts;
  draft.add(...facts.effects);
  for (const kind of ['statements', 'reads', 'writes', 'columns', 'filters', 'functions'] as const) {
    for (const text of facts[kind]) {
      draft[kind].add(text);
    }
  }
  draft.hasWhere &&= facts.hasWhere;
  draft.paths.push(...session.paths);
  draft.anyPath ||= session.anyPath;
  draft.isLost ||= session.isLost;
  draft.encodes ||= session.encodes;
  draft.changesUser ||= session.changesUser;
  draft.timeout = session.timeout ?? draft.timeout;
  draft.defines ||= session.defines;
  draft.ends ||= session.ends;
  draft.runsCode ||= session.runsCode;
  draft.opens ||= session.opens;
  for (const kind of ['made', 'prepared', 'declared', 'executed', 'fetched'] as const) {
    for (const text of session[kind]) {
      draft[kind].add(text);
    }
  }
}
