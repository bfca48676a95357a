import { isDeepStrictEqual } from 'node:util';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { statementAttributes } from './actions.ts';
import { boundIn } from './bound-values.ts';
import { messagesOf, nameBytesMax, type NameChange, type Unit } from './client-units.ts';
import { frameHeaderBytes } from './codec.ts';
import { parseMessage, simpleQuery, type Bound } from './compose.ts';
import type { Found } from './guard/catalogue.ts';
import { builtinEffects } from './guard/builtins.ts';
import { builtinOids } from './guard/builtin-oids.ts';
import { FactsDraft, noSessionFacts, plainFacts, together, unknownFacts, type SessionFacts, type StatementFacts } from './guard/facts.ts';
import { partsOfSent, sentText } from './guard/sent-text.ts';
import { oneOf, silentLineage, unknownLineage, type StatementLineage } from './guard/lineage.ts';
import { sourcesOf, union, type Output } from './guard/rowset.ts';
import type { SessionState } from './guard/session-state.ts';
import { frontend } from './messages.ts';
import { SentTexts, type Settle, type Texts } from './sent-texts.ts';
import { deallocatedName } from './names.ts';
import type { Change } from './target-catalogues.ts';

/** Most statements with COPY data whose facts are kept: one is under way, and further ones may wait in a pipeline. */
const copiesMax = 200;
/** Longest text of such a statement, in characters, that is kept to be read again. */
const copyLengthMax = 16 * 1024;
const noTexts: ReadonlyMap<number, string | null> = new Map();
const none: Texts = new Map();
const noTypes: readonly number[] = [];
/** Longest unit of the extended protocol, in bytes, for which an estimate is asked. */
const boundBytesMax = 256 * 1024;
/** One statement of which nothing is known. */
const unknownStatement: readonly StatementLineage[] = [unknownLineage];
/** A text that cannot be read. */
const unreadable = [null];
/** A name that has the same bytes in every encoding, and that the target does not cut. */
const plainName = /^(?!all$)[ -~]{1,63}$/;
const nonAscii = /[^\0-\x7f]/;
/** Most records with texts that a request runs by names of which its record names each. */
const namedRecordsMax = 16;

/** The catalogue that all clients of a database share, as far as a session may change it. */
interface SharedCatalogue {
  readonly changing: () => void;
  readonly changed: (change: Change) => void;
  /** Returns a promise for when it is known again; null if nobody is about to learn it. With `first`, only if it is not known because no client was there before. */
  readonly known: (wanted: 'first' | 'again') => Promise<void> | null;
}

/** A statement that the target can plan without any effect, in the search path of the session. */
export interface PlannedStatement {
  readonly text: string;
  readonly path: readonly string[];
  /** Null: the statement has no parameters. */
  readonly bound: Bound | null;
}

/** The texts of a unit, with what its Execute runs, and what the names in them stand for. */
interface ReadUnit {
  readonly own: readonly (string | null)[];
  readonly executed: Texts;
  readonly names: readonly Named[];
}

/** The texts for which a name in a text stands that does not prepare or declare it itself, and whether these are certain. */
interface Named {
  readonly means: Texts;
  readonly isSure: boolean;
}

/** Finds what the requests of one connection do: those that bring their text, and those that name a text that was sent before. */
export class RequestFacts {
  readonly #session: SessionState;
  readonly #catalogue: SharedCatalogue;
  readonly #texts = new SentTexts();
  /** Return the facts of statements that may read COPY data, by the number of their request. */
  readonly #copies = new Map<number, () => StatementFacts>();
  /** The attributes by facts, and within them by what else the request refers to. */
  #attributes = new WeakMap<StatementFacts, Attributes>();
  #base: Attributes = {};
  /** The texts of the newest unit with a Parse, and what their reading depends on, from the decision on it until it is sent. */
  #newest: { readonly unit: Unit; readonly encoding: string; readonly encodes: boolean; readonly texts: ReadonlyMap<number, string | null> } | null = null;
  /** True after a text was sent that changes the catalogue for others once its transaction ends, and if the transaction may have ended unseen. */
  #isPending = false;
  #isUnsure = false;
  /** True after a text that runs code which nobody could read: in this transaction, and ever. */
  #runsCode = false;
  #hasRunCode = false;
  /** True if what is pending is more than new tables. */
  #isDefining = false;

