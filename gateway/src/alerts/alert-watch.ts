import { createHash } from 'node:crypto';
import { severities, withinHours, type AlertRule, type Severity } from '../domain/alert.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import { fieldOf } from '../query/fields.ts';
import { matches, type Facts } from '../query/matches.ts';
import { parseQuery } from '../query/parse-query.ts';
import type { Query } from '../query/query.ts';
import type { Alert, AlertFacts } from './alert.ts';
import { AlertBook, groupKey, isAboutAlert, withRecord, type AboutAlert } from './alert-book.ts';

/** Most groups of a rule that are remembered, and most records of all of them. Those that had no record for longest are forgotten first: they then count from zero. */
const groupsMax = 10_000;
const hitsMax = 100_000;
/** Most characters of the name of a group. Groups with longer ones that begin alike count as one. */
const groupLengthMax = 300;
/** Most alerts that a rule raises in an hour, one for each group. What further groups do is one alert together, so that nobody can flood the list. */
const raisedMax = 50;
const raisedMs = 3_600_000;
/** The group of that alert. */
const others: readonly string[] = ['others'];
/** How far an open alert has counted is recorded at most this often. */
const recountMs = 60_000;
/** A further notice of an open alert is sent after this time, if it still counts. */
const renoticeMs = 24 * 3_600_000;

/** An alert that did not appear in the journal is given out again after this time: on a full disk it could not be recorded. */
const retellMs = 10_000;

/** A record that is watched. */
export interface WatchedRecord {
  readonly shown: ShownRecord;
  readonly facts: Facts;
}

/** Something to put on record. `raise`: a new alert. `count`: an alert that is open has counted on; `isNoticed` if its sinks are to be told again. */
export type AlertNews =
  | { readonly what: 'raise'; readonly alert: AlertFacts; readonly to: readonly string[] }
  | { readonly what: 'count'; readonly alert: AlertFacts; readonly to: readonly string[]; readonly isNoticed: boolean };

/** The records of one group that a rule found lately. */
interface Group {
  /** The records within the window that belong to no alert yet: their times in ms, and their indexes in the log. */
  hits: readonly (readonly [timeMs: number, index: number])[];
  lastMs: number;
}

interface Compiled {
  readonly rule: AlertRule;
  readonly query: Query;
  readonly fields: readonly string[];
  readonly isWithin: ((timeMs: number) => boolean) | null;
}

/** When an open alert was recorded last, and how much it had counted. */
interface Told {
  readonly count: number;
  readonly timeMs: number;
  readonly noticedMs: number;
}

/** An alert that is raised and is not in the journal yet. `toldMs`: when it was given out to be recorded; 0: it was not. */
interface Pending {
  alert: AlertFacts;
  readonly to: readonly string[];
  toldMs: number;
}

/** The state of a watch, for JSON. */
export interface SavedWatch {
  readonly next: number;
  readonly alerts: readonly Alert[];
  readonly pending: readonly Pick<Pending, 'alert' | 'to'>[];
  readonly told: readonly (readonly [id: string, told: Told])[];
  readonly groups: readonly (readonly [rule: string, groups: readonly (readonly [key: string, group: Group])[]])[];
  readonly raised: readonly (readonly [rule: string, times: readonly number[]])[];
}

/**
 * Watches records in the order of the log, and raises alerts by rules. Everything that it knows follows from the records that it was shown, so that after a restart
 * it goes on where it was: an alert that it raises again while it reads what was recorded before is found in the journal, and not told a second time.
 */
export class AlertWatch {
  /** The index in the log of the next record that it expects. */
  next: number;
  readonly book: AlertBook;
  /** The number of records in the log when the watch began: alerts that it raises before may be in the journal already. */
  readonly #liveFrom: number;
  #rules: readonly Compiled[] = [];
  readonly #groups: Map<string, Map<string, Group>>;
  /** How many hits all groups of a rule have together. */
  readonly #hits = new Map<string, number>();
  readonly #raised: Map<string, readonly number[]>;
  readonly #told: Map<string, Told>;
  readonly #pending = new Map<string, Pending>();

