import { isDeepStrictEqual } from 'node:util';
import type { Catalogue, Found } from './catalogue.ts';
import { noSessionFacts, unknownFacts, withUnknown, type SessionFacts, type StatementFacts } from './facts.ts';
import type { Guard } from './guard.ts';
import { doubtful, type StatementLineage } from './lineage.ts';
import { anySource, type Output } from './rowset.ts';
import type { LearnedObjects } from './learned-catalogue.ts';
import { timeoutMsOf } from './session-settings.ts';

/** Most search paths that may be in force, and most relations of the session that are kept. */
const pathsMax = 6;
const madeMax = 500;
/** Most texts, and most characters, that are kept until the catalogue is known. */
const doubtfulMax = 100;
const doubtfulLengthMax = 1024 * 1024;

/** PostgreSQL's own objects have smaller ids. */
const ownOidMin = 16_384;
/** The session facts of a text of which it is only known that it may do anything, beside whether it runs code. */
const strangeFacts: SessionFacts = { ...noSessionFacts, isLost: true };
/** Matches a text that is a query or a statement that changes rows, if it is one that cannot be read. */
const beginsAsQuery = /^\s*(?:select|with|insert|update|delete|merge|values|table)\b/i;
const rowKinds: ReadonlySet<string> = new Set(['select', 'insert', 'update', 'delete', 'merge']);
const noTables: ReadonlySet<string> = new Set();

/** The parts with which the texts of a session are read. */
export interface SessionParts {
  readonly guard: Guard;
  /** The search path that the client set at the login; null if it set none. */
  readonly path: readonly string[] | null;
  /** The `statement_timeout` that the client set at the login; '' if it set none. */
  readonly timeout: string;
  /** Returns what the operator says of functions: the same object as long as that does not change. */
  readonly functions: () => Catalogue['functions'];
  /** Returns the objects of the database; null while they are not known. */
  readonly objects: () => LearnedObjects | null;
}

/**
 * The meaning of names in one session. It only becomes less certain: which of the texts that were sent succeed, or are rolled back, is not followed, so whatever one
 * of them may have changed may be in force.
 */