  constructor(session: SessionState, catalogue: SharedCatalogue) {
    this.#session = session;
    this.#catalogue = catalogue;
  }

  /**
   * Returns a promise for when more may be known of a request than its attributes say: what it does is unknown, and the catalogue is being learned. Null: nothing more
   * will be known soon, or the request changes the catalogue itself and is not the first that does: who makes many objects does not wait after each.
   */
  more(attributes: Attributes): Promise<void> | null {
    const effects = attributes[ownAttributes.effects];
    return Array.isArray(effects) && effects.includes('unknown') ? this.#catalogue.known(effects.includes('define') ? 'first' : 'again') : null;
  }

  /** Returns where the results of the statements of a unit come from that is sent now, one for each statement. */
  lineage(unit: Unit, encoding: string): readonly StatementLineage[] {
    if (unit.kind === 'query') {
      const text = this.#readable(queryText(unit), encoding);
      return text === null ? unknownStatement : this.#lineageOf(text);
    }
    if (unit.kind === 'call') {
      return callFacts(unit) === unknownFacts ? unknownStatement : [silentLineage];
    }
    if (unit.kind !== 'execute' && unit.kind !== 'prepare') {
      return [];
    }
    const texts = unit.changes.at(-1)?.kind === 'execute' ? this.#executed(unit.changes, this.#parsed(unit, encoding)) : this.#planned(unit, encoding);
    if (texts?.size === 0 && unit.kind === 'prepare') {
      return [];
    }
    return texts === null || texts.size === 0 ? unknownStatement : [oneOf([...texts.keys()].map((text) => oneOf(this.#lineageOf(text))))];
  }

  /** Returns the texts that a unit parses and binds that executes nothing: the target may say something when it plans them. */
  #planned({ changes, ...unit }: Unit, encoding: string): Texts {
    const parsed = this.#parsed({ changes, ...unit }, encoding);
    const bound = changes.flatMap((change) => (change.kind === 'bind' ? [this.#texts.statement(change.statement)] : []));
    const texts = [...[...parsed.values()].map((text) => (text === null ? null : new Map([[text, 0]]))), ...bound];
    return texts.includes(null) ? null : new Map(texts.flatMap((each) => [...(each ?? [])]));
  }

  #lineageOf(text: string): readonly StatementLineage[] {
    const own = this.#session.lineage(text) ?? unknownStatement;
    return own.map((lineage) => {
      const { executes, fetches } = lineage;
      if (executes === null && fetches === null) {
        return lineage;
      }
      const name = executes ?? fetches ?? '';
      const texts = executes === null ? this.#texts.cursor(wireName(name)) : this.#texts.statement(wireName(name));
      const inner = [
        ...own.filter(({ names }) => names === name),
        ...[...(texts?.keys() ?? [])].map((each) => this.#lineageOfName(each, name, fetches !== null)),
      ];
      return texts === null || inner.length === 0 ? unknownLineage : oneOf(inner);
    });
  }

  /**
   * Returns what a name stands for that a text gives: to one of its statements, or to the whole text if it was prepared by a message. `isCursor`: code that the text
   * runs may have given it.
   */
  #lineageOfName(text: string, name: string, isCursor: boolean): StatementLineage {
    const all = this.#session.lineage(text) ?? unknownStatement;
    const named = all.filter(({ names }) => names === name);
    if (named.length > 0) {
      return oneOf(named);
    }
    const [only = unknownLineage, ...more] = all;
    if (more.length > 0 || only.executes !== null || only.fetches !== null || only.names !== null) {
      return unknownLineage;
    }
    return isCursor && only.runsCode ? { ...only, rows: { columns: [], others: union([only.said, sourcesOf(only.rows)]) } } : only;
  }

  /** Returns a column with where it comes from, by its number and the object id of its relation. Null: the relation is one of PostgreSQL's own. */
  column(relation: number, attribute: number): Output | null {
    return this.#session.column(relation, attribute);
  }

  /** Returns the type of an object id; undefined if it is not known. */
  typeOf(oid: number): Found | undefined {
    return this.#session.typeOf(oid);
  }

  /** The number of texts that were sent after which a name may stand for another text. */
  get doubts(): number {
    return this.#texts.doubts;
  }

  /** The longest time in ms that the client lets a statement take. */
  get timeoutMs(): number {
    return this.#session.timeoutMs;
  }

  /**
   * Returns the attributes of a request: those of the connection, the facts of its texts, and the records with the texts that it runs by names. The same statement has
   * the same object if it names none. `origin` is the request with the COPY of these data, or with the Parse that is executed. Undefined: it is not known.
   */
  attributes(base: Attributes, unit: Unit, encoding: string, origin: number | undefined): Attributes {
    if (base !== this.#base) {
      this.#base = base;
      this.#attributes = new WeakMap();
    }
    const facts = this.#facts(unit, encoding, origin);
    const known = this.#attributes.get(facts);
    const attributes = known ?? { ...base, ...statementAttributes(facts) };
    if (known === undefined) {
      this.#attributes.set(facts, attributes);
    }
    const named = this.#namedRecords(unit, encoding, facts.session, origin !== undefined);
    return named === null ? attributes : { ...attributes, ...named };
  }

  /**
   * Returns the attributes that name the records with texts that a unit runs by names: those in its texts, and those of what it executes unless that is the Parse which
   * is known. Null: there are none.
   */
  #namedRecords(unit: Unit, encoding: string, { executed, fetched }: SessionFacts, isParseKnown: boolean): Attributes | null {
    const run = unit.kind === 'execute' ? this.#executed(unit.changes, this.#parsed(unit, encoding)) : none;
    const isShown = run === null || run.size === 0 || (run.size === 1 && (isParseKnown || run.values().next().value === 0));
    if (executed.length === 0 && fetched.length === 0 && isShown) {
      return null;
    }
    const { names } = this.#read(unit, encoding);
    const all = isShown ? names.map(({ means }) => means) : [...names.map(({ means }) => means), run];
    const records = [...new Set(all.flatMap((texts) => [...(texts?.values() ?? [])]))].toSorted((one, other) => one - other);
    const isSure =
      records.length <= namedRecordsMax &&
      all.every((texts) => texts?.size === 1) &&
      names.every((name) => name.isSure) &&
      (isShown || this.#isSureExecuted(unit.changes));
    return all.length === 0
      ? null
      : {
          ...(records.length === 0 ? {} : { [ownAttributes.namedRecords]: records.slice(0, namedRecordsMax).map(String) }),
          ...(isSure ? {} : { [ownAttributes.namesAreSure]: false }),
        };
  }

  #facts(unit: Unit, encoding: string, origin: number | undefined): StatementFacts {
    switch (unit.kind) {
      case 'query':
        return this.#whole(this.#readable(queryText(unit), encoding));
      case 'execute':
      case 'prepare':
        return this.#extended(unit, encoding);
      case 'call':
        return callFacts(unit);
      case 'copy':
        return (origin === undefined ? undefined : this.#copies.get(origin)?.()) ?? unknownFacts;
      default:
        return plainFacts;
    }
  }

  /** Returns the facts of a unit of the extended protocol: of what it prepares, and of what it executes. */
  #extended(unit: Unit, encoding: string): StatementFacts {
    const { changes } = unit;
    const parsed = this.#parsed(unit, encoding);
    return this.#ofTexts(parsed, changes.at(-1)?.kind === 'execute' ? this.#ofNames(this.#executed(changes, parsed)) : null);
  }

  /** Returns the facts of the texts of a unit together with those of what it executes; null if it executes nothing. */
  #ofTexts(parsed: ReadonlyMap<number, string | null>, executed: StatementFacts | null): StatementFacts {
    if (parsed.size === 0 && executed !== null) {
      return executed;
    }
    const all = [...parsed.values()].map((text) => this.#whole(text));
    return together([...new Set(executed === null ? all : [...all, executed])]);
  }

  /** Returns the text of each Parse of a unit by its step, as `sentText` gives it; null for one that cannot be read. */
  #parsed(unit: Unit, encoding: string): ReadonlyMap<number, string | null> {
    const { bytes, changes } = unit;
    if (!changes.some(({ kind }) => kind === 'parse')) {
      return noTexts;
    }
    const { encodes } = this.#session;
    const newest = this.#newest;
    if (newest?.unit === unit && newest.encoding === encoding && newest.encodes === encodes) {
      return newest.texts;
    }
    const texts = new Map<number, string | null>();
    for (const { step, text, types } of parseTexts(bytes, changes)) {
      const readable = this.#readable(text, encoding);
      texts.set(step, readable === null || types === null ? null : sentText(readable, types));
    }
    this.#newest = { unit, encoding, encodes, texts };
    return texts;
  }

  /** Returns the texts that the Execute at the end of a unit may run. A Parse and a Bind in the same unit decide: if one fails, nothing runs. */
  #executed(changes: readonly NameChange[], parsed: ReadonlyMap<number, string | null>): Texts {
    const portal = changes.at(-1)?.name ?? '';
    const bind = changes.findLastIndex((change) => change.kind === 'bind' && change.name === portal);
    const bound = changes[bind];
    if (bound?.kind !== 'bind') {
      return this.#texts.cursor(portal);
    }
    const parse = parsed.size === 0 ? undefined : changes.slice(0, bind).findLast((change) => change.kind === 'parse' && change.name === bound.statement);
    if (parse === undefined) {
      return this.#texts.statement(bound.statement);
    }
    const text = parsed.get(parse.step) ?? null;
    return text === null ? null : new Map([[text, 0]]);
  }

  #read(unit: Unit, encoding: string): ReadUnit {
    const { kind } = unit;
    if (kind !== 'query' && kind !== 'execute' && kind !== 'prepare') {
      return { own: [], executed: none, names: [] };
    }
    const parsed = kind === 'query' ? noTexts : this.#parsed(unit, encoding);
    const executed = kind === 'execute' ? this.#executed(unit.changes, parsed) : none;
    const own = kind === 'query' ? [this.#readable(queryText(unit), encoding)] : [...parsed.values(), ...(executed?.keys() ?? [])];
    return { own, executed, names: own.flatMap((text) => (text === null ? [] : this.#namedBy(this.#session.facts(text).session))) };
  }

  /**
   * Returns the texts that a unit's own texts execute by a name (EXECUTE), and whether it is sure that it executes these and no others, by whatever name. `refers`:
   * the unit executes a statement that another unit prepared.
   */
  named(unit: Unit, encoding: string, refers: boolean): { readonly texts: readonly string[]; readonly isSure: boolean } {
    const { own, executed, names } = this.#read(unit, encoding);
    const isSureExecuted = !refers || (executed?.size === 1 && this.#isSureExecuted(unit.changes));
    return {
      texts: names.flatMap(({ means }) => [...(means?.keys() ?? [])]),
      isSure: isSureExecuted && own.every((text) => text !== null) && names.every((name) => name.isSure),
    };
  }

  /** Returns a Query with the text that request `record` brought and the unit runs by a name; null if it runs none of it. */
  namedText(unit: Unit, encoding: string, record: number): Buffer | null {
    const { executed, names } = this.#read(unit, encoding);
    for (const [text, seq] of [executed, ...names.map(({ means }) => means)].flatMap((texts) => [...(texts?.entries() ?? [])])) {
      if (seq === record) {
        return simpleQuery(partsOfSent(text).text);
      }
    }
    return null;
  }

  /** Returns what the names stand for that a text executes and reads and does not make itself. */
  #namedBy({ executed, prepared, fetched, declared }: SessionFacts): readonly Named[] {
    return [
      ...executed
        .filter((name) => !prepared.includes(name))
        .map(wireName)
        .map((name) => ({ means: this.#texts.statement(name), isSure: this.#texts.isSureStatement(name) })),
      ...fetched
        .filter((name) => !declared.includes(name))
        .map(wireName)
        .map((name) => ({ means: this.#texts.cursor(name), isSure: this.#texts.isSureCursor(name) })),
    ];
  }

  /** Returns whether it is sure which text the Execute at the end of a unit runs: its own, or the only one of a name. */
  #isSureExecuted(changes: readonly NameChange[]): boolean {
    const portal = changes.at(-1)?.name ?? '';
    const bind = changes.findLastIndex((change) => change.kind === 'bind' && change.name === portal);
    const bound = changes[bind];
    if (bound?.kind !== 'bind') {
      return this.#texts.isSureCursor(portal);
    }
    const isOwn = changes.slice(0, bind).some((change) => change.kind === 'parse' && change.name === bound.statement);
    return isOwn || this.#texts.isSureStatement(bound.statement);
  }

  /** Returns a Parse with the text that a unit executes by the name of a statement; null if it has the text itself, or if it is not sure which it is. */
  prepared(unit: Unit, encoding: string): Buffer | null {
    const { kind, changes } = unit;
    const parsed = kind === 'execute' ? this.#parsed(unit, encoding) : noTexts;
    const bound = changes.findLast((change) => change.kind === 'bind');
    const texts = kind === 'execute' && bound?.kind === 'bind' ? this.#executed(changes, parsed) : null;
    const [sent] = texts?.keys() ?? [];
    if (bound?.kind !== 'bind' || texts?.size !== 1 || sent === undefined || [...parsed.values()].includes(sent)) {
      return null;
    }
    return parseMessage(bound.statement, partsOfSent(sent).text);
  }

  /** Returns why it is not sure which text a unit runs by a name, or that people would see it; null if it is sure, or if it runs only its own. */
  doubt(unit: Unit, encoding: string): string | null {
    const { names } = this.#read(unit, encoding);
    const isSure =
      (unit.kind !== 'execute' || this.#isSureExecuted(unit.changes)) &&
      names.every((name) => name.isSure && name.means !== null) &&
      new Set(names.flatMap(({ means }) => [...(means?.values() ?? [])])).size <= namedRecordsMax;
    return isSure
      ? null
      : 'it runs by a name what may be another statement than the one that people would see: if the target still answers, wait for that; otherwise send the statement itself';
  }

  /** Returns the facts of the texts that a name may stand for. */
  #ofNames(texts: Texts): StatementFacts {
    if (texts === null || texts.size === 0) {
      return unknownFacts;
    }
    const [first = null] = texts.keys();
    return texts.size === 1 ? this.#whole(first) : together([...texts.keys()].map((text) => this.#whole(text)));
  }

  /** Returns the facts of a text together with those of the statements and cursors that it names. */
  #whole(text: string | null): StatementFacts {
    if (text === null) {
      return unknownFacts;
    }
    const facts = this.#session.facts(text);
    if (facts.session === noSessionFacts) {
      return facts;
    }
    const { executed, fetched, prepared, declared } = facts.session;
    if (executed.length === 0 && fetched.length === 0) {
      return facts;
    }
    const named = [
      ...executed.map((name) => this.#named(this.#texts.statement(wireName(name)), prepared.includes(name))),
      ...fetched.map((name) => this.#named(this.#texts.cursor(wireName(name)), declared.includes(name))),
    ];
    return together([facts, ...named]);
  }

  /** Returns the facts of what a text executes by a name. A name that the text itself prepares stands for a part of the text. */
  #named(texts: Texts, isOwn: boolean): StatementFacts {
    if (texts === null || texts.size === 0) {
      return isOwn ? plainFacts : unknownFacts;
    }
    return together([...texts.keys()].map((text) => this.#session.facts(text)));
  }

  /** Returns the statement that a unit runs; null if it runs no statement, or several, or if it is not sure that planning it has no effect. */
  planned(unit: Unit, encoding: string): PlannedStatement | null {
    if (unit.kind !== 'query' && unit.kind !== 'execute') {
      return null;
    }
    const statement = unit.kind === 'query' ? { text: this.#readable(queryText(unit), encoding), bound: null } : this.#bound(unit, encoding);
    const text = statement?.text ?? null;
    const path = text === null ? null : this.#session.plannedPath(text);
    return text === null || path === null ? null : { text, path, bound: statement?.bound ?? null };
  }

  /** Returns whether it is still sure that planning a statement has no effect. */
  isPlanned({ text, path }: PlannedStatement): boolean {
    return isDeepStrictEqual(this.#session.plannedPath(text), path);
  }

  /** Returns the text of a unit that binds one statement and executes it, with the values; null if it does something else too, or if the values may be read otherwise. */
  #bound(unit: Unit, encoding: string): { readonly text: string | null; readonly bound: Bound } | null {
    const { bytes, changes } = unit;
    const [first, bind, execute] = changes.length === 2 ? [undefined, ...changes] : changes;
    const isSole = (first === undefined || first.kind === 'parse') && bind?.kind === 'bind' && execute?.kind === 'execute';
    const isParsed = isSole && first?.name === bind.statement;
    if (!isSole || execute.name !== bind.name || (first !== undefined && !isParsed) || encoding !== 'UTF8' || this.#session.encodes) {
      return null;
    }
    const [text = null, ...others] = this.#executed(changes, this.#parsed(unit, encoding))?.keys() ?? [];
    const bound = others.length > 0 || lengthOf(bytes) > boundBytesMax ? null : boundIn(joined(bytes), isParsed);
    return bound === null ? null : { text, bound };
  }

  /**
   * Notes that a unit was sent to the target as request `seq`. Returns a function to call when the target has answered it, with the number of its completions; null if
   * the answer does not matter.
   */
  sent(unit: Unit, seq: number, encoding: string, isSettled: boolean): Settle | null {
    switch (unit.kind) {
      case 'query': {
        const text = this.#readable(queryText(unit), encoding);
        const failed = this.#sentText(text, seq);
        this.#noteCopy(seq, [text], () => this.#whole(text));
        return unlessDone(1, failed) ?? this.#deallocating(unit);
      }
      case 'execute':
      case 'prepare':
        return this.#sentExtended(unit, seq, encoding, isSettled);
      case 'call':
        if (callFacts(unit) === unknownFacts) {
          this.#sentText(null, seq);
        }
        return null;
      default:
        return null;
    }
  }

  /** Returns what a query does when it has succeeded that deallocates a statement, or all, and does nothing else. */
  #deallocating(unit: Unit): Settle | null {
    const isAll = isDeallocationOfAll(queryText(unit));
    const name = isAll ? null : deallocatedName(unit.bytes);
    if (!isAll && (name === null || !plainName.test(name))) {
      return null;
    }
    const deallocate = this.#texts.deallocating(name);
    return (done) => {
      if (done > 0) {
        deallocate();
      }
    };
  }

  #sentExtended(unit: Unit, seq: number, encoding: string, isSettled: boolean): Settle | null {
    const { changes } = unit;
    const parsed = this.#parsed(unit, encoding);
    this.#newest = null;
    if (changes.at(-1)?.kind !== 'execute') {
      return this.#texts.apply(changes, { texts: parsed, seq, isSettled });
    }
    const executed = this.#executed(changes, parsed);
    this.#noteCopy(seq, [...parsed.values(), ...(executed?.keys() ?? unreadable)], () => this.#ofTexts(parsed, this.#ofNames(executed)));
    const settle = this.#texts.apply(changes, { texts: parsed, seq, isSettled });
    const failures = [...(executed?.keys() ?? unreadable)].map((text) => this.#sentText(text, seq));
    // If a name may stand for several texts, it is not known which of them the target refused.
    const failed = failures.length === 1 ? unlessDone(unit.steps, failures[0] ?? null) : null;
    return failed === null || settle === null
      ? (failed ?? settle)
      : (done) => {
          settle(done);
          failed(done);
        };
  }

  /** Notes a text that was sent. Returns a function to call if the target refuses it; null if that does not matter. */
  #sentText(text: string | null, seq: number): (() => void) | null {
    const isStrange = text !== null && this.#session.isStrange(text);
    const session = this.#session.sent(text, isStrange);
    // Code that is not known may also be a trigger that waits for the end of its transaction, or may have made another one.
    const mayRunCode = this.#runsCode || (this.#hasRunCode && session.isLost);
    if (session.runsCode || mayRunCode) {
      this.#runsCode = true;
      this.#hasRunCode = true;
      this.#texts.doubt();
    }
    if (session === noSessionFacts) {
      return null;
    }
    const { defines, made, ends, prepared, declared, opens } = session;
    this.#isDefining ||= defines;
    this.#isPending ||= defines || made.some((table) => !table.startsWith('pg_temp.'));
    if (this.#isPending && ends && !this.#isUnsure) {
      this.#isUnsure = true;
      this.#catalogue.changing();
    }
    if (text !== null) {
      for (const name of prepared) {
        this.#texts.prepared(wireName(name), text, seq);
      }
      for (const name of declared) {
        this.#texts.declared(wireName(name), text, seq);
      }
      if (opens) {
        this.#texts.opened(text, seq);
      }
    }
    return isStrange
      ? () => {
          this.#session.strangeFailed();
        }
      : null;
  }

  /** Notes that the target has answered everything, and no transaction is open. */
  idle(): void {
    this.#texts.transactionEnded();
    this.#runsCode = false;
    if (this.#isPending) {
      const change = { wasUnsure: this.#isUnsure, isTables: !this.#isDefining, learned: this.#learned };
      this.#isPending = false;
      this.#isUnsure = false;
      this.#isDefining = false;
      this.#catalogue.changed(change);
    }
  }

  readonly #learned = (): void => {
    if (!this.#isPending) {
      this.#session.learned();
    }
  };

  /** Notes that the session has ended. What it was changing may be changed. */
  ended(): void {
    this.idle();
  }

  /**
   * Notes the facts of what may be a COPY. If they are unknown, its text is read again with each piece of its data, because the catalogue may have been changed by others
   * when it was sent, and may be known again.
   */
  #noteCopy(seq: number, texts: readonly (string | null)[], read: () => StatementFacts): void {
    const facts = read();
    if (!facts.statements.includes('copy') && facts !== unknownFacts) {
      return;
    }
    const isReadAgain = facts.effects.includes('unknown') && texts.reduce((sum, text) => sum + (text?.length ?? 0), 0) <= copyLengthMax;
    this.#copies.set(seq, isReadAgain ? read : () => facts);
    for (const oldest of this.#copies.keys()) {
      if (this.#copies.size <= copiesMax) {
        break;
      }
      this.#copies.delete(oldest);
    }
  }

  /** Returns a text if it is sure that the target reads it as the guard does. */
  #readable(bytes: Buffer, encoding: string): string | null {
    const text = bytes.toString('utf8');
    if (!nonAscii.test(text)) {
      return text;
    }
    const isUtf8 = encoding === 'UTF8' && !this.#session.encodes && !text.includes('\uFFFD');
    return isUtf8 ? text : null;
  }
}

/** Returns a name of SQL as the units have the names of messages: its bytes as characters. */
function wireName(name: string): string {
  return Buffer.from(name).toString('latin1', 0, nameBytesMax);
}

/** Returns a function to call with the number of completions of a unit, which calls another if they are too few; null if there is none. */
function unlessDone(steps: number, failed: (() => void) | null): Settle | null {
  return failed === null
    ? null
    : (done) => {
        if (done < steps) {
          failed();
        }
      };
}

/** Returns the text of a Query. */
function queryText({ bytes }: Unit): Buffer {
  const message = joined(bytes);
  return message.subarray(frameHeaderBytes, -1);
}

/** Returns whether a query is one that drivers and poolers send to deallocate all statements. */
function isDeallocationOfAll(text: Buffer): boolean {
  return text.length <= 20 && /^(?:deallocate all|discard all);?$/i.test(text.toString('latin1'));
}

/** Yields the text of each Parse in a unit, with its step and the types that it names; they are null if the message is too short for them. */
function* parseTexts(
  bytes: readonly Uint8Array[],
  changes: readonly NameChange[],
): Generator<{ readonly step: number; readonly text: Buffer; readonly types: readonly number[] | null }, void> {
  const steps = changes.filter(({ kind }) => kind === 'parse').map(({ step }) => step);
  let count = 0;
  for (const message of steps.length === 0 ? [] : messagesOf(bytes)) {
    if (message[0] === frontend.parse) {
      const start = message.indexOf(0, frameHeaderBytes) + 1;
      const end = message.indexOf(0, start);
      yield { step: steps[count] ?? 0, text: message.subarray(start, end), types: typesAt(message, end + 1) };
      count += 1;
    }
  }
}

function typesAt(parse: Buffer, at: number): readonly number[] | null {
  const start = at + 2;
  const count = start > parse.length ? Infinity : parse.readUInt16BE(at);
  if (count === 0) {
    return noTypes;
  }
  return start + 4 * count > parse.length ? null : Array.from({ length: count }, (_, i) => parse.readUInt32BE(start + 4 * i));
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function joined(pieces: readonly Uint8Array[]): Buffer {
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? Buffer.from(first.buffer, first.byteOffset, first.length) : Buffer.concat(pieces);
}

/** Returns the facts of a FunctionCall. Only PostgreSQL's own functions for large objects are known by their ids. */
function callFacts({ bytes }: Unit): StatementFacts {
  const message = joined(bytes);
  const name = message.length < frameHeaderBytes + 4 ? undefined : builtinOids.get(message.readUInt32BE(frameHeaderBytes));
  const effects = name === undefined ? undefined : builtinEffects(name);
  if (name === undefined || effects === undefined) {
    return unknownFacts;
  }
  const draft = new FactsDraft();
  draft.add(...effects);
  draft.functions.add(`pg_catalog.${name}`);
  return draft.finish();
}