  constructor(saved: SavedWatch, liveFrom: number) {
    this.next = saved.next;
    this.#liveFrom = liveFrom;
    this.book = new AlertBook(saved.alerts);
    this.#told = new Map(saved.told);
    this.#raised = new Map(saved.raised);
    this.#groups = new Map(saved.groups.map(([rule, groups]) => [rule, new Map(groups)]));
    for (const [rule, groups] of this.#groups) {
      this.#hits.set(
        rule,
        groups.values().reduce((sum, { hits }) => sum + hits.length, 0),
      );
    }
    for (const { alert, to } of saved.pending) {
      this.#pending.set(groupKey(alert), { alert, to, toldMs: 0 });
    }
  }

  /** A watch that begins at a place of the log, and knows no alerts. */
  static beginning(next: number): SavedWatch {
    return { next, alerts: [], pending: [], told: [], groups: [], raised: [] };
  }

  /** Puts rules into force. Their queries were checked when the configuration was read. */
  enforce(rules: Iterable<AlertRule>): void {
    this.#rules = Array.from(rules, (rule) => ({
      rule,
      query: parseQuery(rule.query, 0),
      fields: rule.by.map(fieldOf),
      isWithin: rule.outside === null ? null : withinHours(rule.outside),
    }));
    const names = new Set(this.#rules.map(({ rule: { name } }) => name));
    for (const gone of [...this.#groups.keys()].filter((name) => !names.has(name))) {
      this.#groups.delete(gone);
      this.#hits.delete(gone);
      this.#raised.delete(gone);
    }
  }

  /** Takes up a record about an alert that was made before the watch began. */
  recall(record: AboutAlert): void {
    this.#learn(record);
  }

  /** Looks at the record with an index in the log. Records that it saw already are left out. */
  see(index: number, record: WatchedRecord): void {
    if (index < this.next) {
      return;
    }
    this.next = index + 1;
    if (isAboutAlert(record.shown)) {
      this.#learn(record.shown);
      return;
    }
    for (const compiled of this.#rules) {
      if (matches(compiled.query, record.facts) && compiled.isWithin?.(record.facts.timeMs) !== true) {
        this.#hit(compiled, index, record);
      }
    }
  }

  /** Returns what is to be recorded now. `nowMs` is the time by the clock of those who record, which may be set back: then it does not wait until that time comes again. */
  take(nowMs: number): readonly AlertNews[] {
    if (this.next < this.#liveFrom) {
      return [];
    }
    const news: AlertNews[] = [];
    for (const pending of this.#pending.values()) {
      if (Math.abs(nowMs - pending.toldMs) >= retellMs) {
        pending.toldMs = nowMs;
        news.push({ what: 'raise', alert: pending.alert, to: pending.to });
      }
    }
    for (const [id, told] of this.#told) {
      const alert = this.book.find(id);
      if (alert === null || alert.state === 'closed') {
        this.#told.delete(id);
      } else if (alert.count > told.count && Math.abs(nowMs - told.timeMs) >= recountMs) {
        const isNoticed = Math.abs(nowMs - told.noticedMs) >= renoticeMs;
        this.#told.set(id, { count: alert.count, timeMs: nowMs, noticedMs: isNoticed ? nowMs : told.noticedMs });
        news.push({ what: 'count', alert, to: this.#sinksOf(alert.rule), isNoticed });
      }
    }
    return news;
  }

  /** Forgets what was recorded before a time: alerts, and what was counted. */
  forget(beforeMs: number): void {
    this.book.forget(beforeMs);
    for (const [rule, groups] of this.#groups) {
      for (const [key, group] of groups) {
        if (group.lastMs < beforeMs) {
          groups.delete(key);
          this.#hits.set(rule, (this.#hits.get(rule) ?? 0) - group.hits.length);
        }
      }
    }
  }

  save(): SavedWatch {
    return {
      next: this.next,
      alerts: this.book.all,
      pending: Array.from(this.#pending.values(), ({ alert, to }) => ({ alert, to })),
      told: [...this.#told],
      groups: Array.from(this.#groups, ([rule, groups]) => [rule, [...groups]]),
      raised: [...this.#raised],
    };
  }

  #sinksOf(name: string): readonly string[] {
    return this.#rules.find(({ rule }) => rule.name === name)?.rule.to ?? [];
  }

  #learn(shown: AboutAlert): void {
    this.book.learn(shown);
    const id = String(shown.attributes[ownAttributes.alertId]);
    const alert = this.book.find(id);
    const key = alert === null ? '' : groupKey(alert);
    const pending = this.#pending.get(key);
    if (alert !== null && alert.raised === shown.record) {
      const timeMs = Date.parse(shown.time);
      this.#told.set(id, { count: alert.count, timeMs, noticedMs: timeMs });
      this.#pending.delete(key);
      // Its record lacks those that came since it was given out.
      for (let more = alert.count; pending !== undefined && more < pending.alert.count; more++) {
        const { lastMs, through, records } = pending.alert;
        this.book.count(this.book.find(id) ?? alert, { lastMs, through, record: records.at(-1) ?? '' });
      }
    }
  }

  #hit(compiled: Compiled, index: number, { shown, facts }: WatchedRecord): void {
    const { rule, fields } = compiled;
    const named = fields.map((field, i) => cut(`${rule.by[i]}=${facts.values.get(field)?.join(',') ?? ''}`));
    const by = this.#isKnown(rule, named) || !this.#isFlooded(rule.name, facts.timeMs) ? named : others;
    const open = this.book.findOpen(rule.name, by);
    const pending = this.#pending.get(groupKey({ rule: rule.name, by }));
    const group = this.#groupOf(rule, by);
    const quietMs = facts.timeMs - group.lastMs;
    group.lastMs = facts.timeMs;
    if (open !== null) {
      this.book.count(open, { lastMs: facts.timeMs, through: index, record: shown.record });
      return;
    }
    if (pending !== undefined) {
      const { alert } = pending;
      pending.alert = { ...alert, count: alert.count + 1, lastMs: facts.timeMs, through: index, records: withRecord(alert.records, shown.record) };
      return;
    }
    if (rule.unseenMs !== null && quietMs < rule.unseenMs) {
      return;
    }
    const before = group.hits.length;
    group.hits = [...group.hits.filter(([timeMs]) => facts.timeMs - timeMs < rule.windowMs), [facts.timeMs, index]];
    if (group.hits.length >= rule.count) {
      this.#raise(rule, by, group, shown);
      group.hits = [];
    }
    this.#bound(rule.name, group.hits.length - before);
  }

  #isKnown({ name: rule }: AlertRule, by: readonly string[]): boolean {
    return this.book.findOpen(rule, by) !== null || this.#pending.has(groupKey({ rule, by }));
  }

  #isFlooded(rule: string, timeMs: number): boolean {
    return (this.#raised.get(rule) ?? []).filter((raisedAtMs) => timeMs - raisedAtMs < raisedMs).length >= raisedMax;
  }

  #raise(rule: AlertRule, by: readonly string[], { hits, lastMs }: Group, shown: ShownRecord): void {
    const key = groupKey({ rule: rule.name, by });
    const log = shown.record.slice(0, shown.record.lastIndexOf('/'));
    const alert: AlertFacts = {
      id: `al_${createHash('sha256').update(`${key} ${shown.record}`).digest('hex').slice(0, 16)}`,
      rule: rule.name,
      by,
      severity: rule.severity ?? severityOf(shown) ?? 'medium',
      count: hits.length,
      firstMs: hits[0]?.[0] ?? lastMs,
      lastMs,
      records: hits.reduce<readonly string[]>((named, [, index]) => withRecord(named, `${log}/${index}`), []),
      through: hits.at(-1)?.[1] ?? 0,
    };
    this.#pending.set(key, { alert, to: rule.to, toldMs: 0 });
    const raised = (this.#raised.get(rule.name) ?? []).filter((timeMs) => lastMs - timeMs < raisedMs);
    this.#raised.set(rule.name, [...raised, lastMs]);
  }

  /** Returns what is known of a group, which is from now on the one that had a record last. */
  #groupOf({ name }: AlertRule, by: readonly string[]): Group {
    const groups = this.#groups.get(name) ?? new Map<string, Group>();
    this.#groups.set(name, groups);
    const key = JSON.stringify(by);
    const group = groups.get(key) ?? { hits: [], lastMs: 0 };
    groups.delete(key);
    groups.set(key, group);
    return group;
  }

  /** Notes that the groups of a rule have so many more hits, and forgets groups past the limits. */
  #bound(rule: string, more: number): void {
    const groups = this.#groups.get(rule) ?? new Map<string, Group>();
    let hits = (this.#hits.get(rule) ?? 0) + more;
    while (groups.size > groupsMax || (hits > hitsMax && groups.size > 1)) {
      const [oldest = ''] = groups.keys();
      hits -= groups.get(oldest)?.hits.length ?? 0;
      groups.delete(oldest);
    }
    this.#hits.set(rule, hits);
  }
}

function cut(group: string): string {
  return group.length <= groupLengthMax ? group : `${group.slice(0, groupLengthMax).toWellFormed()}…`;
}

function severityOf({ attributes }: ShownRecord): Severity | null {
  return severities.find((each) => each === attributes[ownAttributes.severity]) ?? null;
}
