import assert from 'node:assert/strict';
import { formatDays } from '../domain/duration.ts';
import type { KnownFacts } from '../domain/known-facts.ts';
import type { QueryFieldName } from '../query/fields.ts';
import { matches } from '../query/matches.ts';
import { parseQuery } from '../query/parse-query.ts';
import { standardClass, type Keeping, type Kept } from '../recording/retention.ts';
import { isEverything, specialFields, termsOf, UnreadableQuery, type Query } from '../query/query.ts';

/** For how many days records are kept, counted from the day on which each was made. Null: for ever. */
export interface KeptFor {
  readonly content: number | null;
  readonly facts: number | null;
  /** For so many days nothing is erased before its time. Null: there is no such time. */
  readonly floor: number | null;
}

/** Which records are kept for how long. */
export interface RetentionRule extends KeptFor {
  /** In the language of searches (docs/search.md). */
  readonly query: string;
}

/** The default and the rules of the configuration. */
export interface RetentionSettings {
  /** For records for which no rule holds. */
  readonly default: KeptFor;
  readonly rules: readonly RetentionRule[];
  /** True: nothing is erased before its time by one person alone. */
  readonly eraseByTwo?: true | undefined;
}

/** How long records are kept if the configuration does not say it: contents somewhat longer than a year, facts for seven years. */
export const standardKept = { content: 400, facts: 7 * 365 };
/** Most characters of a query. */
export const queryLengthMax = 4096;
/** Most rules that a configuration has. */
export const rulesMax = 100;

/** The fields of queries for what is known when a channel opens. */
const knownFields: ReadonlySet<string> = new Set<QueryFieldName>(['principal', 'group', 'on-behalf-of', 'target', 'protocol', 'environment']);

/** When it is known whether a rule holds: when the record is made, or only later, from what is in it. */
type KnownWhen = 'when recorded' | 'later';

/** A class of keeping: the default, or a rule, with the number that the key store gave to it. */
export interface KeepingClass extends KeptFor {
  readonly class: number;
  /** Null: the default. */
  readonly query: string | null;
  readonly known: KnownWhen;
}

/** A fault of a rule. `at` is the member that has it. */
export interface RuleFault {
  /** The place of the rule among the rules. Null: the default. */
  readonly rule: number | null;
  readonly at: 'query' | 'keep' | 'facts' | 'floor';
  readonly message: string;
}

/** Returns what contradicts itself in settings. */
export function faultsOfRetention({ default: standard, rules }: RetentionSettings): readonly RuleFault[] {
  const queries = rules.map(({ query }) => readQuery(query));
  const forms = queries.map((query) => JSON.stringify(query));
  return [
    ...faultsOfTimes(null, standard),
    ...rules.flatMap((rule, i) => {
      const query = queries[i] ?? '';
      const same = forms.indexOf(forms[i] ?? '');
      const message = same < i ? `another rule, ${JSON.stringify(rules[same]?.query)}, asks for the same: write one rule` : faultOfQuery(query);
      return [
        ...faultsOfTimes(i, rule),
        ...(message !== null ? [{ rule: i, at: 'query' as const, message }] : typeof query === 'string' ? [] : faultsOfLateRule(i, rule, query, standard)),
      ];
    }),
  ];
}

/** Returns whether a time is longer than another. Null: for ever. */
function isLonger(days: number | null, than: number | null): boolean {
  return (days ?? Infinity) > (than ?? Infinity);
}

/** Returns the longer one of two times. Null: for ever. */
export function longerOf(a: number | null, b: number | null): number | null {
  return isLonger(a, b) ? a : b;
}

/** Returns whether two keep for the same times. */
export function isAlike(one: KeptFor, other: KeptFor): boolean {
  return one.content === other.content && one.facts === other.facts && one.floor === other.floor;
}

function faultsOfTimes(rule: number | null, { content, facts, floor }: KeptFor): readonly RuleFault[] {
  const kept = formatDays(content);
  return [
    ...(isLonger(content, facts) ? [{ rule, at: 'facts' as const, message: `facts are kept at least as long as contents, and keep is ${kept} here` }] : []),
    ...(floor !== null && isLonger(floor, content)
      ? [{ rule, at: 'floor' as const, message: `keep is ${kept} here, so nothing stays for ${formatDays(floor)}: make keep as long, or floor shorter` }]
      : []),
  ];
}

function faultOfQuery(query: Query | string): string | null {
  if (typeof query === 'string') {
    return query;
  }
  if (isEverything(query)) {
    return 'this holds for every record: change default instead';
  }
  return termsOf(query).some(({ field }) => field === specialFields.time) ? 'the query is about what is recorded from now on: leave times out' : null;
}

