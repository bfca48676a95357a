import { anythingEffects, type Effect } from '../../../domain/effects.ts';
import { actingFunctions, builtinFunctions } from './builtin-functions.ts';
import { conditionsIn, lexSql, type SqlReading, type SqlToken } from './lexer.ts';
import type { SecondParser, SecondReading } from './second-parser.ts';
import { kindOfStatement, type StatementKind } from './statement-kinds.ts';

/** Longest text that is read, in characters. */
const textLengthMax = 2 * 1024 * 1024;
/** Most different beginnings of comments that some servers run, which are read in every combination. */
const conditionsMax = 2;
/** Most texts, and most characters of texts, whose facts are kept. */
const textsMax = 2_000;
const charactersMax = 8 * 1024 * 1024;
const tablesMax = 100;
/** A character of several bytes whose last one some encodings take from what follows it (GBK, Shift JIS, Big5). */
const swallowing = /[\u0080-\uffff][\\`]/;

/** The facts about a text of SQL: what it does at most. With `unknown` among the effects it may do anything else too. */
export interface SqlFacts {
  readonly effects: readonly Effect[];
  readonly statements: readonly string[];
  /** The tables that are read or changed, with their databases where the text names them. */
  readonly tables: readonly (readonly string[])[];
  /** The database that it has the session use from then on. Null: it may be any. Undefined: it stays. */
  readonly database: string | null | undefined;
}

/** The facts of a text that nobody can read. */
const unreadFacts: SqlFacts = { effects: anythingEffects, statements: [], tables: [], database: null };

/** The word of the other parser for each kind of which it has one of its own. */
const otherWords: Readonly<Record<string, RegExp>> = {
  select: /^Query$/,
  with: /^(?:Query|Delete|Update|Insert)$/,
  insert: /^Insert$/,
  replace: /^Insert$/,
  update: /^Update$/,
  delete: /^Delete$/,
  truncate: /^Truncate$/,
  call: /^Call$/,
  set: /^Set/,
  use: /^Use$/,
  show: /^Show/,
  begin: /^StartTransaction$/,
  commit: /^Commit$/,
  rollback: /^Rollback$/,
  savepoint: /^Savepoint$/,
  release: /^ReleaseSavepoint$/,
  kill: /^Kill$/,
  explain: /^Explain/,
  grant: /^Grant$/,
  revoke: /^Revoke$/,
};

/** The kinds that name no tables, or only say how tables are made. */
const withoutTables =
  /^(?:do|set|use|help|show|explain|begin|start|commit|rollback|savepoint|release|prepare|deallocate|unlock|kill|flush|reset|purge|change|stop|xa|shutdown|grant|revoke|call|rename_user|(?:create|alter|drop)_(?:database|user|role|server|tablespace|logfile|instance|undo|resource|function|procedure|event|package))$/;
/** The kinds of which the other parser names all tables. */
const withTables = /^(?:select|with|insert|replace|update|delete|truncate|(?:create|alter|drop)_table|(?:create|drop)_view|create_index)$/;

/** Finds what texts of SQL do at most, by our own lexer in every way in which a server may read the text, and by another parser. Keeps what it found. */
export class Guard {
  readonly #parser: SecondParser;
  readonly #known = new Map<string, SqlFacts>();
  #characters = 0;

  constructor(parser: SecondParser) {
    this.#parser = parser;
  }

  /** Returns the facts of a text. `isWithoutEscapes` says whether a backslash is a character like others; null if it is not known. */
  factsOf(sql: string, isWithoutEscapes: boolean | null): SqlFacts {
    const key = `${isWithoutEscapes === null ? '?' : isWithoutEscapes ? '-' : '+'}${sql}`;
    const known = this.#known.get(key);
    if (known !== undefined) {
      return known;
    }
    const facts = readSql(sql, isWithoutEscapes, this.#parser);
    this.#known.set(key, facts);
    this.#characters += key.length;
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= textsMax && this.#characters <= charactersMax) {
        break;
      }
      this.#known.delete(oldest);
      this.#characters -= oldest.length;
    }
    return facts;
  }
}

function readSql(sql: string, isWithoutEscapes: boolean | null, parser: SecondParser): SqlFacts {
  const conditions = conditionsIn(sql);
  if (sql.length > textLengthMax || swallowing.test(sql) || conditions.length > conditionsMax) {
    return unreadFacts;
  }
  const all = readingsOf(sql, isWithoutEscapes, conditions).map((reading) => lexSql(sql, reading));
  const lexed: (readonly (readonly SqlToken[])[])[] = [];
  for (const one of all) {
    if ('unclear' in one) {
      return unreadFacts;
    }
    lexed.push(one.statements);
  }
  const [first = []] = lexed;
  if (first.length > 1 && sql.includes('\\') && first.some((tokens) => changesReading(kindOfStatement(tokens).kind))) {
    // The first statement may change how the server reads the rest.
    return unreadFacts;
  }
  // The other parser knows one way of reading.
  const usual = lexSql(sql, { isAnsiQuotes: false, isWithoutEscapes: false, running: new Set(conditions) });
  const isCertain = 'statements' in usual && lexed.every((statements) => isSame(statements, usual.statements));
  const tokens = first.reduce((sum, statement) => sum + statement.length, 0);
  return factsOf(lexed, isCertain ? parser.read(sql, tokens) : null);
}

/** Returns every way in which a server may read a text. */
function readingsOf(sql: string, isWithoutEscapes: boolean | null, conditions: readonly string[]): readonly SqlReading[] {
  const either = [false, true] as const;
  const quotes = sql.includes('"') ? either : ([false] as const);
  const escapes = isWithoutEscapes === null && sql.includes('\\') ? either : [isWithoutEscapes ?? false];
  const runs = conditions.reduce<readonly (readonly string[])[]>((sets, condition) => sets.flatMap((set) => [set, [...set, condition]]), [[]]);
  return quotes.flatMap((isAnsiQuotes) =>
    escapes.flatMap((isWithout) => runs.map((run) => ({ isAnsiQuotes, isWithoutEscapes: isWithout, running: new Set(run) }))),
  );
}

function changesReading(kind: string): boolean {
  return ['set', 'call', 'other'].includes(kind);
}

/** True if two readings find the same tokens, but for what is in double quotes. */
function isSame(one: readonly (readonly SqlToken[])[], other: readonly (readonly SqlToken[])[]): boolean {
  const plain = (statements: typeof one): string =>
    JSON.stringify(statements.map((tokens) => tokens.map(({ kind, text }) => [kind === 'word' || kind === 'sign' ? kind : 'quoted', text])));
  return one === other || plain(one) === plain(other);
}

function factsOf(lexed: readonly (readonly (readonly SqlToken[])[])[], second: SecondReading | null): SqlFacts {
  const effects = new Set<Effect>();
  const kinds = new Set<string>();
  let database: string | null | undefined;
  for (const statements of lexed) {
    const found = statements.map(kindOfStatement);
    found.forEach((kind, at) => {
      kinds.add(kind.kind);
      kind.effects.forEach((effect) => effects.add(effect));
      if (kind.kind === 'use') {
        database = lexed.length === 1 && statements.length === 1 ? (statements[at]?.[1]?.text ?? null) : null;
      } else if (kind.effects.includes('unknown')) {
        database = null;
      }
    });
    if (!isConfirmed(found, second)) {
      effects.add('unknown');
    }
  }
  for (const effect of functionEffects(second)) {
    effects.add(effect);
  }
  // A text of comments alone does nothing.
  return { effects: [...effects].toSorted(), statements: [...kinds].toSorted(), tables: tablesIn(second), database };
}

/** True if the other parser finds the same statements, and their functions and tables; a statement that has neither needs no other parser. */
function isConfirmed(kinds: readonly StatementKind[], second: SecondReading | null): boolean {
  if (second === null) {
    return kinds.every(({ kind, hasExpressions }) => !hasExpressions && withoutTables.test(kind));
  }
  if (!kinds.every(({ kind }) => withoutTables.test(kind) || withTables.test(kind))) {
    return false;
  }
  return second.statements.length === kinds.length && kinds.every(({ kind }, at) => (otherWords[kind] ?? otherWordOf(kind)).test(second.statements[at] ?? ''));
}

/** Definitions have several words: `Drop`, `DropFunction`, `CreateView`. */
function otherWordOf(kind: string): RegExp {
  const [verb = ''] = kind.split('_');
  return /^(?:create|alter|drop)$/.test(verb) ? new RegExp(`^${verb}`, 'i') : /./;
}

function* functionEffects(second: SecondReading | null): Generator<Effect> {
  for (const parts of second?.functions ?? []) {
    const name = parts.length === 1 ? (parts[0] ?? '').toLowerCase() : '';
    const acting = actingFunctions.get(name);
    if (acting !== undefined) {
      yield acting;
    } else if (!builtinFunctions.has(name)) {
      yield 'unknown';
    }
  }
}

function tablesIn(second: SecondReading | null): readonly (readonly string[])[] {
  const tables = new Map((second?.tables ?? []).map((parts) => [parts.join('.'), parts]));
  return [...tables.values()].slice(0, tablesMax);
}