export class SessionState {
  readonly #parts: SessionParts;
  /** The search paths that may be in force; null if any may be, undefined while it is that of the database. */
  #paths: readonly (readonly string[])[] | null | undefined;
  #made: ReadonlySet<string> = noTables;
  /** True if a text that was sent may have changed anything of the session. */
  #isLost = false;
  /** The number of texts under way, or that the target has taken, that are unknown and change nothing of the session if the target refuses them. */
  #strange = 0;
  /** The facts of texts with the effect `unknown`, by those without it. The same text has the same object. */
  readonly #unknown = new WeakMap<StatementFacts, StatementFacts>();
  #encodes = false;
  /** True if the session may act as another user than the one of the login. */
  #isOtherUser = false;
  #timeoutMs: number;
  #isDefining = false;
  /** True once it is known what has run in the session before its first text. */
  #isBegun = false;
  /** Texts that were sent while the catalogue was not known. What they may have changed is read when it is. */
  #doubtful: string[] = [];
  #doubtfulLength = 0;
  #view: { readonly objects: LearnedObjects | null; readonly functions: Catalogue['functions']; readonly catalogue: Catalogue } | null = null;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#paths = parts.path === null ? undefined : [parts.path];
    this.#timeoutMs = timeoutMsOf(parts.timeout);
  }

  get #isUnsure(): boolean {
    return this.#isLost || this.#strange > 0;
  }

  /** True if a text that was sent may have changed the encoding of later ones. */
  get encodes(): boolean {
    return this.#encodes || this.#isUnsure;
  }

  /** The longest time in ms that the client lets a statement take, as far as it said so; Infinity if it has no limit. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Returns where the results of a text's statements come from, one for each; null if the text cannot be read. */
  lineage(text: string): readonly StatementLineage[] | null {
    const catalogue = this.#catalogue();
    const lineage = this.#parts.guard.lineage(text, catalogue);
    return this.#isUnsure || !catalogue.isKnown ? (lineage?.map(doubtful) ?? null) : lineage;
  }

  /** Returns a column with where it comes from, by its number and the object id of its relation. Null: the relation is one of PostgreSQL's own. */
  column(relation: number, attribute: number): Output | null {
    if (relation < ownOidMin) {
      return null;
    }
    const catalogue = this.#catalogue();
    const found = catalogue.isKnown ? this.#parts.objects()?.relationOf(relation) : undefined;
    return found === undefined ? { name: '', sources: anySource, isPlain: false } : this.#parts.guard.column(found, attribute, catalogue);
  }

  /** Returns the type of an object id; undefined if it is not known. */
  typeOf(oid: number): Found | undefined {
    return this.#parts.objects()?.typeOf(oid);
  }

  /** Returns the facts of a text, the same object as long as nothing changes. */
  facts(text: string): StatementFacts {
    const facts = this.#parts.guard.statementFacts(text, this.#catalogue());
    return this.#isUnsure ? this.#lostFacts(facts) : facts;
  }

  #lostFacts(facts: StatementFacts): StatementFacts {
    const known = this.#unknown.get(facts) ?? withUnknown(facts);
    this.#unknown.set(facts, known);
    return known;
  }

  /**
   * Returns a search path in which another connection of the same user can plan a text: the session has it, or names in the text mean the same in the one that it
   * has, and planning runs nothing of anybody's own. Null if that is not sure.
   */
  plannedPath(text: string): readonly string[] | null {
    const catalogue = this.#catalogue();
    const path = catalogue.paths?.at(-1);
    const isSure = path !== undefined && catalogue.isKnown && !this.#isUnsure && !this.#isOtherUser;
    return isSure && this.#parts.guard.isPlannable(text, catalogue) ? path : null;
  }

  /**
   * Returns whether a text is unknown, and changes nothing of the session if the target refuses it: it is one query, or one statement that changes rows, and what these
   * have done is undone when they fail. The names of prepared statements are another matter.
   */
  isStrange(text: string): boolean {
    const catalogue = this.#catalogue();
    const { session, statements } = this.#parts.guard.statementFacts(text, catalogue);
    if (!session.isLost || !catalogue.isKnown) {
      return false;
    }
    const isOfRows = statements.length === 0 ? beginsAsQuery.test(text) : statements.every((kind) => rowKinds.has(kind));
    return isOfRows && !/;\s*\S/.test(text) && isDeepStrictEqual({ ...session, runsCode: false }, strangeFacts);
  }

  /** Notes that the target has refused a strange text. */
  strangeFailed(): void {
    this.#strange -= 1;
  }

  /** Notes that a text was sent to the target; null if it could not be read. `isStrange`: see there. Returns what it does to the session. */
  sent(text: string | null, isStrange = false): SessionFacts {
    const catalogue = this.#catalogue();
    const { session } = text === null ? unknownFacts : this.#parts.guard.statementFacts(text, catalogue);
    if (session === noSessionFacts) {
      return session;
    }
    if (session.isLost && text !== null && !catalogue.isKnown) {
      this.#doubt(text);
    } else if (isStrange) {
      this.#strange += 1;
    } else {
      this.#isLost ||= session.isLost;
    }
    this.#encodes ||= session.encodes;
    this.#isOtherUser ||= session.changesUser;
    if (session.timeout !== null) {
      this.#timeoutMs = timeoutMsOf(session.timeout === '' ? this.#parts.timeout : session.timeout);
    }
    if (session.defines && !this.#isDefining) {
      this.#isDefining = true;
      this.#view = null;
    }
    this.#changePaths(session, catalogue);
    if (session.made.some((table) => !this.#made.has(table))) {
      this.#made = new Set([...this.#made, ...session.made]);
      this.#isLost ||= this.#made.size > madeMax;
      this.#view = null;
    }
    return session;
  }

  #changePaths({ paths, anyPath }: SessionFacts, { paths: known }: Catalogue): void {
    const added = paths.filter((path) => known?.every((each) => each.join('\0') !== path.join('\0')) === true);
    if (anyPath || (known !== null && known.length + added.length > pathsMax)) {
      this.#paths = null;
      this.#view = null;
    } else if (known !== null && added.length > 0) {
      this.#paths = [...known, ...added];
      this.#view = null;
    }
  }

  #doubt(text: string): void {
    this.#doubtful.push(text);
    this.#doubtfulLength += text.length;
    if (this.#doubtful.length > doubtfulMax || this.#doubtfulLength > doubtfulLengthMax) {
      this.#isLost = true;
      this.#doubtful = [];
    }
  }

  /** Notes that texts of the session are not read as the guard reads them. */
  lose(): void {
    this.#isLost = true;
  }

  /** Notes that the catalogue was learned after all that this session has sent. */
  learned(): void {
    this.#isDefining = false;
  }

  /** Returns the catalogue of the session. It is the same object until something changes. */
  #catalogue(): Catalogue {
    const objects = this.#isDefining ? null : this.#parts.objects();
    const functions = this.#parts.functions();
    if (this.#view === null || this.#view.objects !== objects || this.#view.functions !== functions) {
      if (objects !== null) {
        // A new session has the search path that was in force when it began.
        this.#paths ??= this.#paths === undefined ? [objects.path] : null;
        this.#begin(objects);
      }
      this.#view = { objects, functions, catalogue: this.#parts.guard.catalogueOf(objects, { paths: this.#paths, made: this.#made, functions }) };
      if (objects !== null && this.#doubtful.length > 0) {
        this.#settleDoubts();
        return this.#catalogue();
      }
    }
    return this.#view.catalogue;
  }

  /** Puts what event triggers have run at the login before the texts that were sent. */
  #begin(objects: LearnedObjects): void {
    if (!this.#isBegun) {
      this.#isBegun = true;
      this.#doubtful.unshift(...objects.resolve('always', 'login').flatMap(({ runs = [] }) => runs.map(({ sql }) => sql)));
    }
  }

  /** Reads again what was sent while the catalogue was not known. A text that changes the catalogue leaves those behind it for the next time. */
  #settleDoubts(): void {
    const [texts, isDefining] = [this.#doubtful, this.#isDefining];
    this.#doubtful = [];
    this.#doubtfulLength = 0;
    for (const text of texts) {
      this.sent(text);
    }
    this.#isDefining = isDefining;
  }
}