function faultsOfLateRule(rule: number, { content, facts }: KeptFor, query: Query, standard: KeptFor): readonly RuleFault[] {
  const late = termsOf(query).find(({ field }) => !knownFields.has(field))?.field;
  if (late === undefined) {
    return [];
  }
  const can = `"${late}" is known only once something is recorded, so this rule can only lengthen`;
  return [
    ...(isLonger(standard.content, content)
      ? [{ rule, at: 'keep' as const, message: `${can}: keep is at least ${formatDays(standard.content)}, as by default` }]
      : []),
    ...(isLonger(standard.facts, facts)
      ? [{ rule, at: 'facts' as const, message: `${can}: facts are kept at least ${formatDays(standard.facts)}, as by default; leave facts out` }]
      : []),
  ];
}

/** Parses the query of a rule. Returns what is wrong with it as a text. */
function readQuery(query: string): Query | string {
  try {
    return parseQuery(query, 0);
  } catch (error) {
    if (error instanceof UnreadableQuery) {
      const { at, message } = error.place;
      return `${message} (character ${at + 1} of ${JSON.stringify(query)})`;
    }
    throw error;
  }
}

function knownWhen(query: Query): KnownWhen {
  return termsOf(query).every(({ field }) => knownFields.has(field)) ? 'when recorded' : 'later';
}

/** The classes in force, and by which of them what goes over a channel is kept. */
export class RetentionRules {
  /** The default first. */
  readonly classes: readonly KeepingClass[];
  /** Says how that is kept which goes over no channel. */
  readonly standard: Keeping;
  readonly #rules: readonly { readonly of: KeepingClass; readonly query: Query }[];
  /** One object for each pair of classes, so that what is kept alike is recognised by it. */
  readonly #made = new Map<string, Keeping>();

  /** `numberOf` gives the number of the class of a query. `settings` have no faults. */
  constructor({ default: standard, rules }: RetentionSettings, numberOf: (query: string) => number) {
    const standardOf = { ...standard, class: standardClass, query: null, known: 'when recorded' as const };
    const opened = rules.map((rule) => {
      const query = parseQuery(rule.query, 0);
      return { query, of: { ...rule, class: numberOf(rule.query), known: knownWhen(query) } };
    });
    this.classes = [standardOf, ...opened.map(({ of }) => of)];
    this.#rules = opened.filter(({ of }) => of.known === 'when recorded');
    this.standard = this.#longestOf([standardOf]);
  }

  /**
   * Returns how what goes over a channel is kept: by the longest of the rules that hold for it, for facts and contents apart, or by the default if none does. Rules
   * about what is known later are left out. Channels that are kept alike get the same object.
   */
  keepingOf(known: KnownFacts): Keeping {
    const facts = { timeMs: 0, values: valuesOf(known), words: [] };
    const holding = this.#rules.flatMap(({ of, query }) => (matches(query, facts) ? [of] : []));
    return holding.length === 0 ? this.standard : this.#longestOf(holding);
  }

  #longestOf(classes: readonly KeepingClass[]): Keeping {
    const kept = { facts: longest(classes, 'facts'), content: longest(classes, 'content') };
    const name = `${kept.facts.class}/${kept.content.class}`;
    const made = this.#made.get(name) ?? kept;
    this.#made.set(name, made);
    return made;
  }
}

/** Among classes of one length the one with the longest floor counts, and then the oldest. */
function longest(classes: readonly KeepingClass[], slot: 'facts' | 'content'): Kept {
  const [first] = classes.toSorted((a, b) => order(b[slot], a[slot]) || (b.floor ?? 0) - (a.floor ?? 0) || a.class - b.class);
  assert(first !== undefined, 'there is always a class');
  return { class: first.class, days: first[slot] };
}

function order(a: number | null, b: number | null): number {
  return isLonger(a, b) ? 1 : isLonger(b, a) ? -1 : 0;
}

function valuesOf({ principal, groups, onBehalfOf, target, protocol, environment }: KnownFacts): ReadonlyMap<QueryFieldName, readonly string[]> {
  const one = (value: string | null): readonly string[] => (value === null || value === '' ? [] : [value]);
  return new Map<QueryFieldName, readonly string[]>([
    ['principal', one(principal)],
    ['group', groups],
    ['on-behalf-of', one(onBehalfOf)],
    ['target', one(target)],
    ['protocol', one(protocol)],
    ['environment', one(environment)],
  ]);
}
